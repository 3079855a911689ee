import type { Database } from "./open-database.ts";

type PendingWrite = {
  readonly write: () => void;
  readonly committed: () => void;
  readonly failed: (error: unknown) => void;
};

/**
 * Runs the writes that one event sets off in one transaction, because a commit costs several times what its rows do: ten
 * requests that the model answered together are recorded with one. Each resolves when it is committed.
 * Where one throws, the transaction is taken back and each is written on its own, so that a fault stays with the write
 * that has it: a write may therefore run twice.
 */
export const createWriteBatcher = (database: Pick<Database, "write">) => {
  let waiting: PendingWrite[] = [];

  const commit = (writes: readonly PendingWrite[]): void => {
    try {
      database.write(() => {
        for (const { write } of writes) write();
      });
    } catch (error) {
      if (writes.length === 1) writes[0]?.failed(error);
      else for (const one of writes) commit([one]);
      return;
    }
    for (const { committed } of writes) committed();
  };

  return <T>(write: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      let result: T;
      const one: PendingWrite = {
        write: () => {
          result = write();
        },
        committed: () => resolve(result),
        failed: reject,
      };
      waiting.push(one);
      if (waiting.length > 1) return;
      // Node comes to this once no promise is left to go on: all that one event set off have asked by then.
      process.nextTick(() => {
        const writes = waiting;
        waiting = [];
        commit(writes);
      });
    });
};
