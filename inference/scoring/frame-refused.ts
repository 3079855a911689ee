import type { HttpProblem } from "#inference/http/http-problem.ts";
import { problem } from "#inference/http/problem.ts";
import { maxProblems, maxRows } from "#model-folder/rows/encode-rows.ts";
import { rowPointer } from "#model-folder/rows/row-problem.ts";

/** A place in the caller's body (RFC 6901) and what is wrong there. */
export type Found = { readonly pointer: string; readonly detail: string };

/** The refusal of a body that holds no table of the model's inputs. */
export const frameRefused = (...found: readonly Found[]): HttpProblem => {
  const errors = found.slice(0, maxProblems);
  return problem(
    "rows-invalid",
    `${errors.length} value${errors.length === 1 ? " does" : "s do"} not fit.`,
    errors,
  );
};

/** The pointer to a name below a place. A name comes from the caller, and a megabyte of it does not go into the answer. */
export const below = (base: string, name: string): string =>
  rowPointer(base)({ input: name.slice(0, 128).toWellFormed() });

/** What is wrong with a number of rows. */
export const countProblem = (count: number): string | undefined =>
  count < 1 || count > maxRows ? `must hold 1 to ${maxRows} rows; it holds ${count}` : undefined;
