import type { Row } from "#model-folder/manifest/manifest.ts";
import { computeBuilderDigest } from "#packaging/builder-archive.ts";
import type { Json } from "#platform/store/store.ts";
import type { World } from "#worlds/embedded/world.ts";
import { runBuildTask } from "./run-build-task.ts";
import { sampleHoldoutRows } from "./sample-holdout-rows.ts";
import { createSteps, type Steps } from "./steps.ts";

/** All that the engine, the sweep and commits call. */
export type EngineTasks = {
  readonly steps: Steps;
  /** As runBuildTask is. */
  build(event: Json): Promise<Json>;
  /** Content hash of the runtime layer that images get. */
  runtime(): Promise<string>;
  /** Rows of the version that prod serves; none where it serves no version of the model. */
  rowsToAsk(model: string): Promise<readonly Row[]>;
  stop(): Promise<void>;
};

/** In this thread, on this world: in the steps' own, and for tests that stand between the steps and the world. */
export const createLocalTasks = (world: World, runtime: () => Promise<string>): EngineTasks => {
  const { images, provenance, clock } = world;
  return {
    steps: createSteps(world),
    build: runBuildTask({ images, provenance, builder: computeBuilderDigest, clock }),
    runtime,
    rowsToAsk: sampleHoldoutRows(world),
    stop: async () => undefined,
  };
};
