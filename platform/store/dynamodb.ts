import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  type QueryCommandOutput,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { callAws } from "#platform/errors/call-aws.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { addCounters } from "./dynamodb/add-counters.ts";
import {
  encodeValue,
  type Item,
  liveCondition,
  selectAttributeNames,
  toItemKey,
  toStoredItem,
} from "./dynamodb/item.ts";
import { putAllItems } from "./dynamodb/put-all-items.ts";
import {
  decodeCursor,
  encodeCursor,
  type Json,
  type Key,
  type Page,
  type PageQuery,
  type PutOptions,
  type Store,
  type StoredItem,
  validateAlso,
  type WriteResult,
} from "./store.ts";

/**
 * Pauses before a write is tried again that met a transaction on the same item: nothing was written, and two people may
 * click at the same moment.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
 */
const conflictPausesMs = [20, 60, 180, 400];
const isConflict = (error: unknown): boolean => {
  const cause = error instanceof TemporaryFault ? error.cause : undefined;
  if (cause instanceof TransactionCanceledException)
    return (cause.CancellationReasons ?? []).some(({ Code }) => Code === "TransactionConflict");
  return cause instanceof Error && cause.name === "TransactionConflictException";
};

/**
 * A store in one DynamoDB table with the string keys `pk` and `sk` and the TTL attribute `expiresAt`. `clock` (epoch
 * milliseconds) decides which items have expired: DynamoDB deletes them hours or days later.
 *
 * A retry after a lost response has no second effect. Each write stores its own id (`newId`), by which its retry is
 * recognised. Removals are transactions with a token, and DynamoDB repeats the result of a token for ten minutes. Only
 * if another write came in between does the retry report a failed condition, which is then true.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
 */
export const createDynamoDbStore = (needs: {
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly clock: () => number;
  readonly newId?: () => string;
  /** Waits before the unprocessed items of a batch are sent again. */
  readonly pause?: (milliseconds: number) => Promise<unknown>;
}): Store => {
  const { client, table, clock } = needs;
  const newId = needs.newId ?? randomUUID;
  const pause = needs.pause ?? setTimeout;
  const now = (): AttributeValue => ({ N: String(clock() / 1_000) });
  const isLive = (item: Item): boolean =>
    item.expiresAt?.N === undefined || Number(item.expiresAt.N) * 1_000 >= clock();
  const toLiveItem = (item: Item | undefined): StoredItem | undefined =>
    item !== undefined && isLive(item) ? toStoredItem(item) : undefined;

  const readCommand = (key: Key) =>
    new GetItemCommand({ TableName: table, Key: toItemKey(key), ConsistentRead: true });

  const createCondition = ({ expect, permanent }: PutOptions): string => {
    if (expect === undefined) return "(attribute_not_exists(#write) OR #write <> :write)";
    if (permanent) return expect === "absent" ? "attribute_not_exists(#pk)" : "#version = :expect";
    return expect === "absent"
      ? "(attribute_not_exists(#pk) OR #expiresAt < :now)"
      : `#version = :expect AND ${liveCondition}`;
  };

  /** The update of a put, without what only a single write returns. */
  const createUpdate = (key: Key, value: Json, options: PutOptions, write: string) => {
    const { expect, expiresAt, permanent } = options;
    if (permanent && expiresAt !== undefined) throw new TypeError("a permanent item cannot have expiresAt");
    const setExpression =
      "SET #value = :value, #version = if_not_exists(#version, :zero) + :one, #write = :write";
    const withoutExpiry = permanent ? setExpression : `${setExpression} REMOVE #expiresAt`;
    const update = expiresAt === undefined ? withoutExpiry : `${setExpression}, #expiresAt = :expiresAt`;
    const condition = createCondition(options);
    return {
      TableName: table,
      Key: toItemKey(key),
      UpdateExpression: update,
      ConditionExpression: condition,
      ExpressionAttributeNames: selectAttributeNames(update, condition),
      ExpressionAttributeValues: {
        ":value": { S: encodeValue(key, value) },
        ":zero": { N: "0" },
        ":one": { N: "1" },
        ":write": { S: write },
        ...(expiresAt === undefined ? {} : { ":expiresAt": { N: String(expiresAt) } }),
        ...(condition.includes(":now") ? { ":now": now() } : {}),
        ...(typeof expect === "number" ? { ":expect": { N: String(expect) } } : {}),
      },
    };
  };

  const put = async (key: Key, value: Json, options: PutOptions): Promise<WriteResult> => {
    const also = validateAlso(options);
    if (also.length > 0) return putTogether(key, value, options, also);
    const write = newId();
    const update = createUpdate(key, value, options, write);
    try {
      const { Attributes } = await client.send(
        new UpdateItemCommand({
          ...update,
          ReturnValues: "UPDATED_NEW",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        }),
      );
      return { written: true, version: Number(Attributes?.version?.N) };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      const existing = error.Item;
      // This write already took effect, and its first response was lost.
      if (existing?.write?.S === write) return { written: true, version: Number(existing.version?.N) };
      return { written: false, found: toLiveItem(existing) };
    }
  };

  /**
   * A put with other items in one transaction. DynamoDB repeats the result of a transaction's token, and the item shows
   * by its write id whether a write whose response was lost took effect.
   */
  const putTogether = async (
    key: Key,
    value: Json,
    options: PutOptions,
    also: NonNullable<PutOptions["also"]>,
  ): Promise<WriteResult> => {
    const write = newId();
    const command = new TransactWriteItemsCommand({
      ClientRequestToken: newId(),
      TransactItems: [
        { Update: createUpdate(key, value, options, write) },
        ...also.map((other) => ({ Update: createUpdate(other.key, other.value, {}, newId()) })),
      ],
    });
    try {
      await client.send(command);
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const codes = (error.CancellationReasons ?? []).map(({ Code }) => Code);
      if (codes[0] !== "ConditionalCheckFailed")
        throw new TemporaryFault(`DynamoDB cancelled a transaction: ${codes.join(", ")}`, { cause: error });
      const { Item: existing } = await client.send(readCommand(key));
      return existing?.write?.S === write
        ? { written: true, version: Number(existing.version?.N) }
        : { written: false, found: toLiveItem(existing) };
    }
    if (typeof options.expect === "number") return { written: true, version: options.expect + 1 };
    // A transaction returns no attributes. If another write came since, no condition may match this one's version.
    const { Item: written } = await client.send(readCommand(key));
    return { written: true, version: written?.write?.S === write ? Number(written.version?.N) : 0 };
  };

  const remove = async (key: Key, expect: number | undefined): Promise<boolean> => {
    const condition = `attribute_exists(#pk) AND ${liveCondition}${expect === undefined ? "" : " AND #version = :expect"}`;
    try {
      await client.send(
        new TransactWriteItemsCommand({
          ClientRequestToken: newId(),
          TransactItems: [
            {
              Delete: {
                TableName: table,
                Key: toItemKey(key),
                ConditionExpression: condition,
                ExpressionAttributeNames: selectAttributeNames(condition),
                ExpressionAttributeValues: {
                  ":now": now(),
                  ...(expect === undefined ? {} : { ":expect": { N: String(expect) } }),
                },
              },
            },
          ],
        }),
      );
      return true;
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const codes = (error.CancellationReasons ?? []).map(({ Code }) => Code);
      if (codes.includes("ConditionalCheckFailed")) return false;
      // A concurrent write or throttling cancelled it: nothing was removed.
      throw new TemporaryFault(`DynamoDB cancelled a removal: ${codes.join(", ")}`, { cause: error });
    }
  };

  const query = (
    { partition, order, prefix = "" }: PageQuery,
    limit: number,
    start: Item | undefined,
  ): Promise<QueryCommandOutput> =>
    client.send(
      new QueryCommand({
        TableName: table,
        ConsistentRead: true,
        ScanIndexForward: order === "ascending",
        Limit: limit,
        KeyConditionExpression: `pk = :pk${prefix === "" ? "" : " AND begins_with(sk, :prefix)"}`,
        FilterExpression: liveCondition,
        ExpressionAttributeNames: selectAttributeNames(liveCondition),
        ExpressionAttributeValues: {
          ":pk": { S: partition },
          ":now": now(),
          ...(prefix === "" ? {} : { ":prefix": { S: prefix } }),
        },
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      }),
    );

  return {
    get: (key) =>
      callAws("DynamoDB GetItem", async () => {
        const { Item } = await client.send(readCommand(key));
        return toLiveItem(Item);
      }),

    put: async (key, value, options = {}) => {
      for (const wait of [...conflictPausesMs, undefined])
        try {
          return await callAws(
            options.also?.length ? "DynamoDB TransactWriteItems" : "DynamoDB UpdateItem",
            () => put(key, value, options),
          );
        } catch (error) {
          if (wait === undefined || !isConflict(error)) throw error;
          await pause(wait);
        }
      throw new Error("the last attempt returns or throws");
    },

    remove: (key, { expect } = {}) => callAws("DynamoDB TransactWriteItems", () => remove(key, expect)),

    putAll: putAllItems({ client, table, pause }),
    add: addCounters({ client, table, now, newId }),

    page: async (pageQuery): Promise<Page> => {
      const { partition, limit, after } = pageQuery;
      if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
        throw new RangeError(`invalid page limit ${limit} (1 to 1,000)`);
      const items: StoredItem[] = [];
      let start: Item | undefined =
        after === undefined ? undefined : toItemKey({ partition, sort: decodeCursor(after) });
      // DynamoDB applies Limit before the filter and cuts responses at 1 MB, so only a missing LastEvaluatedKey is the
      // end. One item more than the limit shows whether there is a next page.
      do {
        const remaining = limit + 1 - items.length;
        const response = await callAws("DynamoDB Query", () =>
          query(pageQuery, Math.max(remaining, 25), start),
        );
        items.push(...(response.Items ?? []).map(toStoredItem));
        start = response.LastEvaluatedKey;
      } while (start !== undefined && items.length <= limit);
      const pageItems = items.slice(0, limit);
      const last = pageItems.at(-1);
      return items.length <= limit || last === undefined
        ? { items: pageItems }
        : { items: pageItems, cursor: encodeCursor(last.key.sort) };
    },
  };
};
