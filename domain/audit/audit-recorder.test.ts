import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { createNewApproval, recordApproval } from "#test/support/record-approval.ts";
import { fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { AuditEntry, auditKeys } from "./audit-entry.ts";
import { createAuditReader } from "./audit-reader.ts";
import { createAuditRecorder } from "./audit-recorder.ts";
import { createAuditTrail } from "./audit-trail.ts";
import { auditHeadTag } from "./head-tag.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const readTrail = async (): Promise<readonly AuditEntry[]> => {
  const items = await createAuditTrail(world).readItems(toyModel);
  return items.map(({ value }) => AuditEntry.parse(value));
};
const kinds = async () => (await readTrail()).map(({ kind }) => kind);
const reader = () => createAuditReader({ ...world, provenance: world.strict });
const findings = async () => (await reader().verify(toyModel)).findings;
const register = async (delivery: string) => {
  const made = {
    model: toyModel,
    delivery,
    artifact: new Uint8Array([1]),
    manifest: "",
    tags: {},
    metrics: {},
  };
  return (await world.registry.register(made)).version;
};
const vote = (id: string, user: string, verdict: "approved" | "rejected", reason: string | null = null) =>
  world.approvals.vote(id, {
    ...{ user, name: `name of ${user}`, email: `${user.toLowerCase()}@example.com` },
    ...{ verdict, reason, at: world.time.now },
  });

test("a vote says how it came: by Slack, which knows the person, or by the command line of an account", async () => {
  const rule = { approvers: ["U0000001", "U0000002"], quorum: 3, authorMayApprove: true, timeout: "PT24H" };
  const request = createNewApproval(world, { delivery: "d1", letter: "a", version: 1, rule });
  const { id } = await world.approvals.ask(request, "token");
  const base = { name: "Ada", verdict: "approved", reason: null, at: world.time.now } as const;
  await world.approvals.vote(id, {
    ...{ ...base, user: "U0000001", email: "u1@example.com" },
    ...{ via: "command", account: "arn:aws:sts::1:assumed-role/Ops/ada@example.com" },
  });
  await world.approvals.click(id, { ...base, user: "U0000002" });
  await world.approvals.judge(
    id,
    { ...base, user: "U0000002", via: "slack" },
    { email: "u2@example.com", at: world.time.now },
  );
  await world.audit.record("d1");
  const votes = (await readTrail()).filter(({ kind }) => kind === "vote");
  expect(votes.map(({ detail }) => [detail.user, detail.via, detail.account])).toEqual([
    ["U0000001", "command", "arn:aws:sts::1:assumed-role/Ops/ada@example.com"],
    ["U0000002", "slack", undefined],
  ]);
});

test("a question, its votes and its decision are recorded with their people, reason, policy and evidence", async () => {
  const policy = await world.policy.read();
  const rule = { approvers: ["U0000001", "U0000002"], quorum: 2, authorMayApprove: true, timeout: "PT24H" };
  const request = createNewApproval(world, { delivery: "d1", letter: "a", version: 1, rule });
  const { id } = await world.approvals.ask(request, "token");
  await world.audit.record("d1");
  expect(world.warnings).toEqual([]);
  expect(await kinds()).toEqual(["trail-started", "question-opened"]);
  world.time.now += 1_000;
  await vote(id, "U0000001", "approved");
  await world.audit.record("d1");
  world.time.now += 1_000;
  await vote(id, "U0000002", "rejected", "labels are \ud800 wrong");
  await world.audit.record("d1");

  const [start, question, first, second, decision] = await readTrail();
  expect(start?.detail).toEqual({ before: null });
  expect(question).toMatchObject({
    delivery: "d1",
    version: 1,
    detail: {
      approvers: ["U0000001", "U0000002"],
      quorum: 2,
      digest: fakeDigest("a"),
      author: { email: "sam@example.com" },
    },
  });
  expect(question?.detail.policy).toEqual({ revision: policy.revision, digest: policy.digest });
  const evidence = await world.store.get(auditKeys.evidence(toyModel, String(question?.detail.evidence)));
  expect(evidence?.value).toEqual(request.evidence);
  expect([first?.detail, second?.detail]).toMatchObject([
    { user: "U0000001", verdict: "approved" },
    { user: "U0000002", verdict: "rejected" },
  ]);
  expect(decision?.detail).toMatchObject({
    verdict: "rejected",
    by: [{ user: "U0000002", name: "name of U0000002" }],
    reason: "labels are \ufffd wrong",
  });
  expect(await world.audit.anchor(toyModel)).toBe(true);
  expect(await findings()).toEqual([]);
});

test("what is recorded again, also by several at the same time, is recorded once", async () => {
  await recordApproval(world, { delivery: "d1", letter: "a", version: 1 });
  await Promise.all([1, 2, 3, 4].map(() => world.audit.record("d1")));
  await world.audit.record("d1");
  expect(await kinds()).toEqual(["trail-started", "question-opened", "vote", "decision"]);
  expect(await findings()).toMatchObject([{ kind: "anchor missing" }]);
});

test("a crash at any write of a recording loses no fact and repeats none", async () => {
  await recordApproval(world, { delivery: "d1", letter: "a", version: 1 });
  for (let allowed = 0; ; allowed += 1) {
    let left = allowed;
    const put: typeof world.store.put = async (key, value, options) => {
      if (left === 0) throw new Error("killed");
      left -= 1;
      return world.store.put(key, value, options);
    };
    const store = { ...world.store, put };
    const dying = createAuditRecorder({ ...world, store });
    if (await dying.settle("d1")) break;
    expect(allowed).toBeLessThan(40);
  }
  expect(await kinds()).toEqual(["trail-started", "question-opened", "vote", "decision"]);
  expect(await findings()).toEqual([]);
});

test("a delivery's canary, promotion and end, and a person's rollback, are recorded with who and why", async () => {
  const champion = await promoteVersion(world, "a", 1);
  await world.audit.recordModel(toyModel);
  await recordApproval(world, { delivery: "delivery-b", letter: "b", version: 2 });
  const promoted = await promoteVersion(world, "b", 2);
  await world.ledger.change(promoted, (current) => ({
    ...current,
    shares: [
      { percent: 10, from: world.time.now - 1_000 },
      { percent: 100, from: world.time.now - 1_000 },
    ],
  }));
  await world.outcomes.keep({
    ...{ delivery: "delivery-b", model: toyModel, commit: fakeCommit("b") },
    ...{ outcome: "promoted", error: null, at: world.time.now },
  });
  await world.audit.settle("delivery-b");
  const rollback = await world.ledger.begin(
    {
      ...champion,
      delivery: "rollback-toy-1",
      reason: "ada: scores drift",
      takesBack: "delivery-b",
      fence: 9,
    },
    world.time.now,
  );
  await world.ledger.change(rollback, (current) => ({
    ...current,
    status: "promoted",
    promotedAt: world.time.now,
  }));
  await world.audit.recordModel(toyModel);
  await world.audit.recordModel(toyModel);

  const trail = await readTrail();
  expect(trail.map(({ kind }) => kind)).toEqual([
    ...["trail-started", "question-opened", "vote", "decision"],
    ...["deployed", "promoted", "delivery-ended", "rolled-back"],
  ]);
  expect(trail.at(-1)).toMatchObject({
    delivery: "rollback-toy-1",
    detail: { by: "ada: scores drift", from: { version: 2 }, to: { version: 1 } },
  });
  expect(await findings()).toEqual([]);
});

test("the trail of a model from before audit trails begins with what served then, and leaves out what came before", async () => {
  const { sequence } = await promoteVersion(world, "a", 1);
  await world.audit.recordModel(toyModel);
  await world.audit.recordModel(toyModel);
  expect(await readTrail()).toMatchObject([
    { kind: "trail-started", detail: { before: { version: 1, ledgerEntry: sequence } } },
  ]);
});

test("a question that expired, and one that was withdrawn, are recorded as that", async () => {
  const ask = async (delivery: string) =>
    (await world.approvals.ask(createNewApproval(world, { delivery, letter: "a", version: 1 }), "token")).id;
  const end = (delivery: string, outcome: "expired" | "superseded") =>
    world.outcomes.keep({
      ...{ delivery, model: toyModel, commit: fakeCommit("a"), outcome, error: null },
      at: world.time.now + 2 * 3_600_000,
    });
  await world.approvals.close(await ask("d1"), "the delivery has ended");
  await end("d1", "expired");
  await world.audit.record("d1");
  await world.approvals.close(await ask("d2"), "superseded by d3");
  await end("d2", "superseded");
  await world.audit.record("d2");
  const trail = await readTrail();
  expect(trail.map(({ kind }) => kind)).toEqual([
    ...["trail-started", "question-opened", "question-expired", "delivery-ended"],
    ...["question-opened", "question-withdrawn", "delivery-ended"],
  ]);
  expect(trail[5]?.detail).toMatchObject({ reason: "superseded by d3" });
});

test("a person's rollback is recorded although it is the first thing that the trail sees", async () => {
  const champion = await promoteVersion(world, "a", 1);
  const { sequence } = await promoteVersion(world, "b", 2);
  const rollback = await world.ledger.begin(
    { ...champion, delivery: "rollback-toy-1", reason: "ada: why", takesBack: "delivery-b", fence: 9 },
    world.time.now,
  );
  await world.ledger.change(rollback, (current) => ({
    ...current,
    status: "promoted",
    promotedAt: world.time.now,
  }));
  await world.audit.recordModel(toyModel, "rollback-toy-1");
  expect(await readTrail()).toMatchObject([
    { kind: "trail-started", detail: { before: { version: 2, ledgerEntry: sequence } } },
    { kind: "rolled-back", detail: { by: "ada: why", from: { version: 2 }, to: { version: 1 } } },
  ]);
});

describe("anchors", () => {
  test("are put with each decision: outside the store, and as a tag of the version in the registry", async () => {
    const version = await register("d1");
    await recordApproval(world, { delivery: "d1", letter: "a", version });
    expect(await world.audit.settle("d1")).toBe(true);
    const head = (await readTrail()).at(-1);
    expect((await world.anchors.list(toyModel)).anchors).toMatchObject([{ sequence: 4, hash: head?.hash }]);
    expect((await world.registry.version(toyModel, version))?.tags[auditHeadTag]).toBe(`4 ${head?.hash}`);
  });

  test("that could not be put are put by the next recording, and the warning says so", async () => {
    await recordApproval(world, { delivery: "d1", letter: "a", version: 1 });
    const anchors = { ...world.anchors, put: () => Promise.reject(new Error("S3 is down")) };
    expect(await createAuditRecorder({ ...world, anchors }).settle("d1")).toBe(false);
    expect(world.warnings.join()).toContain("could not anchor the audit trail of toy; the sweep tries again");
    expect(await world.audit.settle("d1")).toBe(true);
    expect(await findings()).toEqual([]);
  });

  test("find a store whose whole trail was written again with fitting hashes", async () => {
    const version = await register("d1");
    await recordApproval(world, { delivery: "d1", letter: "a", version });
    await world.audit.settle("d1");
    for (const { key } of await createAuditTrail(world).readItems(toyModel)) await world.store.remove(key);
    for (const { key } of (
      await world.store.page({ partition: `audit-facts#${toyModel}`, order: "ascending", limit: 100 })
    ).items)
      await world.store.remove(key);
    world.time.now += 1;
    await world.audit.record("d1");
    expect(await findings()).toMatchObject([
      { kind: "anchor differs", sequence: 4 },
      { kind: "anchor differs", sequence: 4 },
    ]);
  });
});

test("an entry that was overwritten as the newest one stops the recording with what to do, and breaks nothing else", async () => {
  const id = await recordApproval(world, { delivery: "d1", letter: "a", version: 1 });
  await world.audit.settle("d1");
  await world.store.put(auditKeys.entry(toyModel, 4), { hello: 1 });
  await recordApproval(world, { delivery: "d2", letter: "b", version: 2 });
  expect(await world.audit.settle("d2")).toBe(false);
  expect(await findings()).toMatchObject([{ kind: "changed", sequence: 4 }]);
  expect((await world.approvals.read(id))?.state.status).toBe("decided");
});

test("with a decision's place the message shows an anchor", async () => {
  await recordApproval(world, { delivery: "d1", letter: "a", version: 1 });
  await world.audit.record("d1");
  const { sequence, hash } = (await readTrail()).at(-1) ?? {};
  expect((await world.messages.state("d1"))?.audit).toEqual({ sequence, hash });
});
