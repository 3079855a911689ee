import { afterEach, beforeEach, expect, test } from "vitest";
import { memoryStore, policyYaml } from "../../test/step-world.ts";
import { noIdentities } from "../approval/identities.ts";
import { changePolicy } from "./change-policy.ts";
import { parsePlatformRules } from "./parse-policy.ts";
import { PolicyEntry, platformPolicy, policyKeys } from "./platform-policy.ts";

const rules = (text = policyYaml) =>
  parsePlatformRules(new TextEncoder().encode(text), "policy.yaml", noIdentities);
const tighter = rules(policyYaml.replace("quorum: 1", "quorum: 2"));
const looser = rules(
  policyYaml.replace("latencyP95Ms: 1000", "latencyP95Ms: 9000").replace("timeout: P7D", "timeout: P1D"),
);
const ada = { id: "AROAPEOPLE:ada@example.com", name: "Ada" };
const bob = { id: "AROAPEOPLE:bob@example.com", name: "Bob" };

let memory: ReturnType<typeof memoryStore>;
let policy: ReturnType<typeof platformPolicy>;
let changes: ReturnType<typeof changePolicy>;
beforeEach(() => {
  memory = memoryStore();
  policy = platformPolicy(memory);
  changes = changePolicy(memory);
});
afterEach(() => memory.database.close());

test("without a copy there is a named error, and nothing to propose on", async () => {
  await expect(policy.read()).rejects.toMatchObject({ name: "PolicyMissing" });
  expect(await policy.find()).toBeUndefined();
  await expect(changes.propose(tighter, ada)).rejects.toMatchObject({ name: "PolicyRefused" });
});

test("the first copy is written once", async () => {
  await changes.writeFirst(rules(), ada);
  await expect(changes.writeFirst(looser, bob)).rejects.toMatchObject({ name: "PolicyRefused" });
  expect(await policy.read()).toMatchObject({ revision: 1, confirmedBy: null, floor: rules().floor });
});

test.each([
  ["tightens", tighter],
  ["loosens", looser],
])("what %s is in force only once a second person has confirmed it", async (_, next) => {
  await changes.writeFirst(rules(), ada);
  const { id } = await changes.propose(next, ada);
  expect((await policy.read()).revision).toBe(1);
  await expect(changes.confirm(id, ada)).rejects.toThrow(
    "Ada proposed this: a second person has to confirm it",
  );
  await expect(changes.confirm(id, ada, { alone: true })).rejects.toMatchObject({ name: "PolicyRefused" });
  expect((await policy.read()).revision).toBe(1);
  await changes.confirm(id, bob);
  expect(await policy.read()).toMatchObject({
    revision: 2,
    floor: next.floor,
    appliedBy: ada,
    confirmedBy: bob,
  });
});

test("one person under two roles is one person", async () => {
  await changes.writeFirst(rules(), ada);
  const { id } = await changes.propose(looser, ada);
  const otherRole = {
    id: "AROAOTHER:Ada@example.com",
    name: "arn:aws:sts::1:assumed-role/other/Ada@example.com",
  };
  await expect(changes.confirm(id, otherRole)).rejects.toMatchObject({ name: "PolicyRefused" });
});

test("what loosens is named first and apart, and every change of who is who stands there", async () => {
  await changes.writeFirst(rules(), ada);
  const text = `${policyYaml.replace("quorum: 1", "quorum: 2").replace("high: 10", "high: 20")}\nidentities:\n  bots: ["github:dependabot[bot]"]\n`;
  const { changes: words } = await changes.propose(rules(text), ada);
  expect(words).toEqual({
    loosened: ["gates.vulnerabilities.high 10 → 20", "identities.bots [] → [github:dependabot[bot]]"],
    tightened: ["approval.quorum 1 → 2"],
  });
});

test("the ledger keeps each copy: who, when, and the digest of the text before and after", async () => {
  await changes.writeFirst(rules(), ada);
  const { id } = await changes.propose(tighter, bob);
  await changes.confirm(id, ada);
  const [second, first] = await changes.history();
  expect([first?.previous, second?.previous]).toEqual([null, first?.digest]);
  expect(second).toMatchObject({ revision: 2, at: memory.time.now, proposal: id });
  expect(second?.digest).not.toBe(first?.digest);
});

test("a proposal on top of a copy that is no longer in force is void", async () => {
  await changes.writeFirst(rules(), ada);
  const { id: stale } = await changes.propose(looser, ada);
  const { id } = await changes.propose(tighter, bob);
  await changes.confirm(id, ada);
  await expect(changes.confirm(stale, bob)).rejects.toThrow("propose it again");
});

test("of two confirmations at once one is kept", async () => {
  await changes.writeFirst(rules(), ada);
  const { id } = await changes.propose(looser, ada);
  const carol = { id: "AROAPEOPLE:carol@example.com", name: "Carol" };
  const done = await Promise.allSettled([changes.confirm(id, bob), changes.confirm(id, carol)]);
  expect(done.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  expect((await policy.read()).revision).toBe(2);
});

test("an entry that one operator writes by hand does not count: the other's signature is missing", async () => {
  await changes.writeFirst(rules(), ada);
  const { id } = await changes.propose(looser, ada);
  const { text, digest, at, changes: words } = await changes.proposal(id);
  await memory.store.put(policyKeys.entry(2), {
    revision: 2,
    text,
    digest,
    previous: (await policy.read()).digest,
    proposal: id,
    appliedBy: ada,
    confirmedBy: bob,
    at,
    changes: { loosened: [...words.loosened], tightened: [...words.tightened] },
  });
  await expect(policy.read()).rejects.toMatchObject({
    name: "PolicyInvalid",
    message: expect.stringContaining("Bob has not signed"),
  });
});

/** The ledger with revision 2 in force, which tightened what revision 1 said. */
const tightened = async () => {
  await changes.writeFirst(looser, ada);
  const { id } = await changes.propose(tighter, ada);
  await changes.confirm(id, bob);
  const entry = async (revision: number) => {
    const item = await memory.store.get(policyKeys.entry(revision));
    return PolicyEntry.parse(item?.value);
  };
  return { first: await entry(1), second: await entry(2) };
};
const uncounted = { name: "PolicyInvalid", message: expect.stringContaining("does not count") };

test.each([
  ["at a place behind all others", "9999999999"],
  ["at the next place", "0000000003"],
])("a first entry that one operator writes by hand %s does not count", async (_, sort) => {
  const { first } = await tightened();
  await memory.store.put({ partition: policyKeys.ledger, sort }, first);
  await expect(policy.read()).rejects.toMatchObject(uncounted);
});

test("an earlier revision that is written once more under a new number does not count, although its signatures are there", async () => {
  const { second } = await tightened();
  const { id } = await changes.propose(looser, ada);
  await changes.confirm(id, bob);
  for (const [revision, previous] of [
    [4, second.previous],
    [4, (await policy.read()).digest],
  ] as const) {
    await memory.store.put(policyKeys.entry(revision), { ...second, revision, previous });
    await expect(policy.read()).rejects.toMatchObject(uncounted);
  }
});

test("an entry that does not follow the one before it does not count", async () => {
  const { first, second } = await tightened();
  await memory.store.put(policyKeys.entry(1), { ...first, digest: second.digest });
  await expect(policy.read()).rejects.toMatchObject(uncounted);
});

test("what is no entry of the ledger is said, with its place", async () => {
  await tightened();
  await memory.store.put({ partition: policyKeys.ledger, sort: "x" }, { revision: 3 });
  await expect(policy.read()).rejects.toMatchObject({
    name: "PolicyInvalid",
    message: expect.stringContaining("revision x, does not count: it is no entry of the ledger"),
  });
});

test("a proposal that was rewritten after it was made cannot be confirmed under its id", async () => {
  await changes.writeFirst(rules(), ada);
  const { id } = await changes.propose(tighter, ada);
  const { id: worse } = await changes.propose(looser, ada);
  const item = await memory.store.get({ partition: policyKeys.proposals, sort: worse });
  await memory.store.put({ partition: policyKeys.proposals, sort: id }, item?.value ?? null);
  await expect(changes.confirm(id, bob)).rejects.toThrow("was changed after it was made");
});

test("on one machine the same person confirms only by saying so, and the ledger shows it", async () => {
  const here = { ...memory, confirmation: "alone-if-said" as const };
  const alone = changePolicy(here);
  await alone.writeFirst(rules(), ada);
  const { id } = await alone.propose(looser, ada);
  await expect(alone.confirm(id, ada)).rejects.toThrow("--alone");
  await alone.confirm(id, ada, { alone: true });
  expect(await platformPolicy(here).read()).toMatchObject({ revision: 2, appliedBy: ada, confirmedBy: ada });
  // The same items would not count on AWS.
  await expect(policy.read()).rejects.toMatchObject({ name: "PolicyInvalid" });
});

test("a file without identities leaves who is who as it is", () => {
  const identities = { ...noIdentities, bots: ["github:dependabot[bot]"] };
  const bytes = new TextEncoder().encode(policyYaml);
  expect(parsePlatformRules(bytes, "policy.yaml", identities).identities).toEqual(identities);
});
