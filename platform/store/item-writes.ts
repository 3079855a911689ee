import type { Database } from "./open-database.ts";
import type { Key } from "./store.ts";

/** True for the existing item of an upsert if it has not expired. */
const liveItemFilter = "(items.expires_at IS NULL OR items.expires_at * 1000 >= ?)";

/**
 * Prepares the writes that read nothing before: an unconditional put, an addition to counters, the removal of expired items. Several of them can share
 * a transaction, which the caller opens. `json` is valid JSON, `expiresAt` epoch seconds, `now` epoch milliseconds.
 */
export const prepareItemWrites = (database: Pick<Database, "prepare">) => {
  const overwrite = database.prepare(
    `INSERT INTO items (partition, sort, value, version, expires_at) VALUES (?, ?, ?, 1, ?)
     ON CONFLICT (partition, sort) DO UPDATE
     SET value = excluded.value, version = 1, expires_at = excluded.expires_at`,
  );
  const increase = database.prepare(
    `INSERT INTO items (partition, sort, value, version, expires_at) VALUES (?, ?, ?, 1, ?)
     ON CONFLICT (partition, sort) DO UPDATE SET
       (value, version) = (
         SELECT json_group_object(key, total), CASE WHEN ${liveItemFilter} THEN items.version + 1 ELSE 1 END FROM (
           SELECT key, sum(value) AS total FROM (
             SELECT key, value FROM json_each(items.value) WHERE ${liveItemFilter}
             UNION ALL SELECT key, value FROM json_each(excluded.value)
           ) GROUP BY key
         )
       ),
       expires_at = excluded.expires_at
     RETURNING value`,
  );
  // The bare column, so that the index finds the expired ones; a computed value would scan all items that ever expire.
  const sweep = database.prepare(
    "DELETE FROM items WHERE rowid IN (SELECT rowid FROM items WHERE expires_at < ? LIMIT ?)",
  );
  return {
    /** Deletes up to `limit` expired items. */
    sweep: (now: number, limit: number): void => {
      sweep.run(now / 1_000, limit);
    },
    /** Writes the item as version 1, whatever was there. */
    overwrite: ({ partition, sort }: Key, json: string, expiresAt: number | undefined): void => {
      overwrite.run(partition, sort, json, expiresAt ?? null);
    },
    /** Adds `json`, amounts by name, to the item's counters; returns all its counters as JSON. */
    increase: (
      { partition, sort }: Key,
      json: string,
      expiresAt: number | undefined,
      now: number,
    ): string => {
      const row = increase.get(partition, sort, json, expiresAt ?? null, now, now);
      return String(row?.value);
    },
  };
};
