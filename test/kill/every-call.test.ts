import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { committedModel } from "../../domain/committed-model.ts";
import { dataFolder } from "../../rehearsal/data-folder.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { copyOf, type KillPoint, killPoints } from "./kill-points.ts";
import { answerAndWait, deliveryOf, model, rehearse } from "./killed-rehearsal.ts";
import { brokenRules, deliverAgain, type Expected, type Found, found } from "./recovery.ts";
import { sharedMachine } from "./shared-machine.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let shared: Awaited<ReturnType<typeof sharedMachine>>;
let commit = "";
let row: unknown;

beforeAll(async () => {
  folder = await temporaryFolder();
  const base = dataFolder(join(folder.path, "base"));
  shared = await sharedMachine(join(folder.path, "machine"), base.repository);
  const rehearsal = await rehearse({ folder: base, machine: shared.machine });
  try {
    await rehearsal.begin();
    const first = await rehearsal.repository.commitChange(model, "first");
    await rehearsal.look();
    await answerAndWait(rehearsal, deliveryOf(first ?? ""));
    const { golden } = await committedModel(rehearsal.world)(model, first ?? "");
    row = golden.rows[0];
    expect((await rehearsal.world.ledger.serving("prod", model))?.version).toBe(1);
  } finally {
    await rehearsal.stop();
  }
});
afterAll(async () => {
  await shared?.stop();
  await folder?.remove();
});

/** What a person must find after the restart. */
const expectedAfter = ({ committed, execution, state, outcome }: Found): Expected => {
  if (outcome === "promoted" || committed || execution === "absent")
    return { outcome: "promoted", serves: 2 };
  if (execution === "RUNNING" && state === "RequestApproval") return { outcome: "promoted", serves: 2 };
  return { outcome: "failed", error: "Interrupted", serves: 1 };
};

const recover = async ({ moment, folder: at }: KillPoint, again: boolean): Promise<string[]> => {
  const delivery = deliveryOf(commit);
  const rehearsal = await rehearse({ folder: at, machine: shared.machine });
  try {
    const before = await found(rehearsal, delivery);
    await rehearsal.begin();
    if (before.execution === "absent") await rehearsal.look();
    const after = await rehearsal.world.deliveries.describe(delivery);
    if (after?.status === "RUNNING") await answerAndWait(rehearsal, delivery);
    const expected = expectedAfter(before);
    const broken = await brokenRules(rehearsal, delivery, expected, row);
    if (again) {
      const outcome = await deliverAgain(rehearsal, commit);
      if (outcome !== (expected.outcome === "promoted" ? "unchanged" : "promoted"))
        broken.push(`delivered again, it ends as ${outcome}`);
    }
    return broken.map((sentence) => `${moment} [${JSON.stringify(before)}]: ${sentence}`);
  } finally {
    await rehearsal.stop();
  }
};

test("killed before or after any call of a capability, a delivery is rolled back before its commit point and carried forward after it", async () => {
  const live = copyOf(dataFolder(join(folder.path, "base")), join(folder.path, "second"));
  const recorder = killPoints(live, join(folder.path, "points"));
  const rehearsal = await rehearse({ folder: live, machine: shared.machine, recorder });
  await rehearsal.begin();
  commit = (await rehearsal.repository.commitChange(model, "second")) ?? "";
  recorder.begin();
  await rehearsal.look();
  await answerAndWait(rehearsal, deliveryOf(commit));
  recorder.end();
  await rehearsal.stop();
  console.log(recorder.calls(), recorder.points.length);
  const broken: string[] = [];
  const began = performance.now();
  for (const [index, point] of recorder.points.entries())
    broken.push(...(await recover(point, index % 10 === 0)));
  console.log(`${performance.now() - began} ms`);
  expect(broken).toEqual([]);
}, 600_000);
