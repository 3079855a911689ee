import { UsageMistake } from "#cli/errors.ts";
import type { ConfigChange } from "./apply-answers.ts";
import { findLiteral } from "./find-literal.ts";

/** A value as TypeScript, in the style of the file. */
const formatLiteral = (value: unknown): string => {
  if (value === undefined) return "undefined";
  if (Array.isArray(value)) return `[${value.map(formatLiteral).join(", ")}]`;
  if (typeof value === "object" && value !== null)
    return `{ ${Object.entries(value)
      .map(([key, inner]) => `${key}: ${formatLiteral(inner)}`)
      .join(", ")} }`;
  return JSON.stringify(value);
};

/**
 * Replaces values in the text of terraform/config.ts and leaves the rest as it is, comments included. Throws
 * UsageMistake with each value that is not written as a literal.
 */
export const editConfig = (text: string, changes: readonly ConfigChange[]): string => {
  const edits: { readonly start: number; readonly end: number; readonly literal: string }[] = [];
  const unknown: string[] = [];
  for (const { path, value } of changes) {
    const literal = formatLiteral(value);
    const range = findLiteral(text, path);
    if (range === undefined) unknown.push(`${path.join(".")}: write ${literal}`);
    else edits.push({ ...range, literal });
  }
  if (unknown.length > 0)
    throw new UsageMistake(
      `Nothing was written. terraform/config.ts was changed by hand in a way that this command does not edit. Change these values there yourself, and run it again:\n- ${unknown.join("\n- ")}`,
    );
  return edits
    .toSorted((a, b) => b.start - a.start)
    .reduce((edited, { start, end, literal }) => edited.slice(0, start) + literal + edited.slice(end), text);
};
