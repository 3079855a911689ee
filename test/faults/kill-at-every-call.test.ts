import { afterAll, beforeAll, expect, test } from "vitest";
import type { KillPoint } from "./kill-point-recorder.ts";
import { type PreparedWorld, prepareWorld } from "./prepare-world.ts";
import { recoverAll } from "./recover-all.ts";
import type { DeliveryState, ExpectedRecovery } from "./recovery-checks.ts";
import { decideAndWait, startTestRehearsal } from "./test-rehearsal.ts";

let world: PreparedWorld;
let points: readonly KillPoint[];

beforeAll(async () => {
  world = await prepareWorld(["first"], "second");
  const { folder, recorder } = world.story();
  const rehearsal = await startTestRehearsal({ folder, machine: world.machine, recorder });
  try {
    await rehearsal.begin();
    recorder.begin();
    await rehearsal.look();
    await decideAndWait(rehearsal, world.delivery);
    recorder.end();
    expect((await rehearsal.world.outcomes.read(world.delivery))?.outcome).toBe("promoted");
  } finally {
    await rehearsal.stop();
  }
  points = recorder.points;
}, 600_000);
afterAll(() => world?.close());

/** A delivery is undone before its commit point and completed after it; an open approval is requested again. */
const expectRecovery = ({ committed, execution, state }: DeliveryState): ExpectedRecovery =>
  committed || execution === "absent" || (execution === "RUNNING" && state === "RequestApproval")
    ? { outcome: "promoted", serves: 2 }
    : { outcome: "failed", error: "Interrupted", serves: 1 };

test("every state that has an effect has kill points", () => {
  for (const state of [
    "ClaimStage",
    "BuildImage",
    "ScanImage",
    "RegisterModel",
    "DeployStage",
    "VerifyStage",
    "RequestApproval",
    "ClaimProd",
    "DeployProd",
    "ShiftTraffic",
    "JudgeCanary",
    "PromoteModel",
    "MoveChampion",
    "ReportOutcome",
  ])
    expect([state, points.some(({ moment }) => moment.includes(` ${state},`))]).toEqual([state, true]);
  expect(points.length).toBeGreaterThan(100);
});

// These run before the next test, whose recoveries consume the copies.
test.each([
  ["rolls back a canary", "Bake, entered"],
  ["rolls back a registration", "RegisterModel, succeeded"],
  ["completes a promotion", "PromoteModel, succeeded"],
])(
  "a sweep that %s and is itself killed before or after any call reaches the same end on the next run",
  async (_, moment) => {
    const point = points.find((each) => each.moment.includes(moment));
    if (!point) throw new Error(`no kill point at ${moment}`);
    const { folder, recorder } = world.story(point.folder);
    const rehearsal = await startTestRehearsal({ folder, machine: world.machine, recorder });
    try {
      recorder.begin();
      await rehearsal.begin();
      recorder.end();
    } finally {
      await rehearsal.stop();
    }
    expect(recorder.points.length).toBeGreaterThan(5);
    expect(await recoverAll(world, recorder.points, { expected: expectRecovery })).toEqual([]);
  },
  300_000,
);

test("a delivery that is killed before or after any call of a capability is rolled back before its commit point and completed after it", async () => {
  expect(await recoverAll(world, points, { expected: expectRecovery })).toEqual([]);
}, 600_000);
