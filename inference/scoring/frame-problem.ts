import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import { maxProblems, maxRows } from "#model-folder/rows/encode-rows.ts";
import { rowPointer } from "#model-folder/rows/row-problem.ts";

/** A place in the caller's body (RFC 6901) and what is wrong there. */
export type FrameProblemEntry = { readonly pointer: string; readonly detail: string };

/** The refusal of a body that holds no table of the model's inputs. */
export const createFrameProblem = (...found: readonly FrameProblemEntry[]): HttpProblem => {
  const errors = found.slice(0, maxProblems);
  return createProblem(
    "rows-invalid",
    `${errors.length} value${errors.length === 1 ? " does" : "s do"} not fit.`,
    errors,
  );
};

/** The pointer to a name below a place. A name comes from the caller, and a megabyte of it does not go into the answer. */
export const appendPointer = (base: string, name: string): string =>
  rowPointer(base)({ input: name.slice(0, 128).toWellFormed() });

/** What is wrong with a number of rows. */
export const checkRowCount = (count: number): string | undefined =>
  count < 1 || count > maxRows ? `must hold 1 to ${maxRows} rows; it holds ${count}` : undefined;
