import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { ShapeResult } from "./measure-shape.ts";
import { type Shape, TrainedShape } from "./shapes.ts";

/** When a shape was measured, and under which load. */
const MeasuredWhen = z.object({
  /** YYYY-MM-DD, UTC. */
  day: z.string(),
  /** The commit that last changed the measured code. */
  commit: z.string(),
  rounds: z.number().int().positive(),
  loadBefore: z.number(),
  loadAfter: z.number(),
});
export type MeasuredShape = ShapeResult & { readonly when: z.infer<typeof MeasuredWhen> };

const Spread = z.object({ median: z.number(), min: z.number(), max: z.number() });
const Comparison = z.object({
  // JSON has no Infinity, which is the difference of an answer that is no number.
  largest: z
    .number()
    .nullable()
    .transform((largest) => largest ?? Number.POSITIVE_INFINITY),
  share: z.number(),
  isRight: z.boolean(),
});
const measured = { engine: z.string(), version: z.string(), comparison: Comparison };
const KeptShape = z.object({
  when: MeasuredWhen,
  trained: TrainedShape,
  engines: z.array(
    z.discriminatedUnion("status", [
      z.object({ engine: z.string(), status: z.literal("left-out"), why: z.string() }),
      z.object({ ...measured, status: z.literal("wrong") }),
      z.object({
        ...measured,
        status: z.literal("measured"),
        cpuMicros: z.array(z.tuple([z.number(), Spread])).transform((entries) => new Map(entries)),
      }),
    ]),
  ),
});

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";

/**
 * Results of whole shapes in a folder, one file each, so that a run of hours can be stopped and continued. The folder has
 * to be one of the measured code, the packages and the processor.
 */
export const openKeptShapes = (folder: string) => {
  const findFile = ({ name }: Shape) => join(folder, `${name}.json`);
  return {
    /** Undefined if the shape was not measured yet, or in fewer rounds. Throws for a file that is broken. */
    async read(shape: Shape, rounds: number): Promise<MeasuredShape | undefined> {
      const file = findFile(shape);
      const text = await readFile(file, "utf8").catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      });
      if (text === undefined) return undefined;
      try {
        const kept = KeptShape.parse(JSON.parse(text));
        return kept.when.rounds < rounds ? undefined : { shape, ...kept };
      } catch (error) {
        throw new Error(`${file} is broken: remove it, and the shape is measured again`, { cause: error });
      }
    },

    /** Replaces the shape's earlier result at once, never half of it. */
    async write({ shape, when, trained, engines }: MeasuredShape): Promise<void> {
      await mkdir(folder, { recursive: true });
      const file = findFile(shape);
      const writing = `${file}.${process.pid}`;
      const kept = { when, trained, engines };
      await writeFile(
        writing,
        JSON.stringify(kept, (_, value: unknown) => (value instanceof Map ? [...value] : value)),
      );
      await rename(writing, file);
    },
  };
};
