import { createProblem, type ProblemKind } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";

/** A value of a request that cannot be taken: an RFC 6901 pointer into its JSON, and what is wrong in words. */
export type InvalidValue = { readonly pointer: string; readonly detail: string };

export const isInvalidValue = (found: object): found is InvalidValue =>
  "pointer" in found && "detail" in found;

/** The flaw as a problem about one value. */
export const toInvalidValueProblem = (flaw: InvalidValue, kind: ProblemKind = "rows-invalid"): HttpProblem =>
  createProblem(kind, "1 value does not fit.", [{ pointer: flaw.pointer, detail: flaw.detail }]);
