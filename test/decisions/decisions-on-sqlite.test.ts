import { expect, test } from "vitest";
import { listSeeds } from "./decision-runs.ts";
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
