import type { HttpProblem } from "#inference/http/http-problem.ts";
import type { PredictRequest } from "#inference/run-prediction.ts";
import { isArrayInput } from "#model-folder/manifest/array-shape.ts";
import type { Input, Manifest } from "#model-folder/manifest/manifest.ts";
import { checkColumns } from "#model-folder/rows/check-columns.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";
import { appendPointer, createFrameProblem } from "./frame-problem.ts";
import { readColumns } from "./read-columns.ts";
import { readRows } from "./read-rows.ts";

const forms = ["dataframe_split", "dataframe_records", "instances", "inputs"] as const;
type Names = readonly string[];

const isNames = (value: unknown): value is Names =>
  Array.isArray(value) && value.every((name) => typeof name === "string");

/** Reads pandas's split orientation. Its index has no meaning here and is ignored. */
const readSplit = (frame: unknown, inputs: readonly Input[], names: Names): PredictRequest | HttpProblem => {
  const base = "/dataframe_split";
  if (!isJsonObject(frame))
    return createFrameProblem({ pointer: base, detail: "must be an object { columns, data }" });
  const unknownKey = Object.keys(frame).find((key) => !["columns", "data", "index"].includes(key));
  if (unknownKey !== undefined)
    return createFrameProblem({
      pointer: appendPointer(base, unknownKey),
      detail: "unknown field; only columns, index and data are allowed",
    });
  const { columns = names } = frame;
  if (!isNames(columns))
    return createFrameProblem({ pointer: `${base}/columns`, detail: "must be a list of the inputs' names" });
  const problems = checkColumns(columns, inputs).map(({ index, input, detail }) =>
    index === undefined
      ? { pointer: `${base}/columns`, detail: `${input}: ${detail}` }
      : { pointer: `${base}/columns/${index}`, detail },
  );
  if (problems.length > 0) return createFrameProblem(...problems);
  return readRows(frame.data, { base: `${base}/data`, columns, form: "lists" });
};

/**
 * Reads a body of MLflow's scoring protocol: one of dataframe_split, dataframe_records, instances, inputs. Values without
 * names are the manifest's inputs in order. `params` has no effect, as with every model whose signature has none.
 * Source: https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/#json-input
 */
export const readFrame = ({ inputs }: Pick<Manifest, "inputs">) => {
  const names = inputs.map(({ name }) => name);
  return (body: unknown): PredictRequest | HttpProblem => {
    if (!isJsonObject(body))
      return createFrameProblem({ pointer: "", detail: `must be an object with one of ${forms.join(", ")}` });
    const [form, ...others] = forms.filter((name) => Object.hasOwn(body, name));
    if (!form || others.length > 0)
      return createFrameProblem({ pointer: "", detail: `must have exactly one of ${forms.join(", ")}` });
    const unknownKey = Object.keys(body).find((key) => key !== form && key !== "params");
    if (unknownKey !== undefined)
      return createFrameProblem({
        pointer: appendPointer("", unknownKey),
        detail: `unknown field; only params is allowed besides ${form}`,
      });
    const { params = null } = body;
    if (params !== null && !isJsonObject(params))
      return createFrameProblem({ pointer: "/params", detail: "must be an object" });
    const value = body[form];
    if (form === "dataframe_split") return readSplit(value, inputs, names);
    if (form === "inputs" && isJsonObject(value)) return readColumns(value, "/inputs", inputs);
    const [only, ...otherInputs] = inputs;
    const isArray = only !== undefined && isArrayInput(only) && otherInputs.length === 0;
    // A list is the row's array itself, as TensorFlow Serving and MLflow send tensors: [rows, ...shape].
    const rowForm = form === "dataframe_records" ? "records" : isArray ? "values" : "both";
    return readRows(value, { base: `/${form}`, columns: names, form: rowForm });
  };
};
