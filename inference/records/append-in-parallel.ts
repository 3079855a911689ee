import type { Store, WriteBatch } from "#platform/store/store.ts";
import { batchCounters } from "./batch-counters.ts";

/**
 * Appends a batch by the store's own calls: its items and its counters in parallel, so that a request waits for one round
 * trip. If one of the two fails, the other may have been written: the response then goes out with its warning.
 */
export const appendInParallel = (store: Pick<Store, "putAll" | "add">) => {
  const addToCounters = batchCounters(store);
  return async ({ entries, additions }: WriteBatch): Promise<void> => {
    await Promise.all([store.putAll(entries), ...additions.map(addToCounters)]);
  };
};
