import type { Input, NestedValues, Row } from "#model-folder/manifest/manifest.ts";
import { readEncoded } from "./encoded-bytes.ts";

/** The value of a CSV cell. */
export type Cell = Row[string];

const booleans: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["false", false],
  // Python's spelling.
  ["True", true],
  ["False", false],
]);

/** A tensor's cell holds JSON: nested arrays, or `{ "base64": "…" }`. What is no JSON stays text, so that checkRows reports it. */
const readTensor = (text: string): Cell => {
  try {
    const value: unknown = JSON.parse(text);
    if (isNestedValues(value)) return value;
    const base64 = readEncoded(value);
    return base64 === undefined ? text : { base64 };
  } catch {
    return text;
  }
};

const isNestedValues = (value: unknown): value is NestedValues =>
  Array.isArray(value)
    ? value.every(isNestedValues)
    : typeof value === "number" || typeof value === "boolean" || typeof value === "string";

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
    case "tensor":
      return readTensor(text);
    case "image":
      return text === "" ? null : text;
    default:
      return input satisfies never;
  }
};
