import { type RowProblem, rowPointer } from "#model-folder/rows/row-problem.ts";

const pointer = rowPointer("/rows");

/** The rows do not match the model's inputs: the caller's mistake. It has one problem per invalid value. */
export class RowsInvalid extends Error {
  override readonly name = "RowsInvalid";
  readonly problems: readonly RowProblem[];
  constructor(problems: readonly RowProblem[]) {
    super(problems.map((problem) => `${pointer(problem)} ${problem.detail}`).join("\n"));
    this.problems = problems;
  }
}
