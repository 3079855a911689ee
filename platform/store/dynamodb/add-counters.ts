import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { callAws } from "#platform/errors/call-aws.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { type Counters, type Key, type Store, validateAmounts } from "#platform/store/store.ts";
import { liveCondition, readCounters, selectAttributeNames, toCounterName, toItemKey } from "./item.ts";

type Needs = {
  readonly client: DynamoDBClient;
  readonly table: string;
  /** Epoch seconds as DynamoDB takes them. */
  readonly now: () => AttributeValue;
  readonly newId: () => string;
};
type Addition = {
  readonly key: Key;
  readonly amounts: readonly (readonly [name: string, amount: number])[];
  readonly expiresAt: number | undefined;
  /** The id by which a retry of this addition is recognised. */
  readonly write: string;
};

/** Attempts when another caller replaces the same expired item concurrently. */
const attempts = 3;

/**
 * The store's `add` in DynamoDB. The item stores the id of its last addition, so that a retry after a lost response is
 * recognised.
 */
export const addCounters = ({ client, table, now, newId }: Needs): Store["add"] => {
  /** The counters if the call, or an earlier attempt of it, took effect; otherwise undefined. */
  const ignoreFailedCondition = async (
    { write }: Addition,
    call: () => Promise<Counters>,
  ): Promise<Counters | undefined> => {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return error.Item?.write?.S === write ? readCounters(error.Item) : undefined;
    }
  };

  const addToLive = async ({ key, amounts, expiresAt, write }: Addition): Promise<Counters> => {
    const additions = amounts.map((_, index) => `#n${index} :n${index}`).join(", ");
    const update = `ADD #version :one, ${additions} SET #write = :write${
      expiresAt === undefined ? " REMOVE #expiresAt" : ", #expiresAt = :expiresAt"
    }`;
    const condition = `(attribute_not_exists(#write) OR #write <> :write) AND ${liveCondition}`;
    const command = new UpdateItemCommand({
      TableName: table,
      Key: toItemKey(key),
      UpdateExpression: update,
      ConditionExpression: condition,
      ExpressionAttributeNames: {
        ...selectAttributeNames(update, condition),
        ...Object.fromEntries(amounts.map(([name], index) => [`#n${index}`, toCounterName(name)])),
      },
      ExpressionAttributeValues: {
        ":one": { N: "1" },
        ":write": { S: write },
        ":now": now(),
        ...(expiresAt === undefined ? {} : { ":expiresAt": { N: String(expiresAt) } }),
        ...Object.fromEntries(amounts.map(([, amount], index) => [`:n${index}`, { N: String(amount) }])),
      },
      ReturnValues: "ALL_NEW",
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    return readCounters((await client.send(command)).Attributes ?? {});
  };

  const replaceExpired = async ({ key, amounts, expiresAt, write }: Addition): Promise<Counters> => {
    const condition = "#expiresAt < :now";
    const command = new PutItemCommand({
      TableName: table,
      Item: {
        ...toItemKey(key),
        version: { N: "1" },
        write: { S: write },
        ...(expiresAt === undefined ? {} : { expiresAt: { N: String(expiresAt) } }),
        ...Object.fromEntries(amounts.map(([name, amount]) => [toCounterName(name), { N: String(amount) }])),
      },
      ConditionExpression: condition,
      ExpressionAttributeNames: selectAttributeNames(condition),
      ExpressionAttributeValues: { ":now": now() },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    await client.send(command);
    return Object.fromEntries(amounts);
  };

  return async (key, amounts, { expiresAt } = {}) => {
    const addition = { key, amounts: Object.entries(validateAmounts(amounts)), expiresAt, write: newId() };
    for (let attempt = 0; attempt < attempts; attempt += 1)
      for (const call of [addToLive, replaceExpired]) {
        const counters = await callAws("DynamoDB addition", () =>
          ignoreFailedCondition(addition, () => call(addition)),
        );
        if (counters !== undefined) return counters;
      }
    throw new TemporaryFault("A counter in DynamoDB expired during an addition.");
  };
};
