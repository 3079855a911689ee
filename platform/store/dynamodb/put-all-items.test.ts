import { BatchWriteItemCommand, DynamoDBClient, type WriteRequest } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { putAllItems } from "./put-all-items.ts";

/** A throttled table: it processes `capacity` items of each call and returns the others as unprocessed. */
const createThrottledTable = (capacity: number) => {
  const client = new DynamoDBClient({ region: "eu-central-1" });
  const calls: number[] = [];
  const written: (string | undefined)[] = [];
  client.send = async (command: unknown) => {
    if (!(command instanceof BatchWriteItemCommand)) throw new TypeError("another call");
    const requests: WriteRequest[] = command.input.RequestItems?.table ?? [];
    calls.push(requests.length);
    written.push(...requests.slice(0, capacity).map(({ PutRequest }) => PutRequest?.Item?.sk?.S));
    return { UnprocessedItems: requests.length > capacity ? { table: requests.slice(capacity) } : {} };
  };
  const pauses: number[] = [];
  const pause = async (milliseconds: number) => void pauses.push(milliseconds);
  return { putAll: putAllItems({ client, table: "table", pause }), calls, written, pauses };
};
const items = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    key: { partition: "p", sort: String(index) },
    value: index,
  }));

test("only the unprocessed items are sent again, after a growing pause", async () => {
  const { putAll, calls, written, pauses } = createThrottledTable(9);
  await putAll(items(25));
  expect(calls).toEqual([25, 16, 7]);
  expect(pauses).toEqual([20, 60]);
  expect(written.toSorted()).toEqual(
    items(25)
      .map(({ key }) => key.sort)
      .toSorted(),
  );
});

test("a table that is throttled for all rounds ends as TemporaryFault", async () => {
  const { putAll, calls } = createThrottledTable(1);
  await expect(putAll(items(25))).rejects.toMatchObject({
    name: "TemporaryFault",
    message: "DynamoDB did not write 21 of 25 items of a batch.",
  });
  expect(calls).toEqual([25, 24, 23, 22]);
});

test("60 items take three calls", async () => {
  const { putAll, calls } = createThrottledTable(25);
  await putAll(items(60));
  expect(calls).toEqual([25, 25, 10]);
});
