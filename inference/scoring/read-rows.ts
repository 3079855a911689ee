import type { HttpProblem } from "#inference/http/http-problem.ts";
import type { PredictRequest } from "#inference/run-prediction.ts";
import { type RowProblem, rowPointer } from "#model-folder/rows/row-problem.ts";
import { checkRowCount, createFrameProblem, type FrameProblemEntry } from "./frame-problem.ts";

type Options = {
  /** The pointer to the rows in the caller's body. */
  readonly base: string;
  /** Names of the values of a row that is a list. */
  readonly columns: readonly string[];
  /** What a row may be. */
  readonly takes: "lists" | "records" | "both";
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The values of a row that is a list, and the way to them from the row. */
const findList = (row: unknown): { readonly values: readonly unknown[]; readonly at: string } | undefined => {
  if (Array.isArray(row)) return { values: row, at: "" };
  // SageMaker's own form of an instance.
  if (isObject(row) && Array.isArray(row.features) && Object.keys(row).length === 1)
    return { values: row.features, at: "/features" };
  return undefined;
};

const zipNames = (values: readonly unknown[], columns: readonly string[]): Record<string, unknown> => {
  const row: Record<string, unknown> = {};
  for (const [at, name] of columns.entries()) row[name] = values[at];
  return row;
};

/**
 * The rows of a table that came one by one: each a list of the columns' values, an object with names of its own or,
 * where there is one column, the value alone. What a row holds is the model's to check.
 */
export const readRows = (rows: unknown, { base, columns, takes }: Options): PredictRequest | HttpProblem => {
  if (!Array.isArray(rows)) return createFrameProblem({ pointer: base, detail: "must be a list of rows" });
  const detail = checkRowCount(rows.length);
  if (detail !== undefined) return createFrameProblem({ pointer: base, detail });
  const torn: FrameProblemEntry[] = [];
  const read = rows.map((row: unknown, index) => {
    const list = takes === "records" ? undefined : findList(row);
    if (list) {
      const { values, at } = list;
      if (values.length !== columns.length)
        torn.push({
          pointer: `${base}/${index}${at}`,
          detail: `holds ${values.length} values where ${columns.length} belong`,
        });
      return zipNames(values, columns);
    }
    if (takes === "lists") torn.push({ pointer: `${base}/${index}`, detail: "must be a list of values" });
    return takes === "both" && columns.length === 1 && !isObject(row) ? zipNames([row], columns) : row;
  });
  if (torn.length > 0) return createFrameProblem(...torn.slice(0, 100));
  const pointer = ({ row, input }: RowProblem): string => {
    if (row === undefined) return base;
    const list = takes === "records" ? undefined : findList(rows[row]);
    if (input === undefined || !(list || isObject(rows[row]))) return `${base}/${row}`;
    return list ? `${base}/${row}${list.at}/${columns.indexOf(input)}` : rowPointer(base)({ row, input });
  };
  return { rows: read, pointer };
};
