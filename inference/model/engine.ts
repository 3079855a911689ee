import * as z from "zod";

/** What answers a model's requests: its compiled plan, or onnxruntime and why there is no plan. */
export const Engine = z.discriminatedUnion("name", [
  z.object({ name: z.literal("compiled") }),
  z.object({ name: z.literal("onnxruntime"), reason: z.string() }),
]);
export type Engine = z.infer<typeof Engine>;
