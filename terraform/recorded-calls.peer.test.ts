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
  let synthesized: SynthesizedStacks;
  let world: FunctionsWorld;
  beforeAll(async () => {
    synthesized = await synthRecordedStacks();
    world = await startFunctionsWorld(synthesized);
  }, mlflowStartLimitMs);
  afterAll(async () => {
    await world?.stop();
    await synthesized?.remove();
  });

  test("make exactly the recorded calls", async () => {
    const failed = await sendTypicalEvents(world);
    // moto does not support these calls; the state machine would retry the step.
    expect(failed.map((line) => line.replace(/ failed: [\s\S]*/, ""))).toEqual([
      "claim-environment: TemporaryFault: Step Functions SendTaskFailure",
      "answer-approval: TemporaryFault: Step Functions SendTaskSuccess",
    ]);
    const requests = toRecordedRequests(synthesized, world.recorder.calls, world.named);
    // Run this test with RECORD=1 to record new calls, then review them.
    if (process.env.RECORD === "1") await writeFile(recordingFile, formatRecording(requests));
    expect(requests).toEqual(await readRecording());
  });
});
