import type { Database } from "./open-database.ts";

type Waiting = {
  readonly write: () => void;
  readonly committed: () => void;
  readonly failed: (error: unknown) => void;
};

/**
 * Runs the writes that are asked for within one turn of the event loop in one transaction, because a commit costs
 * several times what its rows do: ten requests at once are recorded with one. Each resolves when it is committed.
 * Where one throws, the transaction is taken back and each is written on its own, so that a fault stays with the write
 * that has it: a write may therefore run twice.
 */
export const writeTogether = (database: Pick<Database, "write">) => {
  let waiting: readonly Waiting[] = [];

  const commit = (writes: readonly Waiting[]): void => {
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
      const one: Waiting = {
        write: () => {
          result = write();
        },
        committed: () => resolve(result),
        failed: reject,
      };
      if (waiting.length === 0)
        setImmediate(() => {
          const writes = waiting;
          waiting = [];
          commit(writes);
        });
      waiting = [...waiting, one];
    });
};
