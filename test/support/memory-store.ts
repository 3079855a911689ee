import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";

/** A store in memory, on a clock that the test sets. */
export const memoryStore = () => {
  const time = { now: 1_000_000_000 };
  const clock = () => time.now;
  const database = openDatabase(":memory:");
  return { store: createSqliteStore({ database, clock }), database, time, clock };
};
