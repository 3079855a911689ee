import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  formatRecording,
  readRecording,
  recordingFile,
  toRecordedRequests,
} from "../test/infrastructure/recorded-requests.ts";
import { synthRecordedStacks } from "../test/infrastructure/synth-recorded-stacks.ts";
import type { SynthesizedStacks } from "../test/infrastructure/synth-stacks.ts";
import { type FunctionsWorld, startFunctionsWorld } from "../test/peers/least-privilege/functions-world.ts";
import { sendTypicalEvents } from "../test/peers/least-privilege/send-typical-events.ts";
import { mlflowStartLimitMs } from "../test/peers/mlflow.ts";
import { requirePython } from "../test/peers/python-environment.ts";

const { skip } = requirePython("the recording of the functions' calls on moto and MLflow");

describe.skipIf(skip)("the functions' bundles on moto", () => {
  let written: SynthesizedStacks;
  let world: FunctionsWorld;
  beforeAll(async () => {
    written = await synthRecordedStacks();
    world = await startFunctionsWorld(written);
  }, mlflowStartLimitMs);
  afterAll(async () => {
    await world?.stop();
    await written?.remove();
  });

  test("make the calls that the recording holds, all of them and no others", async () => {
    const failed = await sendTypicalEvents(world);
    // Where the service itself does not answer, the machine calls the step again.
    expect(failed.map((one) => one.replace(/ did not succeed[\s\S]*/, ""))).toEqual([
      "claim-environment: TemporaryFault: Step Functions SendTaskFailure",
      "answer-approval: TemporaryFault: Step Functions SendTaskSuccess",
    ]);
    const made = toRecordedRequests(written, world.recorder.calls, world.named);
    // A new call is read, and kept, by running this test with RECORD=1.
    if (process.env.RECORD === "1") await writeFile(recordingFile, formatRecording(made));
    expect(made).toEqual(await readRecording());
  });
});
