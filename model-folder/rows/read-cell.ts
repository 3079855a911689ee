import type { Input } from "#model-folder/manifest/manifest.ts";

/** The value of a CSV cell. */
export type Cell = string | number | boolean | null;

const booleans: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["false", false],
  // Python's spelling.
  ["True", true],
  ["False", false],
]);

/**
 * Converts a CSV cell to the value that JSON would have. A cell that cannot be converted stays text, so that checkRows
 * reports it. An empty cell is a missing value, except for required text: there it is the empty text.
 */
export const readCell = (text: string, input: Input): Cell => {
  switch (input.type) {
    case "integer":
    case "number":
      if (text === "") return null;
      return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : text;
    case "boolean":
      return text === "" ? null : (booleans.get(text) ?? text);
    case "category":
    case "string":
      return text === "" && !input.required ? null : text;
    default:
      return input satisfies never;
  }
};
