import { expect, test } from "vitest";
import { checkMemory } from "./check-memory.ts";

const where = "this checkout";

test("models within a new account's memory are right", () => {
  expect(checkMemory({ where, models: [{ name: "churn", memoryMb: 3_008 }] })).toMatchObject({
    status: "ok",
  });
});

test("a model above it is named, because AWS tells nobody the quota", () => {
  const models = [
    { name: "churn", memoryMb: 1_769 },
    { name: "vision", memoryMb: 8_192 },
  ];
  expect(checkMemory({ where, models })).toMatchObject({
    status: "warning",
    sentence: expect.stringMatching(/^vision \(8192 MB\): a new account allows a function at most 3008 MB/),
  });
});
