import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recordedStacks } from "../test/infrastructure/recorded-stacks.ts";
import { recording, recordingFile, recordingText, requestsOf } from "../test/infrastructure/recording.ts";
import type { Written } from "../test/infrastructure/written-stacks.ts";
import { type FunctionsWorld, functionsWorld } from "../test/peers/least-privilege/functions-world.ts";
import { typicalEvents } from "../test/peers/least-privilege/typical-events.ts";
import { mlflowStartLimitMs } from "../test/peers/mlflow.ts";
import { pythonPeer } from "../test/peers/python-environment.ts";

const { skip } = pythonPeer("the recording of the functions' calls on moto and MLflow");

describe.skipIf(skip)("the functions' bundles on moto", () => {
  let written: Written;
  let world: FunctionsWorld;
  beforeAll(async () => {
    written = await recordedStacks();
    world = await functionsWorld(written);
  }, mlflowStartLimitMs);
  afterAll(async () => {
    await world?.stop();
    await written?.remove();
  });

  test("make the calls that the recording holds, all of them and no others", async () => {
    const failed = await typicalEvents(world);
    // Where the service itself does not answer, the machine calls the step again.
    expect(failed.map((one) => one.replace(/ did not succeed[\s\S]*/, ""))).toEqual([
      "claim-environment: TemporaryFault: Step Functions SendTaskFailure",
      "answer-approval: TemporaryFault: Step Functions SendTaskSuccess",
    ]);
    const made = requestsOf(written, world.recorder.calls, world.named);
    // A new call is read, and kept, by running this test with RECORD=1.
    if (process.env.RECORD === "1") await writeFile(recordingFile, recordingText(made));
    expect(made).toEqual(await recording());
  });
});
