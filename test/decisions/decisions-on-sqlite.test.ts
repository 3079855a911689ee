import { expect, test } from "vitest";
import type { Store } from "#platform/store/store.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { listSeeds } from "./list-seeds.ts";
import { runDecisionStory } from "./run-decision-story.ts";

test("clicks, retries, kills and sweeps in any order lead to exactly one decision, on SQLite", async () => {
  let deaths = 0;
  for (const seed of listSeeds(60)) {
    const { wrong, log } = await runDecisionStory(seed);
    expect(wrong, `SLIPWAY_SEED=${seed}\n${log.join("\n")}`).toEqual([]);
    deaths += log.length;
  }
  expect(deaths).toBeGreaterThan(0);
});

test("a store that ignores the condition of a write is found", async () => {
  const found: string[] = [];
  for (const seed of listSeeds(20)) {
    const { store, database } = memoryStore();
    const careless: Store = {
      ...store,
      put: async (key, value, { expect: _, also = [], ...options } = {}) => {
        for (const other of also) await store.put(other.key, other.value);
        return store.put(key, value, options);
      },
    };
    found.push(...(await runDecisionStory(seed, careless)).wrong);
    database.close();
  }
  expect(found).not.toEqual([]);
});
