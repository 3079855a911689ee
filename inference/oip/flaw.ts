import type { HttpProblem } from "#inference/http/http-problem.ts";
import { type ProblemKind, problem } from "#inference/http/problem.ts";

/** A value of a request that cannot be taken: an RFC 6901 pointer into its JSON, and what is wrong in words. */
export type Flaw = { readonly pointer: string; readonly detail: string };

export const isFlaw = (found: object): found is Flaw => "pointer" in found && "detail" in found;

/** The flaw as a problem about one value. */
export const refusal = (flaw: Flaw, kind: ProblemKind = "rows-invalid"): HttpProblem =>
  problem(kind, "1 value does not fit.", [{ pointer: flaw.pointer, detail: flaw.detail }]);
