import { expect, test } from "vitest";
import { memoryStore } from "#test/support/memory-world.ts";
import { createOutcomes, type OutcomeRecord } from "./outcomes.ts";

const ended = (outcome: OutcomeRecord["outcome"]): OutcomeRecord => ({
  delivery: "churn-1",
  model: "churn",
  commit: "c".repeat(40),
  outcome,
  error: null,
  at: 5,
});

test("an outcome is new once, and the later word replaces the earlier", async () => {
  const { store, database } = memoryStore();
  const kept = createOutcomes({ store });
  expect(await kept.read("churn-1")).toBeUndefined();
  expect(await kept.keep(ended("failed"))).toBe(true);
  expect(await kept.keep(ended("promoted"))).toBe(false);
  expect((await kept.read("churn-1"))?.outcome).toBe("promoted");
  expect(await kept.read("churn-2")).toBeUndefined();
  database.close();
});

test("of two that keep the first outcome at once one is told so: it is counted once", async () => {
  const { store, database } = memoryStore();
  const kept = createOutcomes({ store });
  const first = await Promise.all([1, 2, 3].map(() => kept.keep(ended("rejected"))));
  expect(first.filter(Boolean)).toHaveLength(1);
  database.close();
});
