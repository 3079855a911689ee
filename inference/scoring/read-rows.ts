import type { HttpProblem } from "#inference/http/http-problem.ts";
import type { PredictRequest } from "#inference/run-prediction.ts";
import { readEncoded } from "#model-folder/rows/encoded-bytes.ts";
import { type RowProblem, rowPointer } from "#model-folder/rows/row-problem.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";
import { setOwnProperty } from "#untrusted/set-own-property.ts";
import { checkRowCount, createFrameProblem, type FrameProblemEntry } from "./frame-problem.ts";

type Options = {
  /** The pointer to the rows in the caller's body. */
  readonly base: string;
  /** Names for the values of a row that is a list. */
  readonly columns: readonly string[];
  /** The allowed form of a row; `values`: the only column's value, which is an array. */
  readonly form: "lists" | "records" | "both" | "values";
};

/** Returns the values of a row that is a list, and their path inside the row. */
const findList = (
  row: unknown,
): { readonly values: readonly unknown[]; readonly path: string } | undefined => {
  if (Array.isArray(row)) return { values: row, path: "" };
  // SageMaker's own form of an instance.
  if (isJsonObject(row) && Array.isArray(row.features) && Object.keys(row).length === 1)
    return { values: row.features, path: "/features" };
  return undefined;
};

const zipNames = (values: readonly unknown[], columns: readonly string[]): Record<string, unknown> => {
  const row: Record<string, unknown> = {};
  for (const [index, name] of columns.entries()) setOwnProperty(row, name, values[index]);
  return row;
};

/** Whether a row is the only column's value itself, which may be `{ base64 }`, and not an object of names. */
const isValue = (row: unknown, columns: readonly string[]): boolean =>
  !isJsonObject(row) || (readEncoded(row) !== undefined && !columns.includes("base64"));

/**
 * Reads the rows of a table. Each is a list of the columns' values, an object with names or, with a single column, just the
 * value. The model validates the values later.
 */
export const readRows = (rows: unknown, { base, columns, form }: Options): PredictRequest | HttpProblem => {
  if (!Array.isArray(rows)) return createFrameProblem({ pointer: base, detail: "must be a list of rows" });
  const detail = checkRowCount(rows.length);
  if (detail !== undefined) return createFrameProblem({ pointer: base, detail });
  const problems: FrameProblemEntry[] = [];
  const namedRows = rows.map((row: unknown, index) => {
    if (form === "values" && isValue(row, columns)) return zipNames([row], columns);
    const list = form === "records" || form === "values" ? undefined : findList(row);
    if (list) {
      const { values, path } = list;
      if (values.length !== columns.length)
        problems.push({
          pointer: `${base}/${index}${path}`,
          detail: `must have ${columns.length} values; it has ${values.length}`,
        });
      return zipNames(values, columns);
    }
    if (form === "lists") problems.push({ pointer: `${base}/${index}`, detail: "must be a list of values" });
    return form === "both" && columns.length === 1 && !isJsonObject(row) ? zipNames([row], columns) : row;
  });
  if (problems.length > 0) return createFrameProblem(...problems.slice(0, 100));
  const pointer = ({ row, input, path = [] }: RowProblem): string => {
    if (row === undefined) return base;
    const list = form === "records" || form === "values" ? undefined : findList(rows[row]);
    if (input === undefined || !(list || (isJsonObject(rows[row]) && !isValue(rows[row], columns))))
      return rowPointer(base)({ row, path });
    return list
      ? rowPointer(`${base}/${row}${list.path}`)({ row: columns.indexOf(input), path })
      : rowPointer(base)({ row, input, path });
  };
  return { rows: namedRows, pointer };
};
