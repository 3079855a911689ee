import { SlipwayError } from "#platform/errors/slipway-error.ts";

/** A JSON document. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Where an item lies: items of one partition are ordered by `sort` (UTF-8 byte order). */
export type Key = { readonly partition: string; readonly sort: string };

/** An item with the number of times it has been written; a conditional write names that number. */
export type StoredItem = { readonly key: Key; readonly value: Json; readonly version: number };

export type WriteResult =
  | { readonly written: true; readonly version: number }
  /** The condition did not hold; `found` is what stands there (undefined: nothing does). */
  | { readonly written: false; readonly found: StoredItem | undefined };

export type PutOptions = {
  /** Write only where nothing stands (`"absent"`) or where exactly this version stands. Absent: always. */
  readonly expect?: "absent" | number;
  /** Epoch seconds after which the item is gone: reads stop showing it at once, its bytes go later. */
  readonly expiresAt?: number;
  /**
   * The item never has such a time, nor had one: the request to DynamoDB names none, so that IAM can keep its writer from
   * setting one and hiding what is kept.
   */
  readonly permanent?: true;
};

export type PageQuery = {
  readonly partition: string;
  readonly order: "ascending" | "descending";
  /** At most this many items, 1 to 1,000. */
  readonly limit: number;
  /** Only items whose sort key starts with this. */
  readonly prefix?: string;
  /** The `cursor` of the page before, or `encodeCursor` a sort key, whether or not an item has it. */
  readonly after?: string;
};

/** The counters of one item, by their names. */
export type Counters = Readonly<Record<string, number>>;

/** One item of `putAll`. */
export type Entry = {
  readonly key: Key;
  readonly value: Json;
  /** As in PutOptions. */
  readonly expiresAt?: number;
};

export type Page = { readonly items: readonly StoredItem[]; readonly cursor?: string };

/**
 * Small documents under conditional writes: what claims, the ledger and approvals stand on.
 * Reads see every write that was answered before them. One item holds at most 350 KB of JSON
 * (DynamoDB's limit is 400 KB): larger ones are refused with ItemTooLarge and belong in `blobs`.
 */
export interface Store {
  get(key: Key): Promise<StoredItem | undefined>;
  put(key: Key, value: Json, options?: PutOptions): Promise<WriteResult>;
  /** Removes the item, or with `expect` only that version of it; whether it was removed. */
  remove(key: Key, options?: { readonly expect?: number }): Promise<boolean>;
  page(query: PageQuery): Promise<Page>;
  /**
   * Writes up to 1,000 items whatever stands there, in as few calls as the store has: 25 a call and all calls at
   * once on DynamoDB, one transaction on SQLite. Each item then has version 1, so these are no keys for conditional
   * writes. Where one key comes twice its last entry counts. The same entries again leave the same items; after a
   * fault some may be written and others not. One that is too large is refused before any is written.
   */
  putAll(entries: readonly Entry[]): Promise<void>;
  /**
   * Adds whole numbers to the counters of one item, whoever else adds at the same time; a counter that is not there
   * begins at 0. Gives all counters of the item as this addition left them, so that of many who add at once each gets
   * numbers of its own. Reads show the item as `{ name: number }`, with the number of additions as its version. At most 100
   * names. `expiresAt` as in PutOptions. A key holds counters or a document, never first one and then the other.
   *
   * A retry over a lost answer adds nothing a second time where it finds its own addition as the item's last. Only
   * where another writer has added in between does it count twice: a counter may say too much, never too little.
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

/** The most bytes of JSON that one item may hold. */
export const itemLimitBytes = 350_000;

/** Where a page begins that goes on behind the sort key, in either order. */
export const encodeCursor = (sort: string): string => Buffer.from(sort, "utf8").toString("base64url");

/** The sort key that a cursor stands for. */
export const decodeCursor = (cursor: string): string => Buffer.from(cursor, "base64url").toString("utf8");

/** The entries of which each key is written, the last of each; throws RangeError where there are too many. */
export const removeDuplicateEntries = (entries: readonly Entry[]): readonly Entry[] => {
  if (entries.length > 1_000) throw new RangeError(`putAll takes 1,000 items, not ${entries.length}.`);
  return [...new Map(entries.map((entry) => [`${entry.key.partition}\0${entry.key.sort}`, entry])).values()];
};

/** The amounts as they were given; throws RangeError for what no counter can be added. */
export const validateAmounts = (
  amounts: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> => {
  const counters = Object.entries(amounts);
  if (counters.length < 1 || counters.length > 100)
    throw new RangeError(`add takes 1 to 100 counters, not ${counters.length}.`);
  for (const [name, amount] of counters)
    if (!Number.isSafeInteger(amount)) throw new RangeError(`${name} is added no whole number.`);
  return amounts;
};
