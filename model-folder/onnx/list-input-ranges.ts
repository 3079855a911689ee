import type { Input } from "#model-folder/manifest/manifest.ts";
import type { Column } from "./bind-inputs.ts";
import type { IndexRange } from "./find-index-ranges.ts";

/** An input whose values select rows of a table in the graph: it takes integers from -size to size - 1. */
export type InputRange = { readonly input: Input; readonly size: number; readonly operator: string };

/** The columns of the graph's input that hold an input's values: all of them for a tensor. */
const listColumns = ({ input, feed, offset }: Column): readonly number[] =>
  input.type === "tensor" ? Array.from({ length: feed.width }, (_, column) => column) : [offset];

/**
 * The tables of the manifest's inputs, by the columns that they are bound to. A tensor has a range where all of its values
 * select rows: the smallest table's.
 */
export const listInputRanges = (
  columns: readonly Column[],
  ranges: readonly IndexRange[],
): readonly InputRange[] =>
  columns.flatMap((column) => {
    // A tensor can have millions of elements, and most graphs have no table.
    if (!ranges.some(({ input }) => input === column.feed.name)) return [];
    const places = listColumns(column);
    const found = places.flatMap(
      (place) => ranges.find((each) => each.input === column.feed.name && each.column === place) ?? [],
    );
    const [smallest] = found.toSorted((one, other) => one.size - other.size);
    return smallest && found.length === places.length
      ? [{ input: column.input, size: smallest.size, operator: smallest.operator }]
      : [];
  });
