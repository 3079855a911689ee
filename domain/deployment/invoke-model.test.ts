import { expect, test } from "vitest";
import type { Json } from "#platform/store/store.ts";
import { invokeModel, invokeModelInBatches } from "./invoke-model.ts";

const answering = (answer: (rows: Json[]) => Json) => {
  const asked: number[] = [];
  return {
    asked,
    invoke: async (_model: string, _qualifier: unknown, payload: Json) => {
      const rows = (payload as { rows: Json[] }).rows;
      asked.push(rows.length);
      return { payload: answer(rows), version: "1", durationMs: 7 };
    },
  };
};
const predictions = (rows: Json[]) => ({
  latencyMs: 2,
  predictions: rows.map((row) => ({ scores: { y: (row as { x: number }).x } })),
});
const rows = (count: number) => Array.from({ length: count }, (_, x) => ({ x }));

test("an answer carries the platform's time and the function's own", async () => {
  const answered = await invokeModel(answering(predictions))("churn", "live", rows(2));
  expect(answered).toEqual({
    predictions: [{ scores: { y: 0 } }, { scores: { y: 1 } }],
    latencyMs: 2,
    durationMs: 7,
  });
});

test("a refusal is told in the function's words", async () => {
  const refusing = answering(() => ({ status: 400, title: "Bad rows", detail: "x is missing" }));
  await expect(invokeModel(refusing)("churn", "live", rows(1))).rejects.toMatchObject({
    name: "RowsRefused",
    message: "400 Bad rows: x is missing",
  });
});

test.each([
  ["fewer answers than rows", (asked: Json[]) => predictions(asked.slice(1))],
  ["more answers than rows", (asked: Json[]) => predictions([...asked, { x: 9 }])],
  ["nothing", () => null],
  ["a score that is no number", () => ({ latencyMs: 2, predictions: [{ scores: { y: null } }] })],
])("%s is no answer", async (_, answer) => {
  await expect(invokeModel(answering(answer))("churn", "live", rows(1))).rejects.toMatchObject({
    name: "RowsRefused",
    message: "the function of churn gave no answer of the agreed form",
  });
});

test("many rows go in pieces of a thousand and come back in order", async () => {
  const called = answering(predictions);
  const answered = await invokeModelInBatches(called)("churn", { version: "1" }, rows(2_001));
  expect(called.asked).toEqual([1_000, 1_000, 1]);
  expect(answered.map(({ scores }) => scores.y)).toEqual(rows(2_001).map(({ x }) => x));
  expect(await invokeModelInBatches(called)("churn", "live", [])).toEqual([]);
});
