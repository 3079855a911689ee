import * as z from "zod";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

export type StateWait = {
  /** A sentence without a final period. */
  readonly why: string;
  /** When prod opens, epoch milliseconds; null: nobody knows. */
  readonly until: number | null;
};

const Waiting = z.union([
  z.object({ status: z.literal("held"), why: z.string(), until: z.int().nullable() }),
  z.object({ status: z.literal("busy"), holder: z.string() }),
  z.object({ next: z.literal("hold") }),
]);

/**
 * What a delivery waits for after a state that has succeeded, from the execution's data after it; undefined: it goes on.
 * Such a state runs again and again until the wait is over.
 */
export const readStateWait = (state: string, output: unknown): StateWait | undefined => {
  const data = z.record(z.string(), z.unknown()).safeParse(output);
  const waiting = Waiting.safeParse(data.success ? getOwnProperty(data.data, state) : undefined).data;
  if (waiting === undefined) return undefined;
  if ("next" in waiting) return { why: "prod is closed, so the canary keeps its share", until: null };
  return waiting.status === "held"
    ? { why: `prod is closed: ${waiting.why}`, until: waiting.until }
    : { why: `prod is held by ${waiting.holder}`, until: null };
};
