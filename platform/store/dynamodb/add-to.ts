import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { awsCall } from "../../aws-call.ts";
import { TemporaryFault } from "../../temporary-fault.ts";
import { checkedAmounts, type Key, type Store } from "../store.ts";
import { counterName, type Item, keyOf, live, namesIn } from "./item.ts";

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
  /** This addition's own name, by which its retry is recognised. */
  readonly write: string;
};

/** How often an expired item is met that another caller begins anew at the same time. */
const attempts = 3;

/**
 * `add` of the store in DynamoDB. The item carries the id of the addition that was last, so that the client's retry
 * over a lost answer is recognised as one that took effect.
 */
export const addTo = ({ client, table, now, newId }: Needs): Store["add"] => {
  /** Nothing where the call took effect, otherwise the item for which it was refused. */
  const unless = async (call: () => Promise<unknown>): Promise<Item | undefined> => {
    try {
      await call();
      return undefined;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return error.Item ?? {};
    }
  };

  const addToLive = ({ key, amounts, expiresAt, write }: Addition) => {
    const added = amounts.map((_, index) => `#n${index} :n${index}`).join(", ");
    const update = `ADD #version :one, ${added} SET #write = :write${
      expiresAt === undefined ? " REMOVE #expiresAt" : ", #expiresAt = :expiresAt"
    }`;
    const condition = `(attribute_not_exists(#write) OR #write <> :write) AND ${live}`;
    const command = new UpdateItemCommand({
      TableName: table,
      Key: keyOf(key),
      UpdateExpression: update,
      ConditionExpression: condition,
      ExpressionAttributeNames: {
        ...namesIn(update, condition),
        ...Object.fromEntries(amounts.map(([name], index) => [`#n${index}`, counterName(name)])),
      },
      ExpressionAttributeValues: {
        ":one": { N: "1" },
        ":write": { S: write },
        ":now": now(),
        ...(expiresAt === undefined ? {} : { ":expiresAt": { N: String(expiresAt) } }),
        ...Object.fromEntries(amounts.map(([, amount], index) => [`:n${index}`, { N: String(amount) }])),
      },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    return unless(() => client.send(command));
  };

  const beginAnew = ({ key, amounts, expiresAt, write }: Addition) => {
    const condition = "#expiresAt < :now";
    const command = new PutItemCommand({
      TableName: table,
      Item: {
        ...keyOf(key),
        version: { N: "1" },
        write: { S: write },
        ...(expiresAt === undefined ? {} : { expiresAt: { N: String(expiresAt) } }),
        ...Object.fromEntries(amounts.map(([name, amount]) => [counterName(name), { N: String(amount) }])),
      },
      ConditionExpression: condition,
      ExpressionAttributeNames: namesIn(condition),
      ExpressionAttributeValues: { ":now": now() },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    return unless(() => client.send(command));
  };

  return async (key, amounts, { expiresAt } = {}) => {
    const addition = { key, amounts: Object.entries(checkedAmounts(amounts)), expiresAt, write: newId() };
    for (let attempt = 0; attempt < attempts; attempt += 1)
      for (const call of [addToLive, beginAnew]) {
        const found = await awsCall("DynamoDB addition", () => call(addition));
        if (found === undefined || found.write?.S === addition.write) return;
      }
    throw new TemporaryFault("A counter in DynamoDB expired while it was added to.");
  };
};
