import { z } from "zod";

/** A line that an engine's process reads; python/peer.py says what each does. */
export const Command = z.discriminatedUnion("do", [
  z.object({ do: z.literal("predict"), rows: z.number().int().positive(), file: z.string() }),
  z.object({ do: z.literal("time"), rows: z.number().int().positive(), calls: z.number().int().positive() }),
]);
export type Command = z.infer<typeof Command>;

/** A line that it writes; `cpuMs` is the processor time of all calls together. */
export const PeerMessage = z.discriminatedUnion("status", [
  z.object({ status: z.literal("ready"), version: z.string() }),
  z.object({ status: z.literal("left-out"), why: z.string() }),
  z.object({ status: z.literal("predicted") }),
  z.object({ status: z.literal("timed"), cpuMs: z.number().nonnegative() }),
]);
export type PeerMessage = z.infer<typeof PeerMessage>;
