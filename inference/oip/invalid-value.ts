import { createProblem, type ProblemKind } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";

/** An invalid value of a request, with an RFC 6901 pointer into its JSON. */
export type InvalidValue = { readonly pointer: string; readonly detail: string };

export const isInvalidValue = (result: object): result is InvalidValue =>
  "pointer" in result && "detail" in result;

export const toInvalidValueProblem = (
  { pointer, detail }: InvalidValue,
  kind: ProblemKind = "rows-invalid",
): HttpProblem => createProblem(kind, "1 invalid value.", [{ pointer, detail }]);
