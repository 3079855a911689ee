import { createDatabaseDamagedError } from "#platform/errors/data-folder-unusable.ts";
import { escapeControls } from "#untrusted/escape-controls.ts";
import { parseJson } from "#untrusted/parse-json.ts";
import { prepareItemWrites } from "./item-writes.ts";
import type { Database, DatabaseRow } from "./open-database.ts";
import {
  type Counters,
  decodeCursor,
  encodeCursor,
  encodeEntry,
  type Json,
  type Key,
  limitItemSize,
  type Page,
  type PageQuery,
  removeDuplicateEntries,
  type Store,
  type StoredItem,
  validateAlso,
  validateAmounts,
} from "./store.ts";
import { createWriteBatcher } from "./write-batcher.ts";

/** The number of writes between two deletions of expired items. */
const sweepEvery = 500;
const sweptAtOnce = 200;

const liveFilter = "(expires_at IS NULL OR expires_at * 1000 >= ?)";

const parseValue = (database: Pick<Database, "path">, key: Key, json: unknown) => {
  try {
    return parseJson(String(json));
  } catch {
    // Every value was written as JSON, so the file has been damaged.
    throw createDatabaseDamagedError(
      database.path,
      `the item ${escapeControls(key.partition)} is not valid JSON`,
    );
  }
};

const serializeValue = (key: Key, value: Json): string => limitItemSize(key, JSON.stringify(value));

/** The lowest string above every string that starts with `prefix`; undefined if there is none. */
const findUpperBound = (prefix: string): string | undefined => {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    // UTF-8 keeps the order of code points; surrogates are not code points.
    if (last < 0x10ffff) return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
  }
  return undefined;
};

/** A store in the embedded world's database; `clock` (epoch milliseconds) decides which items have expired. */
export const createSqliteStore = (needs: {
  readonly database: Database;
  readonly clock: () => number;
}): Store => {
  const { database, clock } = needs;
  const upsert = (condition: string) =>
    database.prepare(
      `INSERT INTO items (partition, sort, value, version, expires_at) VALUES (?, ?, ?, 1, ?)
       ON CONFLICT (partition, sort) DO UPDATE
       SET value = excluded.value, version = items.version + 1, expires_at = excluded.expires_at
       ${condition} RETURNING version`,
    );
  const select = database.prepare(
    `SELECT sort, value, version FROM items WHERE partition = ? AND sort = ? AND ${liveFilter}`,
  );
  const write = upsert("");
  // An expired item counts as absent. Its version continues, so that no old version matches the new item.
  const create = upsert("WHERE items.expires_at * 1000 < ?");
  const itemWrites = prepareItemWrites(database);
  const replace = database.prepare(
    `UPDATE items SET value = ?, version = version + 1, expires_at = ?
     WHERE partition = ? AND sort = ? AND version = ? AND ${liveFilter} RETURNING version`,
  );
  const erase = database.prepare(`DELETE FROM items WHERE partition = ? AND sort = ? AND ${liveFilter}`);
  const eraseVersion = database.prepare(
    `DELETE FROM items WHERE partition = ? AND sort = ? AND ${liveFilter} AND version = ?`,
  );
  const range = (direction: "ASC" | "DESC") =>
    database.prepare(
      `SELECT sort, value, version FROM items
       WHERE partition = ? AND sort >= ? AND sort < ? AND ${liveFilter} ORDER BY sort ${direction} LIMIT ?`,
    );
  const pages = { ascending: range("ASC"), descending: range("DESC") };

  const toStoredItem = (partition: string, row: DatabaseRow): StoredItem => {
    const key = { partition, sort: String(row.sort) };
    const value: Json = parseValue(database, key, row.value);
    return { key, value, version: Number(row.version) };
  };

  const find = ({ partition, sort }: Key): StoredItem | undefined => {
    const row = select.get(partition, sort, clock());
    return row === undefined ? undefined : toStoredItem(partition, row);
  };

  // Only for writes without a preceding read (prediction records): they can share a transaction.
  const batchWrite = createWriteBatcher(database);

  let writes = 0;
  const sweepNowAndThen = (): void => {
    writes += 1;
    if (writes % sweepEvery === 0) itemWrites.sweep(clock(), sweptAtOnce);
  };

  return {
    get: async (key) => find(key),

    put: async (key, value, options = {}) => {
      const json = serializeValue(key, value);
      const { expect, expiresAt = null } = options;
      const others = validateAlso(options).map(
        (other) => [other.key.partition, other.key.sort, serializeValue(other.key, other.value)] as const,
      );
      sweepNowAndThen();
      const { partition, sort } = key;
      if (expect === undefined) {
        return { written: true, version: Number(write.get(partition, sort, json, expiresAt)?.version) };
      }
      // One transaction, so that a refusal returns the item that caused it.
      return database.write(() => {
        const row =
          expect === "absent"
            ? create.get(partition, sort, json, expiresAt, clock())
            : replace.get(json, expiresAt, partition, sort, expect, clock());
        if (row === undefined) return { written: false, found: find(key) };
        for (const other of others) write.get(...other, null);
        return { written: true, version: Number(row.version) };
      });
    },

    remove: async ({ partition, sort }, { expect } = {}) =>
      (expect === undefined
        ? erase.run(partition, sort, clock())
        : eraseVersion.run(partition, sort, clock(), expect)) > 0,

    putAll: async (entries) => {
      const items = removeDuplicateEntries(entries).map((entry) => ({ ...entry, json: encodeEntry(entry) }));
      sweepNowAndThen();
      await batchWrite(() => {
        for (const { key, json, expiresAt } of items) itemWrites.overwrite(key, json, expiresAt);
      });
    },

    add: async (key, amounts, { expiresAt } = {}) => {
      const json = JSON.stringify(validateAmounts(amounts));
      sweepNowAndThen();
      const now = clock();
      const total = await batchWrite(() => itemWrites.increase(key, json, expiresAt, now));
      const counters: Counters = parseJson(total);
      return counters;
    },

    page: async (query: PageQuery): Promise<Page> => {
      const { partition, order, limit, prefix = "", after } = query;
      if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) {
        throw new RangeError(`invalid page limit ${limit} (1 to 1,000)`);
      }
      const cursor = after === undefined ? undefined : decodeCursor(after);
      // The lowest string above a string is the string plus NUL; SQLite sorts every BLOB above every TEXT.
      const from = order === "ascending" && cursor !== undefined ? `${cursor}\u0000` : prefix;
      const to = (order === "descending" ? cursor : undefined) ?? findUpperBound(prefix) ?? new Uint8Array(0);
      const rows = pages[order].all(partition, from, to, clock(), limit + 1);
      const items = rows.slice(0, limit).map((row) => toStoredItem(partition, row));
      const last = items.at(-1);
      return rows.length <= limit || last === undefined
        ? { items }
        : { items, cursor: encodeCursor(last.key.sort) };
    },
  };
};
