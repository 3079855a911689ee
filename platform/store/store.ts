/** A JSON document. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Where an item lies: items of one partition are ordered by `sort` (UTF-8 byte order). */
export type Key = { readonly partition: string; readonly sort: string };

/** An item with the number of times it has been written; a conditional write names that number. */
export type Stored = { readonly key: Key; readonly value: Json; readonly version: number };

export type Written =
  | { readonly written: true; readonly version: number }
  /** The condition did not hold; `found` is what stands there (undefined: nothing does). */
  | { readonly written: false; readonly found: Stored | undefined };

export type PutOptions = {
  /** Write only where nothing stands (`"absent"`) or where exactly this version stands. Absent: always. */
  readonly expect?: "absent" | number;
  /** Epoch seconds after which the item is gone: reads stop showing it at once, its bytes go later. */
  readonly expiresAt?: number;
};

export type PageQuery = {
  readonly partition: string;
  readonly order: "ascending" | "descending";
  /** At most this many items, 1 to 1,000. */
  readonly limit: number;
  /** Only items whose sort key starts with this. */
  readonly prefix?: string;
  /** The `cursor` of the page before. */
  readonly after?: string;
};

export type Page = { readonly items: readonly Stored[]; readonly cursor?: string };

/**
 * Small documents under conditional writes: what claims, the ledger and approvals stand on.
 * Reads see every write that was answered before them. One item holds at most 350 KB of JSON
 * (DynamoDB's limit is 400 KB): larger ones are refused with ItemTooLarge and belong in `blobs`.
 */
export interface Store {
  get(key: Key): Promise<Stored | undefined>;
  put(key: Key, value: Json, options?: PutOptions): Promise<Written>;
  /** Removes the item, or with `expect` only that version of it; whether it was removed. */
  remove(key: Key, options?: { readonly expect?: number }): Promise<boolean>;
  page(query: PageQuery): Promise<Page>;
}

export class ItemTooLarge extends Error {
  override readonly name = "ItemTooLarge";
}

/** The most bytes of JSON that one item may hold. */
export const itemLimitBytes = 350_000;
