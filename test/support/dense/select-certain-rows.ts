import { type CompiledFeed, RowTooClose, type RunGraph } from "#inference/model/compiled/run-graph.ts";

const pickRows = <Feed extends CompiledFeed>(feed: Feed, rows: readonly number[]): Feed => {
  const [, ...sizes] = feed.dims;
  const width = sizes.reduce((product, size) => product * size, 1);
  const list = feed.data as Float32Array;
  const picked = rows.flatMap((row) => Array.from(list.slice(row * width, (row + 1) * width)));
  return {
    ...feed,
    data: Array.isArray(list) ? picked : Reflect.construct(list.constructor, [picked]),
    dims: [rows.length, ...sizes],
  };
};

/** These rows of a request, in this order. */
export const pickFeedRows = <Feed extends CompiledFeed>(
  feeds: Readonly<Record<string, Feed>>,
  rows: readonly number[],
): Readonly<Record<string, Feed>> =>
  Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, pickRows(feed, rows)]));

/** The rows that a compiled graph answers itself; it leaves the others to onnxruntime. */
export const selectCertainRows = (
  run: RunGraph,
  feeds: Readonly<Record<string, CompiledFeed>>,
  names: readonly string[],
): readonly number[] => {
  const rows = Object.values(feeds)[0]?.dims[0] ?? 0;
  return Array.from({ length: rows }, (_, row) => row).filter((row) => {
    try {
      run(pickFeedRows(feeds, [row]), names);
      return true;
    } catch (error) {
      if (error instanceof RowTooClose) return false;
      throw error;
    }
  });
};
