import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import { maxProblems, maxRows } from "#model-folder/rows/encode-rows.ts";
import { rowPointer } from "#model-folder/rows/row-problem.ts";

/** A problem of a value, with an RFC 6901 pointer into the caller's body. */
export type FrameProblemEntry = { readonly pointer: string; readonly detail: string };

/** Creates the problem for an invalid table. */
export const createFrameProblem = (...entries: readonly FrameProblemEntry[]): HttpProblem => {
  const errors = entries.slice(0, maxProblems);
  return createProblem(
    "rows-invalid",
    `${errors.length} invalid value${errors.length === 1 ? "" : "s"}.`,
    errors,
  );
};

/** Appends a name to a pointer. The name comes from the caller, so it is shortened. */
export const appendPointer = (base: string, name: string): string =>
  rowPointer(base)({ input: name.slice(0, 256).toWellFormed() });

/** Checks the number of rows; returns the problem or undefined. */
export const checkRowCount = (count: number): string | undefined =>
  count < 1 || count > maxRows ? `must have 1 to ${maxRows} rows; it has ${count}` : undefined;
