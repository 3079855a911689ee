import { expect, test } from "vitest";
import { createWriteBatcher } from "./write-batcher.ts";

/** Records transactions; `fails` throws within one. */
const createCountingDatabase = () => {
  const transactions: string[][] = [];
  let open: string[] = [];
  const batchWrite = createWriteBatcher({
    write: (work) => {
      open = [];
      const result = work();
      transactions.push(open);
      return result;
    },
  });
  const write = (name: string) =>
    batchWrite(() => {
      open.push(name);
      return name;
    });
  const fails = () =>
    batchWrite(() => {
      throw new Error("too large");
    });
  return { transactions, write, fails };
};

test("writes of one event share a transaction, and each gets its own result", async () => {
  const { transactions, write } = createCountingDatabase();
  expect(await Promise.all([write("a"), write("b"), write("c")])).toEqual(["a", "b", "c"]);
  expect(await write("d")).toBe("d");
  expect(transactions).toEqual([["a", "b", "c"], ["d"]]);
});

test("a failing write does not fail the others", async () => {
  const { transactions, write, fails } = createCountingDatabase();
  const results = await Promise.allSettled([write("a"), fails(), write("b")]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(transactions).toEqual([["a"], ["b"]]);
});
