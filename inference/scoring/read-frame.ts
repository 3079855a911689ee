import type { Question } from "../answer.ts";
import { maxRows } from "../encode-rows.ts";
import type { Manifest } from "../manifest.ts";
import { type HttpProblem, problem } from "../problem.ts";
import { type RowProblem, rowPointer } from "../row-problem.ts";

const forms = ["dataframe_split", "dataframe_records", "instances", "inputs"] as const;
type Names = readonly string[];

const invalid = (pointer: string, detail: string): HttpProblem =>
  problem("rows-invalid", "1 value does not fit.", [{ pointer, detail }]);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** numpy's columns have one value in a list of its own. */
const single = (value: unknown): unknown => (Array.isArray(value) && value.length === 1 ? value[0] : value);

/** Rows that are lists, under the names of their columns; what is no such list is left for the model's check to refuse. */
const named = (rows: readonly unknown[], names: Names): unknown[] =>
  rows.map((row) =>
    Array.isArray(row) && row.length === names.length
      ? Object.fromEntries(names.map((name, at) => [name, single(row[at])]))
      : row,
  );

/** Points at a value by its row and the place of its column. */
const placed =
  (base: string, names: Names) =>
  ({ row, input }: RowProblem): string => {
    const at = input === undefined ? -1 : names.indexOf(input);
    return `${base}${row === undefined ? "" : `/${row}`}${row === undefined || at < 0 ? "" : `/${at}`}`;
  };

const readRows = (rows: unknown, base: string, names: Names): Question | HttpProblem => {
  if (!Array.isArray(rows)) return invalid(base, "must be a list of rows");
  if (rows.length > maxRows) return invalid(base, `must hold 1 to ${maxRows} rows; it holds ${rows.length}`);
  const torn = rows.findIndex((row) => Array.isArray(row) && row.length !== names.length);
  if (torn >= 0) return invalid(`${base}/${torn}`, `must hold ${names.length} values`);
  // A row is a list or an object, and so is the way to its values.
  const lists = rows.some(Array.isArray);
  return { rows: named(rows, names), pointer: lists ? placed(base, names) : rowPointer(base) };
};

const readSplit = (frame: unknown, inputs: Names): Question | HttpProblem => {
  const base = "/dataframe_split";
  if (!isObject(frame)) return invalid(base, "must be an object { columns, data }");
  const { columns = inputs } = frame;
  if (!Array.isArray(columns) || !columns.every((name) => typeof name === "string") || columns.length > 4_000)
    return invalid(`${base}/columns`, "must be a list of the inputs' names");
  const twice = columns.findIndex((name, at) => columns.indexOf(name) < at);
  if (twice >= 0) return invalid(`${base}/columns/${twice}`, "two columns have this name");
  if (columns.includes("__proto__")) return invalid(`${base}/columns`, "__proto__ is no input of this model");
  return readRows(frame.data, `${base}/data`, columns);
};

/** Columns by name, as dictionaries of arrays have them. */
const readColumns = (columns: Readonly<Record<string, unknown>>, base: string): Question | HttpProblem => {
  const lists = Object.entries(columns);
  const odd = lists.find(([, values]) => !Array.isArray(values));
  const pointer = ({ row, input }: RowProblem): string =>
    `${rowPointer(base)(input === undefined ? { detail: "" } : { input, detail: "" })}${row === undefined || input === undefined ? "" : `/${row}`}`;
  if (odd) return invalid(pointer({ input: odd[0].slice(0, 128), detail: "" }), "must be a list of values");
  const lengths = lists.map(([, values]) => (Array.isArray(values) ? values.length : 0));
  const count = Math.max(0, ...lengths);
  if (lengths.some((length) => length !== count)) return invalid(base, "must hold columns of one length");
  if (count < 1 || count > maxRows) return invalid(base, `must hold 1 to ${maxRows} rows; it holds ${count}`);
  const rows = Array.from({ length: count }, (_, at) =>
    Object.fromEntries(
      lists.map(([name, values]) => [name, Array.isArray(values) ? single(values[at]) : values]),
    ),
  );
  return { rows, pointer };
};

/**
 * The question in a body of MLflow's scoring protocol: one of dataframe_split, dataframe_records, instances, inputs.
 * Lists of values without names are the manifest's inputs in order. `params` is taken and has no effect.
 * Source: https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/#json-input
 */
export const readFrame =
  ({ inputs }: Pick<Manifest, "inputs">) =>
  (body: unknown): Question | HttpProblem => {
    const names = inputs.map(({ name }) => name);
    if (!isObject(body)) return invalid("", `must be an object with one of ${forms.join(", ")}`);
    const given = forms.filter((form) => Object.hasOwn(body, form));
    const [form, ...others] = given;
    const foreign = Object.keys(body).filter((key) => key !== form && key !== "params");
    if (!form || others.length > 0 || foreign.length > 0)
      return invalid("", `must hold one of ${forms.join(", ")}, and beside it at most params`);
    const value = body[form];
    if (form === "dataframe_split") return readSplit(value, names);
    if (form === "inputs" && isObject(value)) return readColumns(value, "/inputs");
    // A model of one input may be given its values alone.
    if (
      names.length === 1 &&
      Array.isArray(value) &&
      !value.some((row) => isObject(row) || Array.isArray(row))
    )
      return readRows(
        value.map((one) => [one]),
        `/${form}`,
        names,
      );
    return readRows(value, `/${form}`, names);
  };
