import type { Column, Feed } from "#model-folder/onnx/bind-inputs.ts";
import type { EncodedFeed } from "#model-folder/rows/encode-rows.ts";
import { allocateFeed, type FeedData } from "#model-folder/rows/feed-data.ts";

/** A table of scanned rows: row-major, one number a column; NaN: missing. */
export type RowTable = { readonly count: number; readonly table: Float64Array };

/** A column of a feed: where it is in the table, and where in the feed's rows. */
type Part = {
  readonly column: number;
  readonly offset: number;
  readonly texts: readonly string[] | undefined;
};
type Plan = { readonly feed: Feed; readonly parts: readonly Part[]; readonly isWhole: boolean };

/** Feeds of more values are not kept for the next rows. */
const maxKeptValues = 2_000_000;

const createPlan = (feed: Feed, columns: readonly Column[]): Plan => {
  const parts = columns.flatMap(({ input, feed: own, offset }, column) =>
    own === feed ? [{ column, offset, texts: input.type === "category" ? input.values : undefined }] : [],
  );
  return {
    feed,
    parts,
    // The table's rows are the feed's.
    isWhole:
      columns.length === feed.width &&
      parts.length === feed.width &&
      parts.every(({ column, offset }) => column === offset),
  };
};

/** Writes a column of the table into its feed's data. */
const writePart = (
  { column, offset, texts }: Part,
  data: FeedData,
  { count, table, columns, width }: RowTable & { readonly columns: number; readonly width: number },
): void => {
  let from = column;
  let to = offset;
  if (Array.isArray(data)) {
    for (let row = 0; row < count; row++, from += columns, to += width) {
      const value = table[from] ?? Number.NaN;
      if (Number.isNaN(value)) data[to] = "";
      else data[to] = texts ? (texts[value] ?? "") : String(value);
    }
  } else if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (let row = 0; row < count; row++, from += columns, to += width) {
      const value = table[from] ?? Number.NaN;
      data[to] = Number.isNaN(value) ? 0n : BigInt(value);
    }
  }
  // In an array of integers NaN becomes 0.
  else
    for (let row = 0; row < count; row++, from += columns, to += width) data[to] = table[from] ?? Number.NaN;
};

const createFeed = ({ name, element, width, rank, shape }: Feed, count: number): EncodedFeed => ({
  name,
  type: element,
  data: allocateFeed(element, count * width),
  dims: rank === 1 ? [count] : [count, ...(shape?.map((size) => size ?? 1) ?? [width])],
});

/**
 * Creates the encoder of tables for the graph; the feeds are those that encodeRows makes of the same rows.
 * @param keepsFeeds whether the next call may write to the same feeds: for an engine that has read them by then
 */
export const createTableEncoder = (
  columns: readonly Column[],
  { keepsFeeds = false } = {},
): ((rows: RowTable) => readonly EncodedFeed[]) => {
  const plans = [...new Set(columns.map(({ feed }) => feed))].map((feed) => createPlan(feed, columns));
  const values = plans.reduce((sum, { feed }) => sum + feed.width, 0);
  let kept: { readonly count: number; readonly feeds: readonly EncodedFeed[] } | undefined;
  const takeFeeds = (count: number): readonly EncodedFeed[] => {
    if (kept?.count === count) return kept.feeds;
    const feeds = plans.map(({ feed }) => createFeed(feed, count));
    kept = keepsFeeds && count * values <= maxKeptValues ? { count, feeds } : undefined;
    return feeds;
  };
  return ({ count, table }) => {
    const feeds = takeFeeds(count);
    for (let index = 0; index < plans.length; index++) {
      const plan = plans[index];
      const data = feeds[index]?.data;
      if (plan === undefined || data === undefined) continue;
      // One conversion of all values, where neither texts nor large integers need one each.
      if (plan.isWhole && (data instanceof Float32Array || data instanceof Float64Array)) data.set(table);
      else
        for (const part of plan.parts)
          writePart(part, data, { count, table, columns: columns.length, width: plan.feed.width });
    }
    return feeds;
  };
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
