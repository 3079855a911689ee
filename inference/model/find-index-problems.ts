import type { RowProblem } from "#model-folder/rows/row-problem.ts";
import { IndexOutOfRange } from "./model-errors.ts";

const maxRuns = 200;
const maxProblems = 20;

/**
 * Finds the rows whose value is outside a table of the graph, by runs of halves: a failed run does not say which row it
 * failed on. Ends after 200 runs or 20 rows; at least one row is found.
 * @param run throws IndexOutOfRange where such a row is among its rows
 */
export const findIndexProblems = async <T>(
  rows: readonly T[],
  run: (rows: readonly T[]) => Promise<unknown>,
  nameInput: (row: T, error: IndexOutOfRange) => string | undefined,
): Promise<RowProblem[]> => {
  const problems: RowProblem[] = [];
  let runs = 0;
  const search = async (start: number, end: number): Promise<void> => {
    if (runs >= maxRuns || problems.length >= maxProblems) return;
    runs++;
    const error = await run(rows.slice(start, end)).then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof IndexOutOfRange) return error;
        throw error;
      },
    );
    if (!error) return;
    if (end - start > 1) {
      const middle = (start + end) >> 1;
      await search(start, middle);
      return search(middle, end);
    }
    const row = rows[start];
    const input = row === undefined ? undefined : nameInput(row, error);
    problems.push({
      row: start,
      ...(input === undefined ? {} : { input }),
      detail: `a value is outside the table that the model looks it up in (${error.message})`,
    });
  };
  await search(0, rows.length);
  return problems;
};
