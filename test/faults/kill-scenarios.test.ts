import { afterAll, beforeAll, expect, test } from "vitest";
import { rollBackProd } from "#domain/rollback/roll-back-prod.ts";
import { moveChampion } from "#lambdas/move-champion/move-champion.ts";
import type { KillPoint } from "./kill-point-recorder.ts";
import { type PreparedWorld, prepareWorld } from "./prepare-world.ts";
import { recoverAll } from "./recover-all.ts";
import { type DeliveryState, type ExpectedRecovery, findBrokenRules } from "./recovery-checks.ts";
import { sampleKillPoints } from "./sample-kill-points.ts";
import {
  decideAndWait,
  rehearsedModel,
  startTestRehearsal,
  type TestRehearsalOptions,
} from "./test-rehearsal.ts";

const worlds: PreparedWorld[] = [];
const prepare = async (...args: Parameters<typeof prepareWorld>): Promise<PreparedWorld> => {
  const world = await prepareWorld(...args);
  worlds.push(world);
  return world;
};
let second: PreparedWorld;
beforeAll(async () => {
  second = await prepare(["first"], "second");
}, 600_000);
afterAll(async () => {
  for (const world of worlds) await world.close();
});

const recordKillPoints = async (
  world: PreparedWorld,
  decision: "approve" | "reject",
  options: Pick<TestRehearsalOptions, "canaryFails"> = {},
): Promise<readonly KillPoint[]> => {
  const { folder, recorder } = world.story();
  const rehearsal = await startTestRehearsal({ folder, machine: world.machine, recorder, ...options });
  try {
    await rehearsal.begin();
    recorder.begin();
    await rehearsal.look();
    await decideAndWait(rehearsal, world.delivery, decision);
    recorder.end();
  } finally {
    await rehearsal.stop();
  }
  return recorder.points;
};
const takeFrom = (points: readonly KillPoint[], moment: string): readonly KillPoint[] =>
  points.slice(points.findIndex((point) => point.moment.includes(moment)));
const isWaitingForDecision = ({ execution, state }: DeliveryState) =>
  execution === "RUNNING" && state === "RequestApproval";

test("after a kill in a model's first delivery no version serves before the commit point, and the first version serves after it", async () => {
  const first = await prepare([], "first");
  const points = await recordKillPoints(first, "approve");
  const decisive = /DeployStage|DeployProd|PromoteModel/;
  const sample = points.filter(({ moment }, index) => decisive.test(moment) || index % 4 === 0);
  expect(sample.length).toBeGreaterThan(25);
  const expected = (before: DeliveryState): ExpectedRecovery =>
    before.committed || before.execution === "absent" || isWaitingForDecision(before)
      ? { outcome: "promoted", serves: 1 }
      : { outcome: "failed", error: "Interrupted", serves: null };
  expect(await recoverAll(first, sample, { expected })).toEqual([]);
}, 900_000);

test("a delivery that is killed after its rejection leaves prod and stage unchanged and keeps the decision", async () => {
  const points = takeFrom(await recordKillPoints(second, "reject"), "slack.views");
  expect(points.length).toBeGreaterThan(10);
  const expected = (before: DeliveryState): ExpectedRecovery =>
    isWaitingForDecision(before) || before.outcome === "rejected"
      ? { outcome: "rejected", serves: 1 }
      : { outcome: "failed", error: "Interrupted", serves: 1 };
  expect(await recoverAll(second, points, { expected, answer: "reject" })).toEqual([]);
}, 900_000);

test("a delivery that is killed while its failed canary is rolled back leaves only the champion on prod", async () => {
  const points = takeFrom(
    await recordKillPoints(second, "approve", { canaryFails: true }),
    "JudgeCanary, succeeded",
  );
  expect(points.length).toBeGreaterThan(10);
  const expected = ({ outcome }: DeliveryState): ExpectedRecovery => ({
    outcome: "failed",
    error: outcome === undefined ? "Interrupted" : "CanaryFailed",
    serves: 1,
  });
  expect(await recoverAll(second, points, { expected, canaryFails: true })).toEqual([]);
}, 900_000);

test("after a kill at any call of a person's rollback prod serves what the ledger says, and its claims are free", async () => {
  const both = await prepare(["first", "second"], undefined);
  const { folder, recorder } = both.story();
  const rehearsal = await startTestRehearsal({ folder, machine: both.machine, recorder });
  const id = "rollback-churn-1";
  try {
    await rehearsal.begin();
    recorder.begin();
    const { to } = await rollBackProd(rehearsal.world)({ model: rehearsedModel, id, by: "a test" });
    await moveChampion(rehearsal.world)({ delivery: id, model: rehearsedModel, commit: to.commit });
    recorder.end();
  } finally {
    await rehearsal.stop();
  }
  expect(recorder.points.length).toBeGreaterThan(8);
  const broken: string[] = [];
  for (const { moment, folder: killedFolder } of sampleKillPoints(recorder.points)) {
    // A rollback holds its claim for seconds: the sweep treats an older claim as abandoned.
    const clock = () => Date.now() + 120_000;
    const restarted = await startTestRehearsal({ folder: killedFolder, machine: both.machine, clock });
    try {
      const isPromoted =
        (await restarted.world.ledger.ofDelivery("prod", rehearsedModel, id))?.status === "promoted";
      await restarted.begin();
      const rules = await findBrokenRules(
        restarted,
        both.delivery,
        { outcome: "promoted", serves: isPromoted ? 1 : 2 },
        both.row,
      );
      broken.push(...rules.map((rule) => `${moment}: ${rule}`));
    } finally {
      await restarted.stop();
    }
  }
  expect(broken).toEqual([]);
}, 600_000);
