import * as z from "zod";
import { PredictResponse } from "#inference/native/predict-response.ts";
import { listOutputFields, type OutputField } from "#model-folder/manifest/list-output-fields.ts";
import { type Input, type Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { maxRows } from "#model-folder/rows/encode-rows.ts";
import { limitRows } from "#model-folder/rows/limit-rows.ts";

/** Nested arrays of this shape. */
const arraySchema = ({ shape }: { readonly shape: readonly (number | null)[] }, element: z.ZodType) =>
  shape.reduceRight<z.ZodType>(
    (inner, size) => (size === null ? z.array(inner) : z.array(inner).length(size)),
    element,
  );

const numberSchema = ({ element, min, max }: Input & { readonly type: "tensor" }): z.ZodType => {
  if (element === "bool" || element === "string") return elementSchemas[element];
  const number = element.startsWith("float") ? z.number() : z.int();
  const bounded = min === undefined ? number : number.min(min);
  return max === undefined ? bounded : bounded.max(max);
};

const elementSchemas: Readonly<Record<"bool" | "string", z.ZodType>> = {
  bool: z.boolean(),
  string: z.string(),
};

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
    case "tensor":
      return z.union([arraySchema(input, numberSchema(input)), z.strictObject({ base64: z.base64() })]);
    case "image":
      return z.base64().describe("a JPEG or PNG");
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

const scoresSchema = (labels: readonly string[]) =>
  z.strictObject(Object.fromEntries(labels.map((label) => [label, z.number()])));

const tensorSchema = (field: OutputField & { kind: "tensor" }): z.ZodType =>
  arraySchema(
    field,
    field.element === "bool" || field.element === "string" ? elementSchemas[field.element] : z.number(),
  );

const predictionSchema = (manifest: Manifest) => {
  const fields = listOutputFields(manifest);
  const select = <Kind extends OutputField["kind"]>(kind: Kind) =>
    fields.filter((field): field is OutputField & { kind: Kind } => field.kind === kind);
  const { label, band, value, labels, entities } = Prediction.shape;
  if (manifest.task === "multioutput")
    return z.object({
      scores: z.strictObject({}),
      heads: z.strictObject(
        Object.fromEntries(
          manifest.output.heads.map(({ name, labels }) => [
            name,
            z.strictObject({ label: z.enum(labels), scores: scoresSchema(labels) }),
          ]),
        ),
      ),
    });
  const numbers = select("number").map(({ name }) => name);
  const [named] = select("label");
  const [several] = select("labels");
  const tensors = select("tensor");
  return z.object({
    ...(named ? { label: label.unwrap().pipe(z.enum(named.labels)) } : {}),
    ...(numbers.length === 1 ? { value: value.unwrap() } : {}),
    scores: scoresSchema([...select("scores").flatMap(({ labels }) => labels), ...numbers]),
    ...(select("band").length > 0 ? { band: band.unwrap() } : {}),
    ...(several ? { labels: labels.unwrap().pipe(z.array(z.enum(several.labels))) } : {}),
    ...(select("entities").length > 0 ? { entities: entities.unwrap() } : {}),
    ...(tensors.length > 0
      ? {
          tensors: z.strictObject(
            Object.fromEntries(tensors.map((field) => [field.name, tensorSchema(field)])),
          ),
        }
      : {}),
  });
};

/** The schemas of this model's predict requests and responses, with the names of its manifest. */
export const modelSchemas = (manifest: Manifest) => {
  const row = rowSchema(manifest);
  const prediction = predictionSchema(manifest);
  return {
    row,
    prediction,
    request: z.strictObject({ rows: z.array(row).min(1).max(limitRows(manifest.inputs, maxRows)) }),
    response: PredictResponse.extend({ predictions: z.array(prediction) }),
  };
};
