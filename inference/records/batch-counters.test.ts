import { expect, test } from "vitest";
import type { Store } from "#platform/store/store.ts";
import { batchCounters } from "./batch-counters.ts";

const key = { partition: "counts", sort: "2026-11-21T12" };
const counting = (fault?: Error) => {
  const written: unknown[] = [];
  const add: Store["add"] = async ({ sort }, amounts) => {
    written.push([sort, amounts]);
    if (fault) throw fault;
    return {};
  };
  return { written, count: batchCounters({ add }) };
};
const of = (amounts: Readonly<Record<string, number>>, sort = key.sort) => ({
  key: { ...key, sort },
  amounts: new Map(Object.entries(amounts)),
  expiresAt: 1,
});

test("what is added to one item at once is written once, each counter with its sum", async () => {
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

test("what the caller adds stays as it is", async () => {
  const { count } = counting();
  const addition = of({ rows: 1 });
  await Promise.all([count(addition), count(of({ rows: 2 }))]);
  expect([...addition.amounts]).toEqual([["rows", 1]]);
});

test("a write that fails fails for everybody who was part of it, and for nobody after", async () => {
  const { written, count } = counting(new Error("no table"));
  const results = await Promise.allSettled([count(of({ rows: 1 })), count(of({ rows: 2 }))]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(written).toEqual([[key.sort, { rows: 3 }]]);
});
