import type { HttpProblem } from "#inference/http/http-problem.ts";
import type { PredictRequest } from "#inference/run-prediction.ts";
import { isArrayInput } from "#model-folder/manifest/array-shape.ts";
import type { Input } from "#model-folder/manifest/manifest.ts";
import { checkColumns } from "#model-folder/rows/check-columns.ts";
import { type RowProblem, rowPointer } from "#model-folder/rows/row-problem.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { setOwnProperty } from "#untrusted/set-own-property.ts";
import { appendPointer, checkRowCount, createFrameProblem } from "./frame-problem.ts";

type Columns = Readonly<Record<string, unknown>>;
type NamedColumn = { readonly name: string; readonly values: readonly unknown[] };

const isSingle = (value: unknown): value is readonly [unknown] => Array.isArray(value) && value.length === 1;

/** Checks the columns as a whole. */
const findColumnsProblem = (
  columns: Columns,
  lists: readonly NamedColumn[],
  base: string,
  inputs: readonly Input[],
): HttpProblem | undefined => {
  const names = Object.keys(columns);
  const problems = checkColumns(names, inputs);
  if (problems.length > 0)
    return createFrameProblem(
      ...problems.map(({ input, detail }) => ({ pointer: appendPointer(base, input), detail })),
    );
  const notList = names.find((name) => !Array.isArray(getOwnProperty(columns, name)));
  if (notList !== undefined)
    return createFrameProblem({ pointer: appendPointer(base, notList), detail: "must be a list of values" });
  const length = lists[0]?.values.length ?? 0;
  const unequal = lists.find(({ values }) => values.length !== length);
  if (unequal)
    return createFrameProblem({
      pointer: appendPointer(base, unequal.name),
      detail: `must have ${length} values; it has ${unequal.values.length}`,
    });
  const detail = checkRowCount(length);
  return detail === undefined ? undefined : createFrameProblem({ pointer: base, detail });
};

/**
 * Reads the rows of a table with named columns. A column is a list of values or, like numpy's tensor [N, 1], a list of lists
 * of one value. If no column is a list, the object is a single row.
 */
export const readColumns = (
  columns: Columns,
  base: string,
  inputs: readonly Input[],
): PredictRequest | HttpProblem => {
  const lists = Object.entries(columns).flatMap(([name, values]): NamedColumn[] =>
    Array.isArray(values) ? [{ name, values }] : [],
  );
  if (lists.length === 0)
    return {
      rows: [columns],
      pointer: ({ input }) => (input === undefined ? base : rowPointer(base)({ input })),
    };
  const problem = findColumnsProblem(columns, lists, base, inputs);
  if (problem) return problem;
  const arrays = new Set(inputs.filter(isArrayInput).map(({ name }) => name));
  const rows = Array.from({ length: lists[0]?.values.length ?? 0 }, (_, index) => {
    const row: Record<string, unknown> = {};
    for (const { name, values } of lists) {
      const value = values[index];
      setOwnProperty(row, name, isSingle(value) && !arrays.has(name) ? value[0] : value);
    }
    return row;
  });
  const pointer = ({ row, input, path = [] }: RowProblem): string => {
    if (row === undefined || input === undefined) return base;
    const values = getOwnProperty(columns, input);
    const place = Array.isArray(values) && isSingle(values[row]) && !arrays.has(input) ? [0] : [];
    return rowPointer(appendPointer(base, input))({ row, path: [...place, ...path] });
  };
  return { rows, pointer };
};
