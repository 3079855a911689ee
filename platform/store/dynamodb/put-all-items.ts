import { BatchWriteItemCommand, type DynamoDBClient, type WriteRequest } from "@aws-sdk/client-dynamodb";
import { callAws } from "#platform/errors/call-aws.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { type Entry, encodeEntry, removeDuplicateEntries, type Store } from "#platform/store/store.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { toItemKey } from "./item.ts";

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html */
const batchSize = 25;
/** Pauses before each round that sends the unprocessed items again. */
const pausesMs = [20, 60, 180];

type Needs = {
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly pause: (milliseconds: number) => Promise<unknown>;
};

const toWriteRequest = (entry: Entry): WriteRequest => ({
  PutRequest: {
    Item: {
      ...toItemKey(entry.key),
      value: { S: encodeEntry(entry) },
      version: { N: "1" },
      ...(entry.expiresAt === undefined ? {} : { expiresAt: { N: String(entry.expiresAt) } }),
    },
  },
});

/** The store's `putAll` in DynamoDB. A batch that is incomplete after four rounds ends as TemporaryFault. */
export const putAllItems = ({ client, table, pause }: Needs): Store["putAll"] => {
  const write = async (batch: readonly WriteRequest[]): Promise<void> => {
    let unprocessed = [...batch];
    for (const wait of [0, ...pausesMs]) {
      if (wait > 0) await pause(wait);
      const { UnprocessedItems } = await callAws("DynamoDB BatchWriteItem", () =>
        client.send(new BatchWriteItemCommand({ RequestItems: { [table]: unprocessed } })),
      );
      unprocessed = (UnprocessedItems && getOwnProperty(UnprocessedItems, table)) ?? [];
      if (unprocessed.length === 0) return;
    }
    throw new TemporaryFault(
      `DynamoDB did not write ${unprocessed.length} of ${batch.length} items of a batch.`,
    );
  };

  return async (entries) => {
    const requests = removeDuplicateEntries(entries).map(toWriteRequest);
    const starts = Array.from({ length: Math.ceil(requests.length / batchSize) }, (_, i) => i * batchSize);
    await Promise.all(starts.map((from) => write(requests.slice(from, from + batchSize))));
  };
};
