import * as z from "zod";
import { PredictResponse } from "#inference/native/predict-response.ts";
import { type Input, type Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { scoreNames } from "#model-folder/manifest/score-names.ts";
import { maxRows } from "#model-folder/rows/encode-rows.ts";

const valueSchema = (input: Input): z.ZodType => {
  switch (input.type) {
    case "integer":
      return z.int().min(input.min).max(input.max);
    case "number":
      return z.number().min(input.min).max(input.max);
    case "boolean":
      return z.boolean();
    case "category":
      return input.unknown === "refuse" ? z.enum(input.values) : z.string().max(256);
    case "string":
      return input.format === "int64"
        ? z.union([
            z
              .string()
              .regex(/^-?\d{1,19}$/)
              .meta({ format: "int64" }),
            z.int(),
          ])
        : z.string().max(input.maxLength);
    default:
      return input satisfies never;
  }
};

/** The schema of one row of a request. */
const rowSchema = ({ inputs }: Manifest) =>
  z.strictObject(
    Object.fromEntries(
      inputs.map((input) => {
        const value = valueSchema(input);
        return [input.name, input.required ? value : value.nullable().optional()];
      }),
    ),
  );

const predictionSchema = (manifest: Manifest) => {
  const names = scoreNames(manifest);
  const scores = z.strictObject(Object.fromEntries(names.map((name) => [name, z.number()])));
  if (manifest.task === "regression")
    return Prediction.pick(names.length === 1 ? { value: true } : {})
      .required()
      .extend({ scores });
  const { label, band } = Prediction.shape;
  return z.object({
    label: label.unwrap().pipe(z.enum(manifest.output.labels)),
    scores,
    ...(manifest.output.bands ? { band: band.unwrap() } : {}),
  });
};

/** The schemas of this model's predict requests and responses, with the names of its manifest. */
export const modelSchemas = (manifest: Manifest) => ({
  request: z.strictObject({ rows: z.array(rowSchema(manifest)).min(1).max(maxRows) }),
  response: PredictResponse.extend({ predictions: z.array(predictionSchema(manifest)) }),
});
