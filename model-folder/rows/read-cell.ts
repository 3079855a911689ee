import type { Input } from "#model-folder/manifest/manifest.ts";

/** What a cell of text stands for. */
export type Cell = string | number | boolean | null;

const booleans: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["false", false],
  // Python writes them so.
  ["True", true],
  ["False", false],
]);

/**
 * A cell of a CSV file as the application would send it in JSON. What cannot be read stays text, and the row's check
 * says so. An empty cell is a missing value, but for text that is required: that is an empty text.
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
