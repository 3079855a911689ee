import { type RowProblem, rowPointer } from "#model-folder/rows/row-problem.ts";

const pointer = rowPointer("/rows");

/** Rows that do not fit the model's inputs: the caller's mistake, one entry for each bad value. */
export class RowsInvalid extends Error {
  override readonly name = "RowsInvalid";
  readonly problems: readonly RowProblem[];
  constructor(problems: readonly RowProblem[]) {
    super(problems.map((problem) => `${pointer(problem)} ${problem.detail}`).join("\n"));
    this.problems = problems;
  }
}
