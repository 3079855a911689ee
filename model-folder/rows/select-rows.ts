import type { EncodedFeed } from "./encode-rows.ts";
import { allocateFeed } from "./feed-data.ts";

/** The values of some rows of a feed, in this order. */
export const selectRows = (feed: EncodedFeed, rows: readonly number[]): EncodedFeed => {
  const [count = 1, ...shape] = feed.dims;
  const width = feed.data.length / count;
  const data = allocateFeed(feed.type, rows.length * width);
  for (const [to, from] of rows.entries())
    for (let at = 0; at < width; at++) {
      const value = feed.data[from * width + at];
      if (value !== undefined) data[to * width + at] = value;
    }
  return { ...feed, data, dims: [rows.length, ...shape] };
};
