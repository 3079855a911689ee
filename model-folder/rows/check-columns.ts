import type { Input } from "#model-folder/manifest/manifest.ts";
import { maxProblems } from "./encode-rows.ts";
import type { RowProblem } from "./row-problem.ts";

/** A problem of a whole column: the place of its name in the list, or none where the column is missing. */
type ColumnProblem = RowProblem & { readonly input: string; readonly at?: number };

/** What is wrong with the names of a table's columns, at most 100 problems. */
export const checkColumns = (names: readonly string[], inputs: readonly Input[]): ColumnProblem[] => {
  const known = new Set(inputs.map(({ name }) => name));
  const seen = new Set<string>();
  const problems: ColumnProblem[] = [];
  for (const [at, name] of names.entries()) {
    if (problems.length >= maxProblems) return problems;
    const detail = seen.has(name)
      ? "two columns have this name"
      : known.has(name)
        ? undefined
        : "is no input of this model";
    if (detail !== undefined) problems.push({ at, input: name.slice(0, 128).toWellFormed(), detail });
    seen.add(name);
  }
  const missing = inputs.filter(({ name, required }) => required && !seen.has(name));
  return [
    ...problems,
    ...missing.map(({ name }) => ({ input: name, detail: "is required, and no column has this name" })),
  ].slice(0, maxProblems);
};
