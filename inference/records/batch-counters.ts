import type { Key, Store } from "#platform/store/store.ts";

/** The store adds to at most so many counters at once. */
const maxCountersPerWrite = 100;

type Addition = {
  readonly key: Key;
  readonly amounts: ReadonlyMap<string, number>;
  /** Epoch seconds. */
  readonly expiresAt: number;
};

/** What is added to one item, in as many steps as the store needs. */
const write = async (store: Pick<Store, "add">, { key, amounts, expiresAt }: Addition): Promise<void> => {
  const counters = [...amounts];
  const starts = Array.from(
    { length: Math.ceil(counters.length / maxCountersPerWrite) },
    (_, index) => index * maxCountersPerWrite,
  );
  await Promise.all(
    starts.map((from) =>
      store.add(key, Object.fromEntries(counters.slice(from, from + maxCountersPerWrite)), { expiresAt }),
    ),
  );
};

/**
 * Adds to counters; what is to be added to one item within one turn of the event loop is added up first and written
 * once, because requests that the model answered together are recorded together. Each resolves, or rejects, with that
 * one write.
 */
export const batchCounters = (store: Pick<Store, "add">) => {
  const waiting = new Map<string, { amounts: Map<string, number>; readonly written: Promise<void> }>();

  return (addition: Addition): Promise<void> => {
    const { key, amounts, expiresAt } = addition;
    const place = `${key.partition}\0${key.sort}`;
    const together = waiting.get(place);
    if (together) {
      for (const [name, amount] of amounts)
        together.amounts.set(name, (together.amounts.get(name) ?? 0) + amount);
      return together.written;
    }
    const all = new Map(amounts);
    const written = new Promise<void>((resolve, reject) => {
      // Node comes to this once no promise is left to go on: all that were answered together have been here.
      process.nextTick(() => {
        waiting.delete(place);
        write(store, { key, amounts: all, expiresAt }).then(resolve, reject);
      });
    });
    waiting.set(place, { amounts: all, written });
    return written;
  };
};
