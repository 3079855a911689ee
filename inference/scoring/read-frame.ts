import type { HttpProblem } from "#inference/http/http-problem.ts";
import type { PredictRequest } from "#inference/run-prediction.ts";
import type { Input, Manifest } from "#model-folder/manifest/manifest.ts";
import { checkColumns } from "#model-folder/rows/check-columns.ts";
import { appendPointer, createFrameProblem } from "./frame-problem.ts";
import { readColumns } from "./read-columns.ts";
import { readRows } from "./read-rows.ts";

const forms = ["dataframe_split", "dataframe_records", "instances", "inputs"] as const;
type Names = readonly string[];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isNames = (value: unknown): value is Names =>
  Array.isArray(value) && value.every((name) => typeof name === "string");

/** pandas's split orientation. Its index says nothing of the rows, and may be whatever it is. */
const readSplit = (frame: unknown, inputs: readonly Input[], names: Names): PredictRequest | HttpProblem => {
  const base = "/dataframe_split";
  if (!isObject(frame))
    return createFrameProblem({ pointer: base, detail: "must be an object { columns, data }" });
  const foreign = Object.keys(frame).find((key) => !["columns", "data", "index"].includes(key));
  if (foreign !== undefined)
    return createFrameProblem({
      pointer: appendPointer(base, foreign),
      detail: "is none of columns, index, data",
    });
  const { columns = names } = frame;
  if (!isNames(columns))
    return createFrameProblem({ pointer: `${base}/columns`, detail: "must be a list of the inputs' names" });
  const problems = checkColumns(columns, inputs).map(({ at, input, detail }) =>
    at === undefined
      ? { pointer: `${base}/columns`, detail: `${input} ${detail}` }
      : { pointer: `${base}/columns/${at}`, detail },
  );
  if (problems.length > 0) return createFrameProblem(...problems);
  return readRows(frame.data, { base: `${base}/data`, columns, takes: "lists" });
};

/**
 * The question in a body of MLflow's scoring protocol: one of dataframe_split, dataframe_records, instances, inputs.
 * Values without names are the manifest's inputs in order. `params` is taken and has no effect, as with every model
 * whose signature names none.
 * Source: https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/#json-input
 */
export const readFrame = ({ inputs }: Pick<Manifest, "inputs">) => {
  const names = inputs.map(({ name }) => name);
  return (body: unknown): PredictRequest | HttpProblem => {
    if (!isObject(body))
      return createFrameProblem({ pointer: "", detail: `must be an object with one of ${forms.join(", ")}` });
    const [form, ...others] = forms.filter((one) => Object.hasOwn(body, one));
    if (!form || others.length > 0)
      return createFrameProblem({ pointer: "", detail: `must hold exactly one of ${forms.join(", ")}` });
    const foreign = Object.keys(body).find((key) => key !== form && key !== "params");
    if (foreign !== undefined)
      return createFrameProblem({
        pointer: appendPointer("", foreign),
        detail: `stands beside ${form}, where only params may`,
      });
    const { params = null } = body;
    if (params !== null && !isObject(params))
      return createFrameProblem({ pointer: "/params", detail: "must be an object" });
    const value = body[form];
    if (form === "dataframe_split") return readSplit(value, inputs, names);
    if (form === "inputs" && isObject(value)) return readColumns(value, "/inputs", inputs);
    const takes = form === "dataframe_records" ? "records" : "both";
    return readRows(value, { base: `/${form}`, columns: names, takes });
  };
};
