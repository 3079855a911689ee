import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { resolveApprovers } from "#domain/approval/resolve-approvers.ts";
import { rollBackProd } from "#domain/rollback/roll-back-prod.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { createNewApproval } from "#test/support/record-approval.ts";
import { buildModelYaml, fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { type RequestApprovalDependencies, requestApproval } from "./request-approval.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const delivery = "delivery-c";
const approver = { user: "U024BE7LH", name: "Ada", email: "ada@example.com" };
const check = {
  name: "image size",
  verdict: "pass",
  measured: 1,
  limit: 2,
  unit: "MB",
  detail: "1 MB",
} as const;

/** Runs the step for commit c. */
const request = async (
  changes: Readonly<Record<string, unknown>> = {},
  dependencies: Partial<RequestApprovalDependencies> = {},
) => {
  const input = {
    delivery,
    model: toyModel,
    commit: fakeCommit("c"),
    taskToken: "token",
    fence: 9,
    digest: fakeDigest("c"),
    version: 3,
    author: { name: "Sam", email: "sam@example.com" },
    pusher: "sam@example.com",
    baseline: (await world.ledger.serving("prod", toyModel))?.sequence ?? 0,
    scanChecks: [],
    checks: [check],
    omitted: [{ name: "input schema", why: "no champion" }],
    timeoutSeconds: 3_600,
    provenance: null,
    ...changes,
  };
  world.engine.waiting.add(input.taskToken);
  await requestApproval({ ...world, ...dependencies })(input);
};
const commit = (yaml?: string) => world.commit("c", yaml);
/** The history of a commit that prod has moved past is tested in test/attacks/contributors.test.ts. */
const withoutContributors: Partial<RequestApprovalDependencies> = {
  approversFor: async ({ rule: { quorum, approvers } }) => ({
    quorum,
    approvers,
    contributors: { people: [], addresses: [], unmapped: [], approvers: [], leftOut: [] },
  }),
};
const readApproval = async () => (await world.approvals.ofDelivery(delivery)).at(-1);
const approve = async () => {
  const id = (await readApproval())?.id ?? "";
  return world.approvals.vote(id, { ...approver, verdict: "approved", reason: null, at: world.time.now });
};

test("the approval is bound to the image, the version, the fence and what prod serves, and the approvers see every check", async () => {
  await promoteVersion(world, "a", 1);
  commit();
  await request({ scanChecks: [{ ...check, name: "critical vulnerabilities" }] });
  expect(await readApproval()).toMatchObject({
    delivery,
    model: toyModel,
    commit: fakeCommit("c"),
    digest: fakeDigest("c"),
    version: 3,
    baseline: 1,
    fence: 9,
    state: { status: "pending", votes: [] },
    evidence: {
      champion: `version 1 (${"a".repeat(12)})`,
      checks: [{ name: "critical vulnerabilities" }, { name: "image size" }],
      omitted: [{ name: "input schema" }],
    },
  });
  expect([...world.slack.shown.values()]).toMatchObject([
    { delivery, question: { status: "open", approvers: ["U024BE7LH"] } },
  ]);
});

test("every approval of a trial says that stage and prod share an account; others say nothing of it", async () => {
  commit();
  await request({}, { trial: true });
  expect((await readApproval())?.evidence.trial).toBe(true);
  expect([...world.slack.shown.values()]).toMatchObject([{ trial: true }]);
  await promoteVersion(world, "a", 1);
  await request({ taskToken: "newer" }, withoutContributors);
  expect((await readApproval())?.evidence).not.toHaveProperty("trial");
  expect([...world.slack.shown.values()]).toMatchObject([{ trial: false }]);
});

describe("the addresses that Slack shows for approvers", () => {
  const shown = async () => (await readApproval())?.contributors?.shown;
  const ada = { user: "U024BE7LH", email: "u024be7lh@example.com" };
  const resolveWithSlackDown = () =>
    resolveApprovers({
      ...world,
      slack: { users: { info: () => Promise.reject(new Error("Slack is down")) } },
      addresses: "organisation",
    });

  test("are stored with the approval, so that a click needs no call to Slack", async () => {
    commit();
    await request();
    expect(await shown()).toEqual([ada]);
  });

  test("are added by a retry if Slack was down before, and kept if it is down then", async () => {
    commit();
    const approversFor = resolveWithSlackDown();
    await request({}, { approversFor });
    expect(await shown()).toEqual([]);
    await request({ taskToken: "newer" });
    expect(await shown()).toEqual([ada]);
    await request({ taskToken: "newest" }, { approversFor });
    expect(await shown()).toEqual([ada]);
  });
});

test("an approval expires a minute before its task times out", async () => {
  commit();
  await request({ timeoutSeconds: 3_600 });
  expect((await readApproval())?.expiresAt).toBe(world.time.now + 3_600_000 - 60_000);
});

test("the stricter of the manifest's and the platform's approval rules counts", async () => {
  commit(
    buildModelYaml({
      approval: "{ approvers: [U024BE7LH, U0SECOND1], quorum: 2, authorMayApprove: true, timeout: PT24H }",
    }),
  );
  await request();
  expect((await readApproval())?.rule).toMatchObject({ quorum: 2, authorMayApprove: false });
});

test("the approvers see the commit's own words and pages, new truth apart from warnings, and what an approval starts", async () => {
  await promoteVersion(world, "a", 1);
  const head = commit();
  world.commits.get(head)?.set("holdout.csv", Buffer.from("x,label\n9,yes\n"));
  await request();
  const { evidence } = (await readApproval()) ?? {};
  expect(evidence).toMatchObject({
    championVersion: 1,
    subject: (await world.source.commit(head)).subject,
    links: {
      commit: { kind: "page", url: `https://example.com/${head}` },
      diff: { kind: "page", url: `https://example.com/${fakeCommit("a")}...${head}` },
    },
    renewed: ["holdout.csv changed"],
    changed: [],
    rollout: { steps: expect.any(Array), bake: expect.any(String) },
  });
});

test("the cold start of prod's version is the one that its own delivery measured", async () => {
  const coldStart = { name: "cold start", unit: "ms", interval: null, limit: "", verdict: null };
  commit();
  const first = { delivery: "delivery-a", comparisons: [{ ...coldStart, champion: null, challenger: 450 }] };
  await request({ ...first, taskToken: "token of a" }, withoutContributors);
  await promoteVersion(world, "a", 1);
  await request({ comparisons: [{ ...coldStart, champion: null, challenger: 300 }] }, withoutContributors);
  expect((await readApproval())?.evidence.comparisons).toEqual([
    { ...coldStart, champion: 450, challenger: 300 },
  ]);
});

test("after a rollback prod's version still has the cold start that its own delivery measured", async () => {
  const coldStart = { name: "cold start", unit: "ms", interval: null, limit: "", verdict: null };
  commit();
  const first = { delivery: "delivery-a", comparisons: [{ ...coldStart, champion: null, challenger: 450 }] };
  await request({ ...first, taskToken: "token of a" }, withoutContributors);
  await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  await rollBackProd(world)({ model: toyModel, id: "rollback-1", by: "ada: slow answers" });
  await request({ comparisons: [{ ...coldStart, champion: null, challenger: 300 }] }, withoutContributors);
  expect((await readApproval())?.evidence.comparisons).toEqual([
    { ...coldStart, champion: 450, challenger: 300 },
  ]);
});

test("the approvers see which gates the commit loosens", async () => {
  await promoteVersion(world, "a", 1);
  commit(
    buildModelYaml({
      gates: "{ latencyP95Ms: 900, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } }",
    }),
  );
  await request();
  expect((await readApproval())?.evidence.changed.join()).toContain("latencyP95Ms");
});

test("the approvers see that the commit drops the truth, before all other changes", async () => {
  await promoteVersion(world, "a", 1);
  world.commits.get(commit())?.delete("holdout.csv");
  await request();
  expect((await readApproval())?.evidence.changed[0]).toBe(
    "loosens 1 rule: holdout.csv was removed: no score is measured",
  );
});

test("a retry finds the same approval, and the decision reaches the newest task", async () => {
  commit();
  await request();
  await request({ taskToken: "newer" });
  expect(await world.approvals.ofDelivery(delivery)).toHaveLength(1);
  await approve();
  await world.approvals.send((await readApproval())?.id ?? "");
  expect(world.engine.answers).toMatchObject([{ token: "newer", output: { status: "approved" } }]);
  expect(world.slack.state.posts).toBe(1);
});

test("a decision from before an interruption is sent to the new task", async () => {
  commit();
  await request();
  await approve();
  await request({ taskToken: "newer" });
  expect(world.engine.answers).toMatchObject([{ token: "newer", output: { status: "approved" } }]);
});

test("checks against a champion that prod no longer serves lead to no approval", async () => {
  await promoteVersion(world, "a", 1);
  commit();
  await expect(request({ baseline: 0 })).rejects.toMatchObject({ name: "ProdChanged" });
  expect(await world.approvals.open()).toEqual([]);
});

test("once prod changed, the delivery's earlier approval is closed and a new one starts without votes", async () => {
  commit();
  await request();
  const earlier = (await readApproval())?.id ?? "";
  await promoteVersion(world, "a", 1);
  await request({ taskToken: "newer" }, withoutContributors);
  expect((await world.approvals.read(earlier))?.state.status).toBe("withdrawn");
  expect((await world.approvals.open()).map(({ baseline }) => baseline)).toEqual([1]);
});

test("a delivery whose prod keeps changing gives up with ProdBusy at the sixth approval", async () => {
  commit();
  for (const [index, letter] of ["a", "b", "d", "e", "f"].entries()) {
    await request({ taskToken: `token-${letter}` }, withoutContributors);
    await promoteVersion(world, letter, index + 10);
  }
  await expect(request({ taskToken: "last" }, withoutContributors)).rejects.toMatchObject({
    name: "ProdBusy",
  });
});

test("a superseded delivery leaves no open approval and no buttons", async () => {
  commit();
  await world.claims.take(
    { environment: "stage", model: toyModel, delivery: "later", requestedAt: 1, now: 1 },
    "newer",
  );
  await world.claims.renew("stage", toyModel, "later");
  await expect(request({ fence: 1 })).rejects.toMatchObject({ name: "Superseded" });
  expect(await world.approvals.open()).toEqual([]);
  expect([...world.slack.shown.values()].map(({ question }) => question?.status)).toEqual(["withdrawn"]);
});

test("a withdrawn approval takes no new task: the delivery is superseded", async () => {
  commit();
  await request();
  const id = (await readApproval())?.id ?? "";
  await world.approvals.withdraw(id, { name: "Superseded", cause: "by a later delivery" });
  await expect(request({ taskToken: "newer" })).rejects.toMatchObject({
    name: "Superseded",
    message: "by a later delivery",
  });
});

test("a delivery that too few approvers may approve requests no approval and posts no message", async () => {
  commit();
  const sam = async () => ({ user: { profile: { email: "sam@example.com" } } });
  const approversFor = resolveApprovers({
    ...world,
    slack: { users: { info: sam } },
    addresses: "organisation",
  });
  await expect(request({}, { approversFor })).rejects.toMatchObject({ name: "QuorumOutOfReach" });
  expect(await world.approvals.open()).toEqual([]);
  expect(world.slack.shown.size).toBe(0);
});

describe("a commit that approvers rejected in an earlier delivery", () => {
  const reject = async (earlier: string, letter: string, reason: string) => {
    const subject = { delivery: earlier, model: toyModel, commit: fakeCommit(letter) };
    const { id } = await world.approvals.ask(
      createNewApproval(world, { ...subject, letter, version: 1 }),
      `token-${earlier}`,
    );
    const vote = { ...approver, verdict: "rejected", reason, at: world.time.now } as const;
    await world.approvals.vote(id, vote);
    await world.outcomes.keep({ ...subject, outcome: "rejected", error: null, at: world.time.now });
    world.time.now += 1_000;
  };

  test("is shown with who rejected it, when and why: the newest rejection counts", async () => {
    await reject("earlier", "c", "too early");
    const at = world.time.now;
    await reject("later", "c", "recall fell");
    await reject("of-another-commit", "b", "another");
    commit();
    await request();
    const by = [{ user: approver.user, name: approver.name }];
    const rejectedBefore = { delivery: "later", by, at, reason: "recall fell", canaryPercent: null };
    expect((await readApproval())?.evidence).toMatchObject({ rejectedBefore });
    expect([...world.slack.shown.values()]).toMatchObject([{ rejectedBefore }]);
  });

  test("is no warning of the delivery in which it was rejected, nor of another commit", async () => {
    await reject(delivery, "c", "its own");
    await reject("of-another-commit", "b", "another");
    expect(await world.findRejection({ model: toyModel, commit: fakeCommit("c"), delivery })).toBeUndefined();
    commit();
    await request({ delivery: "delivery-e", commit: fakeCommit("c"), digest: fakeDigest("e") });
    expect((await world.approvals.ofDelivery("delivery-e")).at(-1)?.evidence.rejectedBefore?.delivery).toBe(
      delivery,
    );
  });
});
