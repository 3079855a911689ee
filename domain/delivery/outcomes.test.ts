import { expect, test } from "vitest";
import { memoryStore } from "#test/support/memory-store.ts";
import { createOutcomes, type OutcomeRecord } from "./outcomes.ts";

const createRecord = (outcome: OutcomeRecord["outcome"]): OutcomeRecord => ({
  delivery: "churn-1",
  model: "churn",
  commit: "c".repeat(40),
  outcome,
  error: null,
  at: 5,
});

test("an outcome is new once, and a later one replaces it", async () => {
  const { store, database } = memoryStore();
  const outcomes = createOutcomes({ store });
  expect(await outcomes.read("churn-1")).toBeUndefined();
  expect(await outcomes.keep(createRecord("failed"))).toBe(true);
  expect(await outcomes.keep(createRecord("promoted"))).toBe(false);
  expect((await outcomes.read("churn-1"))?.outcome).toBe("promoted");
  expect(await outcomes.read("churn-2")).toBeUndefined();
  database.close();
});

test("of simultaneous first outcomes exactly one is new, so it is counted once", async () => {
  const { store, database } = memoryStore();
  const outcomes = createOutcomes({ store });
  const first = await Promise.all([1, 2, 3].map(() => outcomes.keep(createRecord("rejected"))));
  expect(first.filter(Boolean)).toHaveLength(1);
  database.close();
});
