import * as z from "zod";

/** The name of a value, a label or an output in responses. */
export const OutputName = z
  .string()
  .min(1)
  .max(128)
  .refine((name) => name !== "__proto__", "an output cannot be named __proto__");

/** The name of an output of the graph. */
export const GraphOutput = z.string().min(1).max(512);
