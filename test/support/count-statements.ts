import type { Database } from "#platform/store/open-database.ts";

export type StatementCounts = {
  /** How many statements were compiled. */
  readonly prepared: number;
  /** How often a compiled statement ran. */
  readonly statements: number;
  /** How many transactions ran: each is one write lock and one commit. */
  readonly commits: number;
};

/**
 * A database that counts its statements and commits. The counts of a call are the same on every machine, busy or not;
 * the benchmarks measure its time.
 */
export const countStatements = (
  database: Database,
): { readonly database: Database; readonly counts: () => StatementCounts } => {
  let [prepared, statements, commits] = [0, 0, 0];
  const counted = <T>(run: () => T): T => {
    statements += 1;
    return run();
  };
  return {
    counts: () => ({ prepared, statements, commits }),
    database: {
      ...database,
      prepare: (sql) => {
        prepared += 1;
        const statement = database.prepare(sql);
        return {
          get: (...values) => counted(() => statement.get(...values)),
          all: (...values) => counted(() => statement.all(...values)),
          run: (...values) => counted(() => statement.run(...values)),
        };
      },
      write: (work) => {
        commits += 1;
        return database.write(work);
      },
    },
  };
};
