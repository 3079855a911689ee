import type { Input } from "#model-folder/manifest/manifest.ts";
import type { Column } from "./bind-inputs.ts";
import type { IndexRange } from "./find-index-ranges.ts";

/** An input whose values select rows of a table in the graph: it takes integers from -size to size - 1. */
export type InputRange = { readonly input: Input; readonly size: number; readonly operator: string };

/** The tables of the manifest's inputs, by the columns that they are bound to. */
export const listInputRanges = (
  columns: readonly Column[],
  ranges: readonly IndexRange[],
): readonly InputRange[] =>
  columns.flatMap(({ input, feed, offset }) => {
    const range = ranges.find((each) => each.input === feed.name && each.column === offset);
    return range ? [{ input, size: range.size, operator: range.operator }] : [];
  });
