import type { Input } from "#model-folder/manifest/manifest.ts";
import { maxProblems } from "./encode-rows.ts";
import type { RowProblem } from "./row-problem.ts";

/** A problem of a whole column. `index` is its position in the list; absent if the column is missing. */
export type ColumnProblem = RowProblem & { readonly input: string; readonly index?: number };

/** Checks the column names of a table; returns at most 100 problems. */
export const checkColumns = (names: readonly string[], inputs: readonly Input[]): ColumnProblem[] => {
  const known = new Set(inputs.map(({ name }) => name));
  const seen = new Set<string>();
  const problems: ColumnProblem[] = [];
  for (const [index, name] of names.entries()) {
    if (problems.length >= maxProblems) return problems;
    const detail = seen.has(name) ? "duplicate column" : known.has(name) ? undefined : "unknown column";
    if (detail !== undefined) problems.push({ index, input: name.slice(0, 256).toWellFormed(), detail });
    seen.add(name);
  }
  const missing = inputs.filter(({ name, required }) => required && !seen.has(name));
  return [
    ...problems,
    ...missing.map(({ name }) => ({ input: name, detail: "required column is missing" })),
  ].slice(0, maxProblems);
};
