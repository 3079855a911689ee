import type { EncodedFeed } from "#model-folder/rows/encode-rows.ts";
import type { Feeds } from "./feed-tensor.ts";

/** Encoded rows by the graph's input names. */
export const createFeeds = (feeds: readonly EncodedFeed[]): Feeds =>
  Object.fromEntries(feeds.map((feed) => [feed.name, feed]));
