import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { emptyIdentities } from "#domain/approval/identities.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { policyYaml } from "#test/support/toy-model.ts";
import { parsePlatformRules } from "./parse-policy.ts";
import {
  createPlatformPolicy,
  deriveProposalId,
  digestText,
  PolicyEntry,
  policyKeys,
} from "./platform-policy.ts";
import { createPolicyWriter } from "./policy-writer.ts";

const rules = (text = policyYaml) =>
  parsePlatformRules(new TextEncoder().encode(text), "policy.yaml", emptyIdentities);
const tighter = rules(policyYaml.replace("quorum: 1", "quorum: 2"));
const looser = rules(
  policyYaml.replace("latencyP95Ms: 1000", "latencyP95Ms: 9000").replace("timeout: P7D", "timeout: P1D"),
);
const sessionOf = (role: string, name: string) => ({
  id: `AROA${role.slice(0, 6).toUpperCase()}:${name}`,
  name: `arn:aws:sts::123456789012:assumed-role/${role}/${name}`,
});
/** Identity Center's role of a permission set names each session by its user. */
const permissionSet = "AWSReservedSSO_people_0123456789abcdef";
const ada = sessionOf(permissionSet, "ada@example.com");
const bob = sessionOf(permissionSet, "bob@example.com");

let memory: ReturnType<typeof memoryStore>;
let policy: ReturnType<typeof createPlatformPolicy>;
let changes: ReturnType<typeof createPolicyWriter>;
beforeEach(() => {
  memory = memoryStore();
  policy = createPlatformPolicy(memory);
  changes = createPolicyWriter(memory);
});
afterEach(() => memory.database.close());

test("without a copy there is a named error, and no proposal is possible", async () => {
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
    "ada@example.com proposed this: a second person has to confirm it",
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

describe("two sessions of one role that its bearer names", () => {
  const one = sessionOf("Platform", "ada@example.com");
  const other = sessionOf("Platform", "bob@example.com");
  const listed = rules(
    `${policyYaml}\nidentities:\n  sessionRoles: ["arn:aws:iam::123456789012:role/people/Platform"]\n`,
  );
  /** What an operator can write by hand: both signatures, and the entry. */
  const forge = async (next: typeof looser, revision: number, [by, confirmed] = [one, other]) => {
    const text = JSON.stringify({ floor: next.floor, identities: next.identities });
    const digest = digestText(text);
    const proposal = deriveProposalId({ follows: revision - 1, digest, by });
    const before = PolicyEntry.parse((await memory.store.get(policyKeys.entry(revision - 1)))?.value);
    await memory.store.put(policyKeys.signature(by, proposal, "proposed"), digest);
    await memory.store.put(policyKeys.signature(confirmed, proposal, "confirmed"), digest);
    await memory.store.put(policyKeys.entry(revision), {
      ...before,
      ...{ revision, text, digest, proposal, previous: before.digest },
      ...{ appliedBy: by, confirmedBy: confirmed },
    });
  };

  test.each([
    ["called as she likes", other],
    ["by a name that is another role's", { ...other, name: bob.name.replace("bob@", "eve@") }],
    ["with a token that she federated", { id: "123456789012:bob@example.com", name: "Bob" }],
  ])("are one person: nobody confirms what they proposed themselves, %s", async (_, second) => {
    await changes.writeFirst(rules(), bob);
    const { id } = await changes.propose(looser, one);
    await expect(changes.confirm(id, second)).rejects.toMatchObject({ name: "PolicyRefused" });
    expect((await policy.read()).revision).toBe(1);
  });

  test("put nothing in force that they write by hand, also not by listing the role first", async () => {
    await changes.writeFirst(rules(), bob);
    await forge(listed, 2);
    await expect(policy.read()).rejects.toMatchObject({ name: "PolicyInvalid" });
    await forge({ ...looser, identities: listed.identities }, 3);
    await expect(policy.read()).rejects.toMatchObject({ name: "PolicyInvalid" });
  });

  test("are two people once two others have listed the role under sessionRoles", async () => {
    await changes.writeFirst(rules(), ada);
    const { id: listing } = await changes.propose(listed, ada);
    await changes.confirm(listing, bob);
    const { id } = await changes.propose(looser, one);
    await changes.confirm(id, other);
    expect(await policy.read()).toMatchObject({ revision: 3, confirmedBy: other });
  });

  test("that put a revision in force before they counted as one end deliveries until two people put it in force again", async () => {
    await changes.writeFirst(rules(), bob);
    await forge(looser, 2);
    await expect(policy.read()).rejects.toThrow(/propose it again/);
    const { id } = await changes.propose(looser, ada);
    await changes.confirm(id, bob);
    expect(await policy.read()).toMatchObject({ revision: 3, floor: looser.floor });
  });
});

test("loosened rules are listed first and apart, with every change of the identities", async () => {
  await changes.writeFirst(rules(), ada);
  const text = `${policyYaml.replace("quorum: 1", "quorum: 2").replace("high: 10", "high: 20")}\nidentities:\n  bots: ["github:dependabot[bot]"]\n`;
  const { changes: words } = await changes.propose(rules(text), ada);
  expect(words).toEqual({
    loosened: ["gates.vulnerabilities.high 10 → 20", "identities.bots [] → [github:dependabot[bot]]"],
    tightened: ["approval.quorum 1 → 2"],
  });
});

test("the ledger keeps each copy with who, when and both digests", async () => {
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

test("of two simultaneous confirmations one counts", async () => {
  await changes.writeFirst(rules(), ada);
  const { id } = await changes.propose(looser, ada);
  const carol = sessionOf(permissionSet, "carol@example.com");
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
    message: expect.stringContaining("bob@example.com has not signed"),
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

test("an invalid entry of the ledger is reported with its key", async () => {
  await tightened();
  await memory.store.put({ partition: policyKeys.ledger, sort: "x" }, { revision: 3 });
  await expect(policy.read()).rejects.toMatchObject({
    name: "PolicyInvalid",
    message: expect.stringContaining("revision x, does not count: it is not an entry of the ledger"),
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

test("on one machine the same person confirms only with --alone, and the ledger shows it", async () => {
  const here = { ...memory, confirmation: "alone-if-said" as const };
  const alone = createPolicyWriter(here);
  await alone.writeFirst(rules(), ada);
  const { id } = await alone.propose(looser, ada);
  await expect(alone.confirm(id, ada)).rejects.toThrow("--alone");
  await alone.confirm(id, ada, { alone: true });
  expect(await createPlatformPolicy(here).read()).toMatchObject({
    revision: 2,
    appliedBy: ada,
    confirmedBy: ada,
  });
  // The same items would not count on AWS.
  await expect(policy.read()).rejects.toMatchObject({ name: "PolicyInvalid" });
});

test("a file without identities leaves the identities unchanged", () => {
  const identities = { ...emptyIdentities, bots: ["github:dependabot[bot]"] };
  const bytes = new TextEncoder().encode(policyYaml);
  expect(parsePlatformRules(bytes, "policy.yaml", identities).identities).toEqual(identities);
});

test("a proposal that does not exist is unknown, to show and to confirm, and not refused", async () => {
  await changes.writeFirst(looser, ada);
  await expect(changes.proposal("zz")).rejects.toMatchObject({ name: "ProposalUnknown" });
  await expect(changes.confirm("9-aa", bob)).rejects.toMatchObject({ name: "ProposalUnknown" });
});
