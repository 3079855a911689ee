import type { Database } from "./open-database.ts";

type PendingWrite = {
  readonly write: () => void;
  readonly committed: () => void;
  readonly failed: (error: unknown) => void;
};

/**
 * Runs the writes of one event in one transaction, because a commit costs several times as much as its rows: a batch of
 * ten requests is recorded with one commit. Each promise resolves after the commit. If a write throws, the transaction
 * is rolled back and each write runs on its own, so that only the failing one is rejected: a write may run twice.
 */
export const createWriteBatcher = (database: Pick<Database, "write">) => {
  let pending: PendingWrite[] = [];

  const commit = (writes: readonly PendingWrite[]): void => {
    try {
      database.write(() => {
        for (const { write } of writes) write();
      });
    } catch (error) {
      if (writes.length === 1) writes[0]?.failed(error);
      else for (const write of writes) commit([write]);
      return;
    }
    for (const { committed } of writes) committed();
  };

  return <T>(write: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      let result: T;
      const pendingWrite: PendingWrite = {
        write: () => {
          result = write();
        },
        committed: () => resolve(result),
        failed: reject,
      };
      pending.push(pendingWrite);
      if (pending.length > 1) return;
      // By the next tick, everything that one event triggers has added its writes.
      process.nextTick(() => {
        const writes = pending;
        pending = [];
        commit(writes);
      });
    });
};
