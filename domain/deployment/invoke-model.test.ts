import { expect, test } from "vitest";
import type { Json } from "#platform/store/store.ts";
import { invokeModel, invokeModelInBatches } from "./invoke-model.ts";

const createServing = (respond: (rows: Json[]) => Json) => {
  const batches: number[] = [];
  return {
    batches,
    invoke: async (_model: string, _qualifier: unknown, payload: Json) => {
      const rows = (payload as { rows: Json[] }).rows;
      batches.push(rows.length);
      return { payload: respond(rows), version: "1", durationMs: 7 };
    },
  };
};
const predictions = (rows: Json[]) => ({
  latencyMs: 2,
  predictions: rows.map((row) => ({ scores: { y: (row as { x: number }).x } })),
});
const rows = (count: number) => Array.from({ length: count }, (_, x) => ({ x }));

test("a result has the platform's duration and the function's own latency", async () => {
  const result = await invokeModel(createServing(predictions))("churn", "live", rows(2));
  expect(result).toEqual({
    predictions: [{ scores: { y: 0 } }, { scores: { y: 1 } }],
    latencyMs: 2,
    durationMs: 7,
  });
});

test("a refusal has the function's own words", async () => {
  const refusing = createServing(() => ({ status: 400, title: "Bad rows", detail: "x is missing" }));
  await expect(invokeModel(refusing)("churn", "live", rows(1))).rejects.toMatchObject({
    name: "RowsRefused",
    message: "400 Bad rows: x is missing",
  });
});

test.each([
  ["fewer predictions than rows", (received: Json[]) => predictions(received.slice(1))],
  ["more predictions than rows", (received: Json[]) => predictions([...received, { x: 9 }])],
  ["nothing", () => null],
  ["a score that is not a number", () => ({ latencyMs: 2, predictions: [{ scores: { y: null } }] })],
])("%s is an invalid response", async (_, respond) => {
  await expect(invokeModel(createServing(respond))("churn", "live", rows(1))).rejects.toMatchObject({
    name: "RowsRefused",
    message: "the function of churn returned an invalid response",
  });
});

test("many rows are sent in batches of a thousand, and the predictions keep the order", async () => {
  const serving = createServing(predictions);
  const result = await invokeModelInBatches(serving)("churn", { version: "1" }, rows(2_001));
  expect(serving.batches).toEqual([1_000, 1_000, 1]);
  expect(result.map(({ scores }) => scores.y)).toEqual(rows(2_001).map(({ x }) => x));
  expect(await invokeModelInBatches(serving)("churn", "live", [])).toEqual([]);
});
