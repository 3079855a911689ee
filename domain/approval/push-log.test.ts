import { expect, test } from "vitest";
import { memoryStore } from "#test/support/memory-store.ts";
import { createPushLog } from "./push-log.ts";

const days = 86_400_000;
const push = { before: "a", after: "b", by: "ada@example.com" };

/** With a clock that the test sets. */
const openPushes = () => {
  const { store, time, clock } = memoryStore();
  return { time, start: time.now, record: createPushLog({ store, clock }) };
};

test("a push to another branch is found by its new commit, with the time of its first event", async () => {
  const { time, start, record } = openPushes();
  await record.recordBranch(push);
  time.now += 1;
  await record.recordBranch(push);
  await record.recordBranch({ ...push, by: "bob@example.com" });
  expect(await record.ofBranches(["a"])).toEqual([]);
  expect((await record.ofBranches(["a", "b"])).toSorted((left, right) => left.at - right.at)).toEqual([
    { ...push, merged: null, at: start },
    { ...push, by: "bob@example.com", merged: null, at: start + 1 },
  ]);
});

test("a push to another branch is not listed among those that deliver, and is kept 400 days", async () => {
  const { time, record } = openPushes();
  await record.recordBranch(push);
  expect(await record.since(undefined)).toEqual([]);
  time.now += 399 * days;
  expect(await record.ofBranches(["b"])).toHaveLength(1);
  time.now += 2 * days;
  expect(await record.ofBranches(["b"])).toEqual([]);
});
