import fc from "fast-check";
import { expect, test } from "vitest";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import { batchRequests } from "./batch-requests.ts";

const toPrediction = (row: unknown): Prediction => ({ value: Number(row), scores: { value: Number(row) } });

/** A model that results numbers with themselves and throws at anything else; it remembers what it was asked. */
const createRecordedModel = (onRun: (rows: readonly unknown[]) => void = () => {}) => {
  const runs: unknown[] = [];
  const predict = batchRequests(async (rows) => {
    runs.push(rows);
    if (Array.isArray(rows)) onRun(rows);
    await Promise.resolve();
    if (!Array.isArray(rows) || !rows.every(Number.isFinite)) throw new TypeError("bad row");
    return rows.map(toPrediction);
  });
  return { runs, predict };
};

test("requests that arrive in one turn, or while the model is busy, share one run", async () => {
  const { runs, predict } = createRecordedModel();
  const results = await Promise.all([predict([1]), predict([2, 3]), predict([4])]);
  expect(results.map((rows) => rows.map(({ value }) => value))).toEqual([[1], [2, 3], [4]]);
  expect(runs).toEqual([[1, 2, 3, 4]]);
  const lateRequests: Promise<unknown>[] = [];
  const busyModel = createRecordedModel((rows) => {
    if (rows.length === 1 && lateRequests.length === 0)
      lateRequests.push(busyModel.predict([6]), busyModel.predict([7]));
  });
  await busyModel.predict([5]);
  await Promise.all(lateRequests);
  expect(busyModel.runs).toEqual([[5], [6, 7]]);
});

test("a merged run has no more rows than the model runs within the limit, and each request is answered", async () => {
  let workMs = 0;
  const runs: number[] = [];
  const predict = batchRequests(
    async (rows) => {
      if (!Array.isArray(rows)) throw new TypeError("no rows");
      runs.push(rows.length);
      workMs += rows.length;
      return rows.map(toPrediction);
    },
    { maxRunMs: 4, readWorkMs: () => workMs },
  );
  await predict([0]);
  const numbers = Array.from({ length: 30 }, (_, number) => number);
  const results = await Promise.all(numbers.map((number) => predict([number])));
  expect(results.map(([prediction]) => prediction?.value)).toEqual(numbers);
  expect(Math.max(...runs)).toBe(4);
});

test("each request gets its own predictions, even if others are invalid or large", async () => {
  const row = fc.oneof({ weight: 9, arbitrary: fc.integer() }, fc.constant("bad"));
  const rows = fc.oneof(
    fc.array(row, { maxLength: 5 }),
    fc.array(fc.integer(), { minLength: 90, maxLength: 120 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(rows, fc.constant(undefined)), { maxLength: 30 }),
      async (requests) => {
        const { predict } = createRecordedModel();
        const results = await Promise.allSettled(requests.map((request) => predict(request)));
        results.forEach((result, index) => {
          const isValid = requests[index]?.every((value) => value !== "bad") ?? false;
          expect(result.status).toBe(isValid ? "fulfilled" : "rejected");
          if (result.status === "fulfilled") expect(result.value).toEqual(requests[index]?.map(toPrediction));
        });
      },
    ),
  );
});
