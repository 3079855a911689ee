import * as z from "zod";
import { Prediction } from "#model-folder/manifest/manifest.ts";

const Scalar = z.union([z.string(), z.number(), z.boolean()]);
const Numbers = z.record(z.string(), z.number());
/** A row of a JSON file: a label, a number, a list (of scores, labels or elements), or a prediction's parts. */
export const GivenRow = z.union([
  Scalar,
  z.array(z.json()),
  Prediction.partial()
    .extend({
      label: Scalar.optional(),
      labels: z.array(Scalar).optional(),
      values: Numbers.optional(),
      heads: z
        .record(z.string(), z.object({ label: Scalar.optional(), scores: Numbers.optional() }))
        .optional(),
    })
    .strict(),
]);
export type GivenRow = z.infer<typeof GivenRow>;
