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
  type WriteResult,
} from "./store.ts";

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

  const createCondition = ({ expect, permanent }: PutOptions): string => {
    if (expect === undefined) return "(attribute_not_exists(#write) OR #write <> :write)";
    if (permanent) return expect === "absent" ? "attribute_not_exists(#pk)" : "#version = :expect";
    return expect === "absent"
      ? "(attribute_not_exists(#pk) OR #expiresAt < :now)"
      : `#version = :expect AND ${liveCondition}`;
  };

  const put = async (key: Key, value: Json, options: PutOptions): Promise<WriteResult> => {
    const { expect, expiresAt, permanent } = options;
    if (permanent && expiresAt !== undefined) throw new TypeError("a permanent item cannot have expiresAt");
    const json = encodeValue(key, value);
    const write = newId();
    const setExpression =
      "SET #value = :value, #version = if_not_exists(#version, :zero) + :one, #write = :write";
    const withoutExpiry = permanent ? setExpression : `${setExpression} REMOVE #expiresAt`;
    const update = expiresAt === undefined ? withoutExpiry : `${setExpression}, #expiresAt = :expiresAt`;
    const condition = createCondition(options);
    try {
      const { Attributes } = await client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: toItemKey(key),
          UpdateExpression: update,
          ConditionExpression: condition,
          ExpressionAttributeNames: selectAttributeNames(update, condition),
          ExpressionAttributeValues: {
            ":value": { S: json },
            ":zero": { N: "0" },
            ":one": { N: "1" },
            ":write": { S: write },
            ...(expiresAt === undefined ? {} : { ":expiresAt": { N: String(expiresAt) } }),
            ...(condition.includes(":now") ? { ":now": now() } : {}),
            ...(typeof expect === "number" ? { ":expect": { N: String(expect) } } : {}),
          },
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
        const { Item } = await client.send(
          new GetItemCommand({ TableName: table, Key: toItemKey(key), ConsistentRead: true }),
        );
        return toLiveItem(Item);
      }),

    put: (key, value, options = {}) => callAws("DynamoDB UpdateItem", () => put(key, value, options)),

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
