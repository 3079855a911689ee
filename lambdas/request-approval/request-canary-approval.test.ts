import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { recordApproval } from "#test/support/record-approval.ts";
import { buildModelYaml, fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { requestApproval } from "./request-approval.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const delivery = "delivery-c";
const check = {
  name: "canary samples",
  verdict: "inconclusive",
  measured: 3,
  limit: 200,
  unit: "requests",
  detail: "challenger 3 requests",
} as const;
const approver = { user: "U024BE7LH", name: "Ada", email: "ada@example.com" };

/** A canary at 10 % that proved nothing, and the event of its question. */
const startCanary = async (yaml?: string) => {
  const champion = await promoteVersion(world, "a", 1);
  world.commit("c", yaml);
  const approval = await recordApproval(world, { delivery, letter: "c", version: 3 });
  await world.approvals.close(approval, "sent");
  const grant = await world.claims.take(
    { environment: "prod", model: toyModel, delivery, requestedAt: 1, now: world.time.now },
    "free",
  );
  const fence = grant.status === "granted" ? grant.fence : 0;
  const entry = await world.ledger.begin(
    {
      ...{ environment: "prod", model: toyModel, delivery, commit: fakeCommit("c") },
      ...{ digest: fakeDigest("c"), version: 3, functionVersion: "9", fence, previous: champion.sequence },
      reason: null,
    },
    world.time.now,
  );
  const share = { percent: 10, from: world.time.now };
  await world.ledger.change(entry, (current) => ({ ...current, status: "canary", shares: [share] }));
  return {
    ...{ delivery, model: toyModel, commit: fakeCommit("c"), digest: fakeDigest("c"), version: 3 },
    taskToken: "token",
    prodFence: fence,
    author: { name: "Sam", email: "sam@example.com" },
    pusher: "sam@example.com",
    baseline: champion.sequence,
    approval,
    championVersion: champion.functionVersion,
    functionVersion: "9",
    step: 0,
    checks: [check],
    omitted: [{ name: "replay", why: "prod records no inputs" }],
    timeoutSeconds: 3_600,
  };
};
/** The history of a commit that prod has moved past is tested in test/attacks/contributors.test.ts. */
const contributors = {
  ...{ people: ["sam@example.com"], addresses: ["sam@example.com"], unmapped: [], approvers: [] },
  leftOut: [],
};
const request = async (input: Awaited<ReturnType<typeof startCanary>>, taskToken = "token") => {
  world.engine.waiting.add(taskToken);
  const approversFor = async ({ rule }: Parameters<MemoryWorld["approversFor"]>[0]) => ({
    quorum: rule.quorum,
    approvers: rule.approvers,
    contributors,
  });
  await requestApproval({ ...world, approversFor })({ ...input, taskToken });
};
const readQuestion = async () => (await world.approvals.ofDelivery(delivery)).at(-1);
const vote = async (email: string, user = approver.user) =>
  world.approvals.vote((await readQuestion())?.id ?? "", {
    ...{ user, name: "Ada", email, verdict: "approved", reason: null, at: world.time.now },
    confirmation: toyModel,
  });

test("the question about a canary is bound to what prod got and to the step, and shows what was seen", async () => {
  const input = await startCanary();
  await request(input);
  expect(await readQuestion()).toMatchObject({
    digest: fakeDigest("c"),
    version: 3,
    baseline: input.baseline,
    fence: input.prodFence,
    canary: { step: 0, percent: 10 },
    rule: { approvers: ["U024BE7LH"], quorum: 1 },
    evidence: { checks: [check], omitted: [{ name: "replay" }] },
    expiresAt: world.time.now + 3_600_000 - 60_000,
    state: { status: "pending", votes: [] },
  });
  expect([...world.slack.shown.values()]).toMatchObject([
    { question: { status: "open", canaryPercent: 10 }, decisions: [{ canaryPercent: null }] },
  ]);
});

test("a contributor decides this question as little as the first one", async () => {
  await request(await startCanary());
  expect(await vote("sam@example.com")).toMatchObject({ result: "refused" });
  expect(await vote("ada@example.com", "U0STRANGE")).toMatchObject({ result: "refused" });
  expect(await vote("ada@example.com")).toMatchObject({ result: "decided" });
});

test("a restart finds the same question, and its decision reaches the newest task", async () => {
  const input = await startCanary();
  await request(input);
  await vote("ada@example.com");
  await request(input, "newer");
  expect(await world.approvals.asked(delivery)).toHaveLength(2);
  expect(world.engine.answers).toMatchObject([{ token: "newer", output: { status: "approved" } }]);
});

test("each step has a question of its own", async () => {
  const input = await startCanary();
  await request(input);
  const first = (await readQuestion())?.id;
  await request({ ...input, step: 1 }, "second");
  expect((await readQuestion())?.id).not.toBe(first);
});

test("nothing is asked about a canary that a rollback ended, nor about another version or approval", async () => {
  const input = await startCanary();
  const open = async () => (await world.approvals.open()).filter(({ canary }) => canary).length;
  await expect(request({ ...input, functionVersion: "8" })).rejects.toMatchObject({
    name: "ApprovalMismatch",
  });
  await expect(request({ ...input, approval: "none" })).rejects.toMatchObject({ name: "ApprovalMismatch" });
  await world.claims.take(
    { environment: "prod", model: toyModel, delivery: "rollback-1", requestedAt: 1, now: world.time.now },
    "force",
  );
  await expect(request(input)).rejects.toMatchObject({ name: "Superseded" });
  expect(await open()).toBe(0);
  const entry = await world.ledger.ofDelivery("prod", toyModel, delivery);
  if (entry) await world.ledger.change(entry, (current) => ({ ...current, status: "ended" }));
  await expect(request({ ...input, step: 1 })).rejects.toMatchObject({ name: "Superseded" });
  expect(await open()).toBe(0);
});

test("the timeout and the quorum are those of the rules in force", async () => {
  await request(
    await startCanary(
      buildModelYaml({
        approval: "{ approvers: [U024BE7LH, U0SECOND1], quorum: 1, authorMayApprove: true, timeout: PT24H }",
      }),
    ),
  );
  // The champion's manifest names the approvers, and lets no contributor decide.
  expect((await readQuestion())?.rule).toMatchObject({ approvers: ["U024BE7LH"], authorMayApprove: false });
});
