import type { Column, Feed } from "#model-folder/onnx/bind-inputs.ts";
import type { EncodedFeed } from "#model-folder/rows/encode-rows.ts";
import { allocateFeed, type FeedData } from "#model-folder/rows/feed-data.ts";

/** A table of scanned rows: row-major, one number a column; NaN: missing. */
export type RowTable = { readonly count: number; readonly table: Float64Array };

/** Writes a column of the table into its feed's data. */
const writeColumn = (
  { input, feed: { width }, offset }: Column,
  data: FeedData,
  { count, table, column, columns }: RowTable & { readonly column: number; readonly columns: number },
): void => {
  if (Array.isArray(data)) {
    const texts = input.type === "category" ? input.values : undefined;
    for (let row = 0, from = column, to = offset; row < count; row++, from += columns, to += width) {
      const value = table[from] ?? Number.NaN;
      if (!Number.isNaN(value)) data[to] = texts ? (texts[value] ?? "") : String(value);
    }
  } else if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (let row = 0, from = column, to = offset; row < count; row++, from += columns, to += width) {
      const value = table[from] ?? Number.NaN;
      data[to] = Number.isNaN(value) ? 0n : BigInt(value);
    }
  }
  // In an array of integers NaN becomes 0.
  else
    for (let row = 0, from = column, to = offset; row < count; row++, from += columns, to += width)
      data[to] = table[from] ?? Number.NaN;
};

/** Creates the encoder of tables for the graph; the feeds are those that encodeRows makes of the same rows. */
export const createTableEncoder = (
  columns: readonly Column[],
): ((rows: RowTable) => readonly EncodedFeed[]) => {
  const feeds: readonly Feed[] = [...new Set(columns.map(({ feed }) => feed))];
  return ({ count, table }) =>
    feeds.map((feed) => {
      const data = allocateFeed(feed.element, count * feed.width);
      for (const [column, bound] of columns.entries())
        if (bound.feed === feed) writeColumn(bound, data, { count, table, column, columns: columns.length });
      return {
        name: feed.name,
        type: feed.element,
        data,
        dims: feed.rank === 1 ? [count] : [count, ...(feed.shape?.map((size) => size ?? 1) ?? [feed.width])],
      };
    });
};

/** One table with the rows of all, in their order. */
export const mergeTables = (tables: readonly RowTable[]): RowTable => {
  const merged = new Float64Array(tables.reduce((sum, { table }) => sum + table.length, 0));
  let end = 0;
  for (const { table } of tables) {
    merged.set(table, end);
    end += table.length;
  }
  return { count: tables.reduce((sum, { count }) => sum + count, 0), table: merged };
};
