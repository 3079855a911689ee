import type { Row } from "#model-folder/manifest/manifest.ts";
import { computeBuilderDigest } from "#packaging/builder-archive.ts";
import type { Json } from "#platform/store/store.ts";
import type { World } from "#worlds/embedded/world.ts";
import { runBuildTask } from "./run-build-task.ts";
import { sampleHoldoutRows } from "./sample-holdout-rows.ts";
import { createSteps, type Steps } from "./steps.ts";

/** The work of engine, sweep and commits. */
export type EngineTasks = {
  readonly steps: Steps;
  /** See runBuildTask. */
  build(event: Json): Promise<Json>;
  /** Content hash of the images' runtime layer. */
  runtime(): Promise<string>;
  /** Rows of the version on prod; empty: prod serves no version of the model. */
  rowsToAsk(model: string): Promise<readonly Row[]>;
  stop(): Promise<void>;
};

/** Runs the work in the present thread: in the steps' thread, and in tests with an instrumented world. */
export const createLocalTasks = (world: World, runtime: () => Promise<string>): EngineTasks => {
  const { images, artifacts, resolveFiles, provenance, clock } = world;
  const steps = createSteps(world);
  return {
    steps,
    build: runBuildTask({
      images,
      artifacts,
      resolveFiles,
      provenance,
      builder: computeBuilderDigest,
      clock,
    }),
    runtime,
    rowsToAsk: sampleHoldoutRows(world),
    stop: steps.followUps.stop,
  };
};
