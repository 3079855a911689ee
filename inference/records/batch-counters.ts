import type { CounterAddition, Key, Store } from "#platform/store/store.ts";

/** The store's limit per write. */
const maxCountersPerWrite = 100;

type Total = {
  readonly key: Key;
  readonly amounts: ReadonlyMap<string, number>;
  /** Epoch seconds. */
  readonly expiresAt: number | undefined;
};

/** Adds to the counters of one item, in as many writes as the store needs. */
const write = async (store: Pick<Store, "add">, { key, amounts, expiresAt }: Total): Promise<void> => {
  const counters = [...amounts];
  const starts = Array.from(
    { length: Math.ceil(counters.length / maxCountersPerWrite) },
    (_, index) => index * maxCountersPerWrite,
  );
  await Promise.all(
    starts.map((start) =>
      store.add(
        key,
        Object.fromEntries(counters.slice(start, start + maxCountersPerWrite)),
        expiresAt === undefined ? {} : { expiresAt },
      ),
    ),
  );
};

/**
 * Adds to counters. Additions to the same item in one turn of the event loop are combined into one write, because requests
 * of one batch are recorded together. All of them resolve or reject with that write.
 */
export const batchCounters = (store: Pick<Store, "add">) => {
  const waiting = new Map<string, { amounts: Map<string, number>; readonly written: Promise<void> }>();

  return (addition: CounterAddition): Promise<void> => {
    const { key, expiresAt } = addition;
    const amounts = Object.entries(addition.amounts);
    const itemId = `${key.partition}\0${key.sort}`;
    const pending = waiting.get(itemId);
    if (pending) {
      for (const [name, amount] of amounts)
        pending.amounts.set(name, (pending.amounts.get(name) ?? 0) + amount);
      return pending.written;
    }
    const total = new Map(amounts);
    const written = new Promise<void>((resolve, reject) => {
      // Runs when no promise can continue: by then the whole batch has added its amounts.
      process.nextTick(() => {
        waiting.delete(itemId);
        write(store, { key, amounts: total, expiresAt }).then(resolve, reject);
      });
    });
    waiting.set(itemId, { amounts: total, written });
    return written;
  };
};
