import fc from "fast-check";
import { expect, test } from "vitest";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import { batchRequests } from "./batch-requests.ts";

const predicted = (row: unknown): Prediction => ({ value: Number(row), scores: { value: Number(row) } });

/** A model that answers numbers with themselves and throws at anything else; it remembers what it was asked. */
const counted = (asked: (rows: readonly unknown[]) => void = () => {}) => {
  const runs: unknown[] = [];
  const answer = batchRequests(async (rows) => {
    runs.push(rows);
    if (Array.isArray(rows)) asked(rows);
    await Promise.resolve();
    if (!Array.isArray(rows) || !rows.every(Number.isFinite)) throw new TypeError("bad row");
    return rows.map(predicted);
  });
  return { runs, answer };
};

test("requests that come in one turn, or while the model is busy, are answered in one run", async () => {
  const { runs, answer } = counted();
  const answers = await Promise.all([answer([1]), answer([2, 3]), answer([4])]);
  expect(answers.map((rows) => rows.map(({ value }) => value))).toEqual([[1], [2, 3], [4]]);
  expect(runs).toEqual([[1, 2, 3, 4]]);
  const late: Promise<unknown>[] = [];
  const { runs: busy, answer: ask } = counted((rows) => {
    if (rows.length === 1 && late.length === 0) late.push(ask([6]), ask([7]));
  });
  await ask([5]);
  await Promise.all(late);
  expect(busy).toEqual([[5], [6, 7]]);
});

test("everybody gets the answer to what he asked, whoever else asks something bad or much at the same time", async () => {
  const row = fc.oneof({ weight: 9, arbitrary: fc.integer() }, fc.constant("bad"));
  const rows = fc.oneof(
    fc.array(row, { maxLength: 5 }),
    fc.array(fc.integer(), { minLength: 90, maxLength: 120 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(rows, fc.constant(undefined)), { maxLength: 30 }), async (asked) => {
      const { answer } = counted();
      const results = await Promise.allSettled(asked.map((one) => answer(one)));
      results.forEach((result, at) => {
        const good = asked[at]?.every((one) => one !== "bad") ?? false;
        expect(result.status).toBe(good ? "fulfilled" : "rejected");
        if (result.status === "fulfilled") expect(result.value).toEqual(asked[at]?.map(predicted));
      });
    }),
  );
});
