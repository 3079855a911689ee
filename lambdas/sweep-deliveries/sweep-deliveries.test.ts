import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { NewApproval } from "#domain/approval/approvals.ts";
import { moveChampion } from "#lambdas/move-champion/move-champion.ts";
import { reportOutcome } from "#lambdas/report-outcome/report-outcome.ts";
import { rollBack } from "#lambdas/roll-back/roll-back.ts";
import type { ExecutionStatus } from "#platform/deliveries/deliveries.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { type SweepDeliveriesDependencies, sweepDeliveries } from "./sweep-deliveries.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const sweep = (changes: Partial<SweepDeliveriesDependencies> = {}) =>
  sweepDeliveries({
    ...world,
    rollBack: rollBack(world),
    moveChampion: moveChampion(world),
    reportOutcome: reportOutcome(world),
    ...changes,
  })({});
const execution = (name: string, status: ExecutionStatus, model = toyModel) =>
  world.engine.executions.set(name, {
    name,
    status,
    input: { model, commit: fakeCommit("a") },
    startedAt: "2026-01-01T00:00:00Z",
  });
const claim = (delivery: string, environment: "stage" | "prod" = "stage", model = toyModel) =>
  world.claims.take(
    { environment, model, delivery, requestedAt: world.time.now, now: world.time.now },
    "force",
  );
const register = (delivery: string) =>
  world.registry.register({
    model: toyModel,
    delivery,
    artifact: new Uint8Array([1]),
    manifest: "",
    tags: { delivery },
    metrics: {},
  });
const ask = async (delivery: string, baseline = 0, changes: Partial<NewApproval> = {}) => {
  world.engine.waiting.add(`token-${delivery}`);
  const rule = { approvers: ["U024BE7LH"], quorum: 1, authorMayApprove: true, timeout: "PT24H" };
  const author = { name: "Sam", email: "sam@example.com" };
  return world.approvals.ask(
    {
      delivery,
      model: toyModel,
      commit: fakeCommit("a"),
      digest: fakeDigest("a"),
      version: 1,
      baseline,
      fence: 1,
      author,
      pusher: null,
      contributors: null,
      evidence: { champion: null, changed: [], checks: [], omitted: [] },
      rule,
      askedAt: world.time.now,
      expiresAt: world.time.now + 1_000_000,
      ...changes,
    },
    `token-${delivery}`,
  );
};
const approve = (id: string) =>
  world.approvals.vote(id, {
    user: "U024BE7LH",
    name: "Ada",
    email: undefined,
    verdict: "approved",
    reason: null,
    at: world.time.now,
  });

test("a stopped delivery is rolled back, reported and loses its claims", async () => {
  execution("stopped", "ABORTED");
  await claim("stopped");
  expect(await sweep()).toEqual({ deliveries: [{ delivery: "stopped", result: "rolled back" }] });
  expect(await world.outcomes.read("stopped")).toMatchObject({
    outcome: "failed",
    error: { name: "Interrupted" },
  });
  expect(await world.claims.open()).toEqual([]);
  expect(await sweep()).toEqual({ deliveries: [] });
  expect(world.readMetricTotal("SweptDeliveries", { result: "rolled back" })).toBe(1);
});

test("the waiting time of the oldest open approval is counted, and nothing while none is open", async () => {
  execution("older", "RUNNING");
  await ask("older");
  world.time.now += 60_000;
  execution("newer", "RUNNING");
  await ask("newer");
  await sweep();
  expect(world.readMetricTotal("ApprovalWaitingSeconds", {})).toBe(60);
  await approve((await world.approvals.open())[0]?.id ?? "");
  await approve((await world.approvals.open())[1]?.id ?? "");
  await sweep();
  expect(world.readMetricTotal("ApprovalWaitingSeconds", {})).toBe(60);
});

describe("a vote whose voter's address was unknown at the click", () => {
  const rule = { approvers: ["U024BE7LH"], quorum: 1, authorMayApprove: false, timeout: "PT24H" };
  const vote = { user: "U024BE7LH", name: "Ada", verdict: "approved", reason: null } as const;
  const askAndClick = async () => {
    execution("running", "RUNNING");
    const { id } = await ask("running", 0, { rule });
    await world.approvals.click(id, { ...vote, at: world.time.now });
    return id;
  };

  test("is judged by the sweep if its follow-up never ran, and the decision is sent", async () => {
    await askAndClick();
    await sweep();
    expect(world.engine.answers).toMatchObject([{ token: "token-running", output: { status: "approved" } }]);
    expect([...world.slack.shown.values()]).toMatchObject([{ question: { status: "approved" } }]);
  });

  test("waits for the next sweep while Slack is down, and stops no other repair", async () => {
    const id = await askAndClick();
    execution("stopped", "ABORTED");
    await claim("stopped");
    const users = { info: () => Promise.reject(new Error("Slack is down")) };
    const { deliveries } = await sweep({ slack: { ...world.slack, users } });
    expect(deliveries).toEqual([{ delivery: "stopped", result: "rolled back" }]);
    expect((await world.approvals.read(id))?.postponed).toHaveLength(1);
    await sweep();
    expect((await world.approvals.read(id))?.state.status).toBe("sent");
  });
});

test("a delivery that runs is left alone", async () => {
  execution("running", "RUNNING");
  await claim("running");
  expect(await sweep()).toEqual({ deliveries: [] });
  expect(await world.claims.open()).toHaveLength(1);
});

test("a delivery that was stopped after its commit point is carried forward", async () => {
  const promoted = await promoteVersion(world, "a", 1);
  await world.ledger.change(promoted, (current) => ({ ...current, championMoved: false }));
  await register(promoted.delivery);
  execution(promoted.delivery, "ABORTED");
  await claim(promoted.delivery, "prod");
  expect(await sweep()).toEqual({ deliveries: [{ delivery: promoted.delivery, result: "carried forward" }] });
  expect((await world.outcomes.read(promoted.delivery))?.outcome).toBe("promoted");
  expect((await world.registry.byAlias(toyModel, "champion"))?.version).toBe(1);
  expect(await world.claims.open()).toEqual([]);
});

test("a delivery that cannot be repaired does not stop the others, and the next sweep tries it again", async () => {
  for (const each of ["a", "b", "c"]) {
    execution(`of-${each}`, "FAILED", `model-${each}`);
    await claim(`of-${each}`, "stage", `model-${each}`);
  }
  let broken = true;
  const roll = rollBack(world);
  const needs: Partial<SweepDeliveriesDependencies> = {
    rollBack: async (event) => {
      if (broken && JSON.stringify(event).includes("model-b")) throw new Error("not now");
      return roll(event);
    },
  };
  const results = async () =>
    (await sweep(needs)).deliveries.map(({ delivery, result }) => `${delivery} ${result}`);
  expect(await results()).toEqual(["of-a rolled back", "of-b failed", "of-c rolled back"]);
  expect(world.warnings.join()).toContain("of-b could not be repaired now");
  broken = false;
  expect(await results()).toEqual(["of-b rolled back"]);
});

test("a delivery that cannot be read does not stop the others", async () => {
  execution("seen", "FAILED", "model-b");
  await claim("unseen", "stage", "model-a");
  await claim("seen", "stage", "model-b");
  const describe = async (name: string) => {
    if (name === "unseen") throw new Error("not now");
    return world.deliveries.describe(name);
  };
  expect(await sweep({ deliveries: { ...world.deliveries, describe } })).toEqual({
    deliveries: [{ delivery: "seen", result: "rolled back" }],
  });
});

test("approvals are repaired even if claims, models and Slack fail", async () => {
  execution("waiting", "RUNNING");
  const { id } = await ask("waiting");
  await approve(id);
  world.slack.state.down = true;
  const prod = { ...world.serving.prod, models: () => Promise.reject(new Error("not now")) };
  await sweep({
    claims: { ...world.claims, open: () => Promise.reject(new Error("not now")) },
    serving: { ...world.serving, prod },
  });
  expect(world.engine.answers).toMatchObject([{ token: "token-waiting", output: { status: "approved" } }]);
});

test("the question about a canary that a person's rollback ended is withdrawn, and its task ends as superseded", async () => {
  const { sequence } = await promoteVersion(world, "a", 1);
  const begun = await world.ledger.begin(
    {
      ...{ environment: "prod", model: toyModel, delivery: "delivery-1", commit: fakeCommit("b") },
      ...{ digest: fakeDigest("b"), version: 2, functionVersion: "2", fence: 5, previous: sequence },
      reason: null,
    },
    world.time.now,
  );
  execution("delivery-1", "RUNNING");
  const rule = { approvers: ["U024BE7LH"], quorum: 1, authorMayApprove: false, timeout: "PT24H" };
  const { id } = await ask("delivery-1", sequence, { canary: { step: 0, percent: 10 }, rule });
  const status = async () => (await world.approvals.read(id))?.state.status;
  await sweep();
  expect(await status()).toBe("pending");
  await world.ledger.change(begun, (current) => ({ ...current, status: "ended" }));
  // A vote that waits for its voter's address neither delays that nor decides about a canary that is over.
  const vote = { user: "U024BE7LH", name: "Ada", verdict: "approved", reason: null } as const;
  await world.approvals.click(id, { ...vote, at: world.time.now });
  expect((await world.approvals.read(id))?.postponed).toHaveLength(1);
  await sweep();
  expect(await status()).toBe("withdrawn");
  expect(world.engine.answers).toMatchObject([{ token: "token-delivery-1", error: { name: "Superseded" } }]);
});

test("a withdrawal that did not reach its task is sent", async () => {
  execution("older", "RUNNING");
  const { id } = await ask("older");
  const fail = world.deliveries.fail;
  world.deliveries.fail = () => Promise.reject(new Error("killed"));
  await world.approvals.withdraw(id, { name: "Superseded", cause: "later" }).catch(() => undefined);
  world.deliveries.fail = fail;
  await sweep();
  expect(world.engine.answers).toMatchObject([{ token: "token-older", error: { name: "Superseded" } }]);
});

test("the approval of a delivery that has ended is closed, with or without a decision", async () => {
  execution("ended", "FAILED");
  await ask("ended");
  const { id } = await ask("ended", 1);
  await approve(id);
  await sweep();
  expect(await world.approvals.open()).toEqual([]);
  expect(world.engine.answers).toEqual([]);
});

test("aliases follow a promotion whose execution has ended, and wait while it still runs", async () => {
  const promoted = await promoteVersion(world, "a", 1);
  await register(promoted.delivery);
  await world.ledger.change(promoted, (current) => ({ ...current, championMoved: false }));
  execution(promoted.delivery, "RUNNING");
  await sweep();
  expect(await world.registry.byAlias(toyModel, "champion")).toBeUndefined();
  execution(promoted.delivery, "SUCCEEDED");
  await sweep();
  expect((await world.registry.byAlias(toyModel, "champion"))?.version).toBe(1);
});

test("messages that Slack did not accept are shown later", async () => {
  execution("stopped", "ABORTED");
  await claim("stopped");
  world.slack.state.down = true;
  await sweep();
  expect(world.slack.shown.size).toBe(0);
  world.slack.state.down = false;
  await sweep();
  expect([...world.slack.shown.values()]).toMatchObject([{ delivery: "stopped", outcome: "failed" }]);
});

test("after a person's rollback that crashed, prod serves what the ledger says and is free", async () => {
  const first = await promoteVersion(world, "a", 1);
  const champion = await promoteVersion(world, "b", 2);
  await world.ledger.begin({ ...first, delivery: "rollback-toy-1" }, world.time.now);
  const taken = await claim("rollback-toy-1", "prod");
  const { route, live } = world.serving.prod;
  const description = `fence=${taken.status === "granted" ? taken.fence : 0} delivery=rollback-toy-1`;
  await route(toyModel, { version: "1", description }, { expect: (await live(toyModel))?.revision ?? "" });
  world.time.now += 59_000;
  await sweep();
  expect((await world.claims.read("prod", toyModel))?.holder).toBe("rollback-toy-1");
  world.time.now += 2_000;
  await sweep();
  expect((await live(toyModel))?.version).toBe(champion.functionVersion);
  expect(await world.claims.open()).toEqual([]);
});

test("an alias that somebody moved by hand is published by the second sweep that sees it", async () => {
  await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  const live = await world.serving.prod.live(toyModel);
  await world.serving.prod.route(
    toyModel,
    { version: "1", description: "" },
    { expect: live?.revision ?? "" },
  );
  await sweep();
  world.time.now += 300_000;
  await sweep();
  await world.outbox.publishPending();
  const drifts = world.events.latest(100).filter(({ event }) => event.type === "configuration-drift");
  expect(drifts.map(({ event }) => event)).toEqual([
    expect.objectContaining({ environment: "prod", expected: live?.version, found: "function version 1" }),
  ]);
});
