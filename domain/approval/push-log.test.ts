import { expect, test } from "vitest";
import { memoryStore } from "#test/support/memory-world.ts";
import { createPushLog } from "./push-log.ts";

const days = 86_400_000;
const push = { before: "a", after: "b", by: "ada@example.com" };

/** Pushes that are kept in memory, at a time that the test sets. */
const openPushes = () => {
  const { store, time, clock } = memoryStore();
  return { time, start: time.now, record: createPushLog({ store, clock }) };
};

test("a push to another branch is found by the commit that it moved the branch to, with the time it was told first", async () => {
  const { time, start, record } = openPushes();
  await record.recordBranch(push);
  time.now += 1;
  await record.recordBranch(push);
  await record.recordBranch({ ...push, by: "bob@example.com" });
  expect(await record.ofBranches(["a"])).toEqual([]);
  expect((await record.ofBranches(["a", "b"])).toSorted((one, two) => one.at - two.at)).toEqual([
    { ...push, merged: null, at: start },
    { ...push, by: "bob@example.com", merged: null, at: start + 1 },
  ]);
});

test("it is no push to the branch that delivers, and is kept as long as one", async () => {
  const { time, record } = openPushes();
  await record.recordBranch(push);
  expect(await record.since(undefined)).toEqual([]);
  time.now += 399 * days;
  expect(await record.ofBranches(["b"])).toHaveLength(1);
  time.now += 2 * days;
  expect(await record.ofBranches(["b"])).toEqual([]);
});
