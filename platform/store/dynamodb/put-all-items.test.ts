import { BatchWriteItemCommand, DynamoDBClient, type WriteRequest } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { putAllItems } from "./put-all-items.ts";

/** A table that takes `taken` items of each call and leaves the others undone, as a throttled one does. */
const throttledTable = (taken: number) => {
  const client = new DynamoDBClient({ region: "eu-central-1" });
  const calls: number[] = [];
  const written: (string | undefined)[] = [];
  client.send = async (command: unknown) => {
    if (!(command instanceof BatchWriteItemCommand)) throw new TypeError("another call");
    const requests: WriteRequest[] = command.input.RequestItems?.table ?? [];
    calls.push(requests.length);
    written.push(...requests.slice(0, taken).map(({ PutRequest }) => PutRequest?.Item?.sk?.S));
    return { UnprocessedItems: requests.length > taken ? { table: requests.slice(taken) } : {} };
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

test("what a throttled table left undone is sent again after a growing pause, and nothing else is", async () => {
  const { putAll, calls, written, pauses } = throttledTable(9);
  await putAll(items(25));
  expect(calls).toEqual([25, 16, 7]);
  expect(pauses).toEqual([20, 60]);
  expect(written.toSorted()).toEqual(
    items(25)
      .map(({ key }) => key.sort)
      .toSorted(),
  );
});

test("a table that takes too little for too long ends as TemporaryFault", async () => {
  const { putAll, calls } = throttledTable(1);
  await expect(putAll(items(25))).rejects.toMatchObject({
    name: "TemporaryFault",
    message: "DynamoDB left 21 of 25 items of a batch unwritten.",
  });
  expect(calls).toEqual([25, 24, 23, 22]);
});

test("10,000 items would be 400 calls; 60 are three", async () => {
  const { putAll, calls } = throttledTable(25);
  await putAll(items(60));
  expect(calls).toEqual([25, 25, 10]);
});
