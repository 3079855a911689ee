import { expect, test } from "vitest";
import type { Store } from "#platform/store/store.ts";
import { batchCounters } from "./batch-counters.ts";

const key = { partition: "counts", sort: "2026-11-21T12" };
const counting = (error?: Error) => {
  const written: unknown[] = [];
  const add: Store["add"] = async ({ sort }, amounts) => {
    written.push([sort, amounts]);
    if (error) throw error;
    return {};
  };
  return { written, count: batchCounters({ add }) };
};
const of = (amounts: Readonly<Record<string, number>>, sort = key.sort) => ({
  key: { ...key, sort },
  amounts,
  expiresAt: 1,
});

test("simultaneous additions to one item are written once, with the sum of each counter", async () => {
  const { written, count } = counting();
  await Promise.all([
    count(of({ rows: 1, "label:a": 1 })),
    Promise.resolve().then(() => count(of({ rows: 2, "label:b": 2 }))),
    count(of({ rows: 5 }, "2026-11-21T13")),
  ]);
  expect(written).toEqual([
    [key.sort, { rows: 3, "label:a": 1, "label:b": 2 }],
    ["2026-11-21T13", { rows: 5 }],
  ]);
  await count(of({ rows: 7 }));
  expect(written.at(-1)).toEqual([key.sort, { rows: 7 }]);
});

test("the caller's amounts are not changed", async () => {
  const { count } = counting();
  const addition = of({ rows: 1 });
  await Promise.all([count(addition), count(of({ rows: 2 }))]);
  expect(addition.amounts).toEqual({ rows: 1 });
});

test("a failed write rejects all its additions and no later one", async () => {
  const { written, count } = counting(new Error("no table"));
  const results = await Promise.allSettled([count(of({ rows: 1 })), count(of({ rows: 2 }))]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(written).toEqual([[key.sort, { rows: 3 }]]);
});
