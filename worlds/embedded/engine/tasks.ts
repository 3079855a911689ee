import type { Row } from "#model-folder/manifest/manifest.ts";
import { builderDigest } from "#packaging/builder-archive.ts";
import type { Json } from "#platform/store/store.ts";
import type { World } from "#worlds/embedded/world.ts";
import { buildTask } from "./build-task.ts";
import { rowsToAsk } from "./rows-to-ask.ts";
import { type Steps, stepsOn } from "./steps.ts";

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
