import type { Question } from "#inference/answer.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import { type RowProblem, rowPointer } from "#model-folder/rows/row-problem.ts";
import { countProblem, type Found, frameRefused } from "./frame-refused.ts";

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
const listIn = (row: unknown): { readonly values: readonly unknown[]; readonly at: string } | undefined => {
  if (Array.isArray(row)) return { values: row, at: "" };
  // SageMaker's own form of an instance.
  if (isObject(row) && Array.isArray(row.features) && Object.keys(row).length === 1)
    return { values: row.features, at: "/features" };
  return undefined;
};

const named = (values: readonly unknown[], columns: readonly string[]): Record<string, unknown> => {
  const row: Record<string, unknown> = {};
  for (const [at, name] of columns.entries()) row[name] = values[at];
  return row;
};

/**
 * The rows of a table that came one by one: each a list of the columns' values, an object with names of its own or,
 * where there is one column, the value alone. What a row holds is the model's to check.
 */
export const readRows = (rows: unknown, { base, columns, takes }: Options): Question | HttpProblem => {
  if (!Array.isArray(rows)) return frameRefused({ pointer: base, detail: "must be a list of rows" });
  const detail = countProblem(rows.length);
  if (detail !== undefined) return frameRefused({ pointer: base, detail });
  const torn: Found[] = [];
  const read = rows.map((row: unknown, index) => {
    const list = takes === "records" ? undefined : listIn(row);
    if (list) {
      const { values, at } = list;
      if (values.length !== columns.length)
        torn.push({
          pointer: `${base}/${index}${at}`,
          detail: `holds ${values.length} values where ${columns.length} belong`,
        });
      return named(values, columns);
    }
    if (takes === "lists") torn.push({ pointer: `${base}/${index}`, detail: "must be a list of values" });
    return takes === "both" && columns.length === 1 && !isObject(row) ? named([row], columns) : row;
  });
  if (torn.length > 0) return frameRefused(...torn.slice(0, 100));
  const pointer = ({ row, input }: RowProblem): string => {
    if (row === undefined) return base;
    const list = takes === "records" ? undefined : listIn(rows[row]);
    if (input === undefined || !(list || isObject(rows[row]))) return `${base}/${row}`;
    return list ? `${base}/${row}${list.at}/${columns.indexOf(input)}` : rowPointer(base)({ row, input });
  };
  return { rows: read, pointer };
};
