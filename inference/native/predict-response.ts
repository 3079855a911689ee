import * as z from "zod";
import { Prediction } from "#model-folder/manifest/manifest.ts";

/** The response to one predict request. */
export const PredictResponse = z.object({
  id: z.string(),
  model: z.string(),
  /** The registry's version of the model. */
  version: z.int().nonnegative(),
  predictions: z.array(Prediction),
  latencyMs: z.number().nonnegative(),
  createdAt: z.iso.datetime(),
  /** The prediction is valid, but its record could not be stored. */
  storageWarning: z.literal("write_failed").optional(),
});
export type PredictResponse = z.infer<typeof PredictResponse>;
/** What a response says besides its predictions. */
export type PredictResponseHead = Omit<PredictResponse, "predictions">;
