import { afterEach, beforeEach, expect, test } from "vitest";
import { describeStatus } from "#console/delivery-status.ts";
import type { Outcome } from "#domain/delivery/outcomes.ts";
import { listDeliveries } from "#domain/overview/list-deliveries.ts";
import { judgeCanary } from "#lambdas/judge-canary/judge-canary.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { fakeCommit, toyModel } from "#test/support/toy-model.ts";
import { reportOutcome } from "./report-outcome.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const delivery = "delivery-a";
const report = (outcome: Outcome) =>
  reportOutcome(world)({ delivery, model: toyModel, commit: fakeCommit("a"), outcome, error: null });
const claim = (environment: "stage" | "prod", holder = delivery) =>
  world.claims.take({ environment, model: toyModel, delivery: holder, requestedAt: 1, now: 1 }, "force");

test("a promoted delivery releases its own claims, and no others", async () => {
  await claim("prod");
  await claim("stage", "newer");
  await report("promoted");
  expect((await world.claims.open()).map(({ holder }) => holder)).toEqual(["newer"]);
});

test("two runs count the outcome once and show one message", async () => {
  await report("rejected");
  await report("rejected");
  expect(world.readMetricTotal("Deliveries", { model: toyModel, outcome: "rejected" })).toBe(1);
  expect([...world.slack.shown.values()]).toMatchObject([{ delivery, outcome: "rejected" }]);
});

test("a delivery that a person's rollback ended says so in its record, in lists and in its event, not that a commit followed", async () => {
  await claim("prod");
  const by = "ada: answers are wrong";
  await world.claims.take(
    { environment: "prod", model: toyModel, delivery: "rollback-1", requestedAt: 2, now: 2, by },
    "force",
  );
  await report("superseded");
  expect(await world.outcomes.read(delivery)).toMatchObject({ outcome: "superseded", rolledBackBy: by });
  const { deliveries } = await listDeliveries(world)({}, 10);
  expect(deliveries).toMatchObject([{ delivery, outcome: "superseded", rolledBackBy: by }]);
  expect(deliveries.map((each) => describeStatus(each).text)).toEqual(["rolled back by ada"]);
  const { items } = await world.store.page({ partition: "outbox", order: "ascending", limit: 10 });
  expect(items.map(({ value }) => value)).toContainEqual(
    expect.objectContaining({ type: "outcome", rolledBackBy: by }),
  );
});

test("a delivery that a later commit ended names no rollback of another one", async () => {
  await claim("prod", "other");
  await world.claims.take(
    { environment: "prod", model: toyModel, delivery: "rollback-1", requestedAt: 2, now: 2, by: "ada: slow" },
    "force",
  );
  await report("superseded");
  expect((await world.outcomes.read(delivery))?.rolledBackBy).toBeUndefined();
});

test("a delivery that was not promoted keeps its claims until RollBack has restored the environments", async () => {
  await claim("stage");
  await report("failed");
  expect(await world.claims.open()).toHaveLength(1);
});

test("a canary is judged on the window since its share began, and its checks are in the message once", async () => {
  await promoteVersion(world, "a", 1);
  const champion = await world.ledger.serving("prod", toyModel);
  if (!champion) throw new Error("prod must serve a version");
  const { sequence: previous } = champion;
  const entry = await world.ledger.begin(
    { ...champion, delivery: "delivery-b", functionVersion: "2", previous },
    world.time.now,
  );
  const input = {
    delivery: "delivery-b",
    model: toyModel,
    commit: world.commit("b"),
    championVersion: "1",
    functionVersion: "2",
    step: 0,
    since: world.time.now,
  };
  await expect(judgeCanary(world)(input)).rejects.toMatchObject({ name: "ContractBroken" });
  await world.ledger.change(entry, (current) => ({
    ...current,
    status: "canary",
    shares: [{ percent: 10, from: world.time.now }],
  }));
  const request = (version: string, failed: boolean, at: number) =>
    world.metrics.request({
      environment: "prod",
      model: toyModel,
      version,
      at,
      latencyMs: 5,
      failed,
      labels: new Map([["yes", 1]]),
    });
  // Failures before the share began do not count against the canary.
  for (let index = 0; index < 300; index++) request("2", true, world.time.now - 1);
  for (let index = 0; index < 2_000; index++) {
    request("1", false, world.time.now + 1);
    request("2", false, world.time.now + 1);
  }
  // The manifest's bake.
  world.time.now += 30 * 60_000;
  expect(await judgeCanary(world)(input)).toMatchObject({ verdict: "pass", next: "shift", step: 1 });
  for (let index = 0; index < 300; index++) request("2", true, world.time.now - 1);
  expect(await judgeCanary(world)(input)).toMatchObject({
    next: "roll-back",
    error: { name: "CanaryFailed" },
  });
  expect(await judgeCanary(world)({ ...input, since: world.time.now })).toMatchObject({ next: "bake" });
});
