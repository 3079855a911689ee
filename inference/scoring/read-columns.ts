import type { Question } from "#inference/answer.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import type { Input } from "#model-folder/manifest/manifest.ts";
import { columnProblems } from "#model-folder/rows/column-problems.ts";
import { type RowProblem, rowPointer } from "#model-folder/rows/row-problem.ts";
import { ownValue } from "#untrusted/own-value.ts";
import { below, countProblem, frameRefused } from "./frame-refused.ts";

type Columns = Readonly<Record<string, unknown>>;
type List = { readonly name: string; readonly values: readonly unknown[] };

const isSingle = (value: unknown): value is readonly [unknown] => Array.isArray(value) && value.length === 1;

/** What is wrong with the columns as a whole. */
const refusal = (
  columns: Columns,
  lists: readonly List[],
  base: string,
  inputs: readonly Input[],
): HttpProblem | undefined => {
  const names = Object.keys(columns);
  const problems = columnProblems(names, inputs);
  if (problems.length > 0)
    return frameRefused(...problems.map(({ input, detail }) => ({ pointer: below(base, input), detail })));
  const odd = names.find((name) => !Array.isArray(ownValue(columns, name)));
  if (odd !== undefined)
    return frameRefused({ pointer: below(base, odd), detail: "must be a list of values" });
  const length = lists[0]?.values.length ?? 0;
  const torn = lists.find(({ values }) => values.length !== length);
  if (torn)
    return frameRefused({
      pointer: below(base, torn.name),
      detail: `holds ${torn.values.length} values where ${length} belong`,
    });
  const detail = countProblem(length);
  return detail === undefined ? undefined : frameRefused({ pointer: base, detail });
};

/**
 * The rows of a table that came as columns by name: each a list of values or, as numpy has a tensor [N, 1], of lists
 * of one value. Where no column is a list, the object is one row.
 */
export const readColumns = (
  columns: Columns,
  base: string,
  inputs: readonly Input[],
): Question | HttpProblem => {
  const lists = Object.entries(columns).flatMap(([name, values]): List[] =>
    Array.isArray(values) ? [{ name, values }] : [],
  );
  if (lists.length === 0)
    return {
      rows: [columns],
      pointer: ({ input }) => (input === undefined ? base : rowPointer(base)({ input })),
    };
  const refused = refusal(columns, lists, base, inputs);
  if (refused) return refused;
  const rows = Array.from({ length: lists[0]?.values.length ?? 0 }, (_, at) => {
    const row: Record<string, unknown> = {};
    for (const { name, values } of lists) {
      const value = values[at];
      row[name] = isSingle(value) ? value[0] : value;
    }
    return row;
  });
  const pointer = ({ row, input }: RowProblem): string => {
    if (row === undefined || input === undefined) return base;
    const values = ownValue(columns, input);
    return `${below(base, input)}/${row}${Array.isArray(values) && isSingle(values[row]) ? "/0" : ""}`;
  };
  return { rows, pointer };
};
