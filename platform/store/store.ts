import { SlipwayError } from "#platform/errors/slipway-error.ts";

/** A JSON document. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The items of a partition are ordered by `sort` (UTF-8 byte order). */
export type Key = { readonly partition: string; readonly sort: string };

/** An item; `version` is the number of its writes, which a conditional write expects. */
export type StoredItem = { readonly key: Key; readonly value: Json; readonly version: number };

export type WriteResult =
  | { readonly written: true; readonly version: number }
  /** The condition was false; `found` is the existing item (undefined: none). */
  | { readonly written: false; readonly found: StoredItem | undefined };

export type PutOptions = {
  /** Write only if there is no item (`"absent"`) or if it has this version. Undefined: always. */
  readonly expect?: "absent" | number;
  /** Epoch seconds after which the item no longer exists: reads omit it at once, its bytes are deleted later. */
  readonly expiresAt?: number;
  /**
   * The item never has and never had `expiresAt`. The request to DynamoDB does not name the attribute, so that IAM can
   * forbid a writer to set it and so to remove the item.
   */
  readonly permanent?: true;
  /**
   * Other items that are written in the same transaction: all are written or none. Only with `expect`, and at most 10.
   * They are written unconditionally and never expire; a key that is already there gets the new value.
   */
  readonly also?: readonly { readonly key: Key; readonly value: Json }[];
};

export type PageQuery = {
  readonly partition: string;
  readonly order: "ascending" | "descending";
  /** At most this many items, 1 to 1,000. */
  readonly limit: number;
  /** Only items whose sort key starts with this. */
  readonly prefix?: string;
  /** The previous page's `cursor`, or `encodeCursor` of any sort key. */
  readonly after?: string;
};

/** The counters of one item, by name. */
export type Counters = Readonly<Record<string, number>>;

/** One item of `putAll`; `json` is its value if that is encoded already, and is stored as it is. */
export type Entry = {
  readonly key: Key;
  /** As in PutOptions. */
  readonly expiresAt?: number;
} & ({ readonly value: Json } | { readonly json: string });

/** An addition to the counters of one item, as `add` makes it. */
export type CounterAddition = {
  readonly key: Key;
  readonly amounts: Readonly<Record<string, number>>;
  /** As in PutOptions. */
  readonly expiresAt?: number;
};

/** Items and counters that belong together. It is plain JSON, so it can be sent to another process. */
export type WriteBatch = {
  readonly entries: readonly Entry[];
  readonly additions: readonly CounterAddition[];
};

export type Page = { readonly items: readonly StoredItem[]; readonly cursor?: string };

/**
 * Small documents with conditional writes, the base of claims, ledger and approvals. Reads are strongly consistent.
 * An item holds at most 350 KB of JSON (DynamoDB's limit is 400 KB): a larger one is ItemTooLarge and belongs in
 * `blobs`.
 */
export interface Store {
  get(key: Key): Promise<StoredItem | undefined>;
  put(key: Key, value: Json, options?: PutOptions): Promise<WriteResult>;
  /** Removes the item, with `expect` only this version of it; returns whether it was removed. */
  remove(key: Key, options?: { readonly expect?: number }): Promise<boolean>;
  page(query: PageQuery): Promise<Page>;
  /**
   * Writes up to 1,000 items unconditionally with few calls: on DynamoDB concurrent calls of 25 items, on SQLite one
   * transaction. Each item then has version 1, so do not use these keys for conditional writes. The last entry of a
   * key counts. Idempotent; after an error, some items may be written. An item that is too large is refused before
   * any write.
   */
  putAll(entries: readonly Entry[]): Promise<void>;
  /**
   * Adds whole numbers to the counters of one item atomically; a missing counter starts at 0. Returns all counters of
   * the item after this addition, so that concurrent callers get different numbers. Reads return the item as
   * `{ name: number }`, with the number of additions as its version. At most 100 names. `expiresAt` as in PutOptions.
   * Do not use one key for both counters and documents.
   *
   * A retry after a lost response adds nothing if the item's last addition is its own. Only if another writer added in
   * between does it count twice: a counter may be too high, never too low.
   */
  add(
    key: Key,
    amounts: Readonly<Record<string, number>>,
    options?: { readonly expiresAt?: number },
  ): Promise<Counters>;
}

export class ItemTooLarge extends SlipwayError {
  override readonly name = "ItemTooLarge";
  override readonly retryable = false;
}

/** The partition of events that are not published yet: on AWS a write there starts the function publish-events. */
export const outboxPartition = "outbox";

/** The largest size of an item's JSON. */
export const itemLimitBytes = 350_000;

/** Returns an item's JSON unchanged; throws ItemTooLarge. */
export const limitItemSize = (key: Key, json: string): string => {
  // A UTF-16 unit takes at most three bytes of UTF-8, so most items need no exact count.
  if (json.length * 3 > itemLimitBytes && Buffer.byteLength(json) > itemLimitBytes) {
    throw new ItemTooLarge(
      `${key.partition} ${key.sort} has ${Buffer.byteLength(json)} bytes of JSON (limit ${itemLimitBytes}): store it in blobs.`,
    );
  }
  return json;
};

/** An entry's JSON; throws ItemTooLarge. */
export const encodeEntry = (entry: Entry): string =>
  limitItemSize(entry.key, "json" in entry ? entry.json : JSON.stringify(entry.value));

/** The cursor of a page that starts after the sort key, in either order. */
export const encodeCursor = (sort: string): string => Buffer.from(sort, "utf8").toString("base64url");

/** The sort key of a cursor. */
export const decodeCursor = (cursor: string): string => Buffer.from(cursor, "base64url").toString("utf8");

/**
 * The pages of a partition, one after the other: each is read only when the one before it is used up, so that a caller who
 * has enough stops reading.
 */
export async function* readPages(
  store: Pick<Store, "page">,
  query: PageQuery,
): AsyncGenerator<readonly StoredItem[], void, undefined> {
  for (let { after } = query; ; ) {
    const page = await store.page({ ...query, ...(after ? { after } : {}) });
    yield page.items;
    if (!page.cursor) return;
    after = page.cursor;
  }
}

/** Keeps the last entry of each key; throws RangeError for more than 1,000 entries. */
export const removeDuplicateEntries = (entries: readonly Entry[]): readonly Entry[] => {
  if (entries.length > 1_000) throw new RangeError(`putAll got ${entries.length} items (limit 1,000).`);
  return [...new Map(entries.map((entry) => [`${entry.key.partition}\0${entry.key.sort}`, entry])).values()];
};

/** Throws TypeError where `also` has no condition, and RangeError for more than 10 items. */
export const validateAlso = ({ expect, also = [] }: PutOptions): NonNullable<PutOptions["also"]> => {
  if (also.length > 0 && expect === undefined)
    throw new TypeError("put with `also` needs `expect`: without a condition a retry would write twice.");
  if (also.length > 10) throw new RangeError(`put got ${also.length} other items (limit 10).`);
  return also;
};

/** Throws RangeError for an amount that is not a whole number. */
export const assertWholeNumbers = (amounts: Readonly<Record<string, number>>): void => {
  for (const [name, amount] of Object.entries(amounts))
    if (!Number.isSafeInteger(amount))
      throw new RangeError(`The amount of counter ${name} is not a whole number.`);
};

/** Returns valid amounts unchanged; throws RangeError otherwise. */
export const validateAmounts = (
  amounts: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> => {
  const { length } = Object.keys(amounts);
  if (length < 1 || length > 100) throw new RangeError(`add got ${length} counters (1 to 100).`);
  assertWholeNumbers(amounts);
  return amounts;
};
