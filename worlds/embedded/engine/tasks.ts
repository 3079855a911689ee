import { answerApproval } from "#lambdas/answer-approval/answer-approval.ts";
import type { Row } from "#model-folder/manifest/manifest.ts";
import { builderDigest } from "#packaging/builder-archive.ts";
import type { Json } from "#platform/store/store.ts";
import { type StepName, stepNames } from "#statemachine/delivery.ts";
import type { World } from "#worlds/embedded/world.ts";
import { buildTask } from "./build-task.ts";
import { rowsToAsk } from "./rows-to-ask.ts";
import { type Steps, stepsOn } from "./steps.ts";
import type { StepsInThread } from "./steps-in-thread.ts";

/** All that the engine, the sweep and commits call. */
export type Tasks = {
  readonly steps: Steps;
  /** As buildTask is. */
  build(event: Json): Promise<Json>;
  /** Content hash of the runtime layer that images get. */
  runtime(): Promise<string>;
  /** Rows of the version that prod serves; none where it serves no version of the model. */
  rowsToAsk(model: string): Promise<readonly Row[]>;
  stop(): Promise<void>;
};

/** In this thread, on this world: in the steps' own, and for tests that stand between the steps and the world. */
export const tasksHere = (world: World, runtime: () => Promise<string>): Tasks => {
  const { images, provenance, clock } = world;
  return {
    steps: stepsOn(world),
    build: buildTask({ images, provenance, builder: builderDigest, clock }),
    runtime,
    rowsToAsk: rowsToAsk(world),
    stop: async () => undefined,
  };
};

/**
 * In a thread of their own, so that nothing that they read keeps waiting who calls prod. Clicks are answered here, within
 * the seconds that Slack waits: they read no commit.
 */
export const tasksInThread = (
  world: World,
  thread: StepsInThread,
  /** Writes what this thread has measured. */
  flushMetrics: () => void,
): Tasks => {
  const inThread = <Name extends StepName>(name: Name): Steps["machine"][Name] =>
    ((event: unknown) =>
      thread.call(name, ...([event] as Parameters<Steps["machine"][Name]>))) as Steps["machine"][Name];
  return {
    steps: {
      machine: {
        ...(Object.fromEntries(stepNames.map((name) => [name, inThread(name)])) as Steps["machine"]),
        // What was measured in this thread until now is in the file when the other one reads it.
        "judge-canary": async (event) => {
          flushMetrics();
          return thread.call("judge-canary", event);
        },
      },
      startDelivery: (event) => thread.call("start-delivery", event),
      answerApproval: answerApproval(world),
      sweepDeliveries: (event) => thread.call("sweep-deliveries", event),
    },
    build: (event) => thread.call("build", event),
    runtime: () => thread.call("runtime"),
    rowsToAsk: (model) => thread.call("rows-to-ask", model),
    stop: thread.stop,
  };
};
