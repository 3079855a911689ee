import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { finishApproval } from "#domain/approval/finish-approval.ts";
import { giveCanaryOrder } from "#domain/canary/give-canary-order.ts";
import { parsePolicy } from "#domain/policy/parse-policy.ts";
import { computeRulesInForce } from "#domain/policy/rules-in-force.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { createNewApproval } from "#test/support/record-approval.ts";
import { buildModelYaml, fakeCommit, fakeDigest, policyYaml, toyModel } from "#test/support/toy-model.ts";
import { expandApprovers } from "./approver-lists.ts";
import { createGroupReader } from "./group-reader.ts";
import { emptyIdentities } from "./identities.ts";
import { resolveApprovers } from "./resolve-approvers.ts";

const [ada, bob, eve] = ["U0ADA", "U0BOB", "U0EVE"];
const group = "S0TEAM";

let world: MemoryWorld;
let members: Map<string, string[]>;
let calls: string[];
let refusal: string | undefined;
beforeEach(() => {
  world = createMemoryWorld();
  members = new Map([[group, [ada, bob]]]);
  calls = [];
  refusal = undefined;
});
afterEach(() => world.close());

/** Who is a guest of the workspace, and in which way Slack says so. */
let guests: Map<string, object>;
beforeEach(() => {
  guests = new Map();
});
const readProfile = async ({ user }: { user: string }) => ({
  user: { profile: { email: `${user.toLowerCase()}@example.com` }, ...guests.get(user) },
});
const slack = () => ({ ...world.slack, users: { info: readProfile } });

const createReader = () =>
  createGroupReader({
    slack: {
      usergroups: {
        users: {
          list: async ({ usergroup }) => {
            calls.push(usergroup);
            const users = members.get(usergroup);
            const error = refusal ?? (users ? undefined : "no_such_subteam");
            if (error !== undefined) throw Object.assign(new Error(error), { data: { ok: false, error } });
            return { ok: true, users };
          },
        },
      },
    },
    clock: world.clock,
  });

const encode = (text: string) => new TextEncoder().encode(text);
const createPolicy = (approvers: string, quorum = 1) =>
  parsePolicy(
    encode(policyYaml.replace("[U024BE7LH, U0SECOND1], quorum: 1", `[${approvers}], quorum: ${quorum}`)),
    "policy.yaml",
  );
const createManifest = (approvers: string, quorum = 1) =>
  readManifest(
    encode(
      buildModelYaml({
        approval: `{ approvers: [${approvers}], quorum: ${quorum}, authorMayApprove: false, timeout: PT24H }`,
      }),
    ),
  );
const resolve = (rule: Parameters<MemoryWorld["approversFor"]>[0]["rule"], readGroups = createReader()) => {
  const commit = world.commit("a");
  return resolveApprovers({
    source: world.source,
    ledger: world.ledger,
    pushes: world.pushes,
    policy: { read: async () => ({ identities: { ...emptyIdentities, domains: ["example.com"] } }) },
    slack: slack(),
    readGroups,
    warn: world.warn,
    addresses: "organisation",
  })({ delivery: "toy-1", model: toyModel, commit, pusher: "sam@example.com", rule });
};

describe("who may approve where rules name user groups", () => {
  test.each([
    ["a group in both", group, group, [ada, bob]],
    ["a user of the policy's group", ada, group, [ada]],
    ["a group of which the policy allows one user", group, bob, [bob]],
    ["a user outside the policy's group counts for nothing", `${ada}, ${eve}`, group, [ada]],
  ])("%s", async (_, manifest, policy, approvers) => {
    const { approval } = computeRulesInForce({
      platform: createPolicy(policy),
      challenger: createManifest(manifest),
    });
    expect((await resolve(approval)).approvers).toEqual(approvers);
  });

  test("a commit's policy.yaml narrows the group, and cannot widen it", async () => {
    const rules = (committed: string) =>
      computeRulesInForce({
        platform: createPolicy(group),
        committed: createPolicy(committed),
        challenger: createManifest(`${group}, ${eve}`),
      }).approval;
    expect((await resolve(rules(ada))).approvers).toEqual([ada]);
    expect((await resolve(rules(`${group}, ${eve}`))).approvers).toEqual([ada, bob]);
  });

  test("the quorum may not exceed the members, and a group that does not exist has none", async () => {
    const rule = (approvers: string, quorum: number) =>
      computeRulesInForce({
        platform: createPolicy(approvers),
        challenger: createManifest(approvers, quorum),
      }).approval;
    // Each commit of the memory world has one pusher that is known, so nothing raises the quorum.
    await expect(resolve(rule(group, 3))).rejects.toMatchObject({ name: "QuorumOutOfReach" });
    await expect(resolve(rule("S0UNKNOWN", 1))).rejects.toMatchObject({ name: "QuorumOutOfReach" });
  });

  test("a missing scope says which, a silent Slack is tried again, and neither lets anybody approve", async () => {
    const { approval } = computeRulesInForce({
      platform: createPolicy(group),
      challenger: createManifest(group),
    });
    refusal = "missing_scope";
    await expect(resolve(approval)).rejects.toMatchObject({
      name: "PermissionMissing",
      message: expect.stringContaining("usergroups:read"),
    });
    refusal = "internal_error";
    await expect(resolve(approval)).rejects.toMatchObject({ name: "TemporaryFault", retryable: true });
  });

  test("a response of Slack counts for half a minute, and each group is read once", async () => {
    const read = createReader();
    await read([[group], [group, ada]]);
    await read([[group]]);
    expect(calls).toEqual([group]);
    world.time.now += 30_000;
    await read([[group]]);
    expect(calls).toEqual([group, group]);
  });

  test("for any lists and members, exactly those may approve whom every list names", () => {
    const ids = fc.constantFrom(ada, bob, eve, "U0SAM", "S0ONE", "S0TWO", "S0NONE");
    const users = fc.subarray([ada, bob, eve, "U0SAM", "U0MAX"]);
    fc.assert(
      fc.property(
        fc.array(fc.array(ids), { minLength: 1, maxLength: 4 }),
        users,
        users,
        (lists, one, two) => {
          const groups = new Map([
            ["S0ONE", one],
            ["S0TWO", two],
          ]);
          const approvers = expandApprovers(lists, groups);
          for (const user of [ada, bob, eve, "U0SAM", "U0MAX", "S0ONE"]) {
            const isNamed = lists.every(
              (list) =>
                (user.startsWith("U") && list.includes(user)) ||
                list.some((id) => groups.get(id)?.includes(user) ?? false),
            );
            expect([user, approvers.includes(user)]).toEqual([user, isNamed]);
          }
        },
      ),
    );
  });
});

describe("membership at the click", () => {
  const ask = async () => {
    world.engine.waiting.add("token");
    const { approval } = computeRulesInForce({
      platform: createPolicy(`${group}, ${eve}`),
      challenger: createManifest(`${group}, ${eve}`),
    });
    const { within: _, ...rule } = approval;
    const { approvers, quorum, contributors } = await resolve(approval);
    const question = createNewApproval(world, { delivery: "toy-1", letter: "a", version: 1 });
    const { id } = await world.approvals.ask(
      { ...question, rule: { ...rule, approvers: [...approvers], quorum }, contributors },
      "token",
    );
    return id;
  };
  const click = (id: string, user: string) =>
    world.approvals.click(id, {
      user,
      name: user,
      verdict: "approved",
      reason: null,
      at: world.time.now,
    });
  const finish = (id: string) =>
    finishApproval({ ...world, slack: slack(), readGroups: createReader() })({
      followUp: "finish-approval",
      approval: id,
      explainTo: null,
    });
  const readState = async (id: string) => (await world.approvals.read(id))?.state;

  test("the record keeps the groups' members as they were at the request", async () => {
    expect((await world.approvals.read(await ask()))?.contributors?.groups).toEqual({
      lists: [
        [group, eve],
        [group, eve],
      ],
      members: [{ group, users: [ada, bob] }],
    });
  });

  test("a member's vote counts once Slack confirms the membership; an approver by name needs none", async () => {
    const id = await ask();
    expect(await click(id, ada)).toMatchObject({ result: "postponed" });
    await finish(id);
    expect(await readState(id)).toMatchObject({ status: "sent", decision: { by: [{ user: ada }] } });
    world.time.now++;
    const other = await ask();
    expect(other).toBe(id);
    expect(await click(id, eve)).toMatchObject({ result: "already" });
  });

  test("who left the group after the request decides nothing, and learns why", async () => {
    const id = await ask();
    members.set(group, [bob]);
    await click(id, ada);
    await finish(id);
    expect(await readState(id)).toEqual({ status: "pending", votes: [] });
    expect(await click(id, eve)).toMatchObject({ result: "decided" });
  });

  test("who joined it after the request decides nothing, because the question was not theirs", async () => {
    const id = await ask();
    members.set(group, [ada, bob, "U0NEW"]);
    expect(await click(id, "U0NEW")).toMatchObject({ result: "refused" });
  });

  test("a member at the request may hold a canary without a call to Slack, and nobody else", async () => {
    await click(await ask(), eve);
    const deployment = await world.ledger.begin(
      {
        ...{ environment: "prod", model: toyModel, delivery: "toy-1", commit: fakeCommit("a"), fence: 1 },
        ...{ digest: fakeDigest("a"), version: 1, functionVersion: "1", previous: 0, reason: null },
      },
      world.time.now,
    );
    await world.ledger.change(deployment, (current) => ({ ...current, status: "canary" }));
    const hold = (user: string, person: { readonly email?: string } = {}) =>
      giveCanaryOrder(world)(
        "toy-1",
        { kind: "hold", forMs: 60_000, reason: "to look" },
        { user, name: user, ...person },
      );
    members.set(group, []);
    expect(await hold(ada)).toMatchObject({ taken: true });
    expect(await hold(bob, { email: "bob@example.com" })).toMatchObject({ taken: true });
    expect(await hold("U0NEW")).toMatchObject({ taken: false });
  });

  test("while Slack is down a member's vote waits, and is judged later", async () => {
    const id = await ask();
    refusal = "internal_error";
    await click(id, ada);
    await expect(finish(id)).rejects.toMatchObject({ name: "TemporaryFault" });
    expect(await readState(id)).toEqual({ status: "pending", votes: [] });
    refusal = undefined;
    await finish(id);
    expect(await readState(id)).toMatchObject({ status: "sent" });
  });

  test.each([{ is_restricted: true }, { is_ultra_restricted: true }, { is_stranger: true }])(
    "an account with %j is no member at the request, and reads why; a member is",
    async (flags) => {
      guests.set(ada, flags);
      const id = await ask();
      expect((await world.approvals.read(id))?.contributors?.leftOut).toEqual([{ user: ada, why: "guest" }]);
      expect(await click(id, ada)).toMatchObject({
        result: "refused",
        why: expect.stringContaining("guest"),
      });
      await click(id, bob);
      await finish(id);
      expect(await readState(id)).toMatchObject({ status: "sent", decision: { by: [{ user: bob }] } });
    },
  );

  test("who became a guest after the request decides nothing, and learns why", async () => {
    const id = await ask();
    await world.messages.show("toy-1");
    guests.set(ada, { is_restricted: true });
    await click(id, ada);
    await finish(id);
    expect(await readState(id)).toEqual({ status: "pending", votes: [] });
    expect(world.notes).toMatchObject([{ user: ada, text: expect.stringContaining("guest") }]);
  });

  test("a guest whom the rules name by id may decide", async () => {
    guests.set(eve, { is_ultra_restricted: true });
    expect(await click(await ask(), eve)).toMatchObject({
      result: "decided",
      decision: { by: [{ user: eve }] },
    });
  });

  test("a guest may not order about a canary either", async () => {
    guests.set(ada, { is_restricted: true });
    const id = await ask();
    expect(
      await world.approvals.abort(id, { user: ada, name: ada, reason: "no", at: world.time.now }),
    ).toMatchObject({ result: "refused" });
  });

  test.each([true, false])(
    "guests do not count towards the quorum (authors may approve: %s)",
    async (authorMayApprove) => {
      const { approval } = computeRulesInForce({
        platform: createPolicy(group),
        challenger: createManifest(group, 2),
      });
      const rule = { ...approval, authorMayApprove };
      expect(await resolve(rule)).toMatchObject({ quorum: 2 });
      guests.set(ada, { is_restricted: true });
      await expect(resolve(rule)).rejects.toMatchObject({
        name: "QuorumOutOfReach",
        message: expect.stringContaining(`Guests whom only a user group names: ${ada}.`),
      });
    },
  );
});
