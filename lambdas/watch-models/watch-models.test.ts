import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Serving } from "#platform/serving/serving.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { toyModel } from "#test/support/toy-model.ts";
import { watchModels } from "./watch-models.ts";

let world: MemoryWorld;
beforeEach(async () => {
  world = createMemoryWorld();
  for (const [index, letter] of ["a", "b", "c", "d"].entries())
    await promoteVersion(world, letter, index + 1);
});
afterEach(() => world.close());

/** Records the calls of each environment; `wake` may replace the answer. */
const recordCalls = (wake: Serving["wake"] = async () => "awake") => {
  const calls: string[] = [];
  const record = (environment: "stage" | "prod") => ({
    models: world.serving[environment].models,
    wake: async (model: string, version: string) => {
      calls.push(`${environment} ${model} ${version}`);
      return wake(model, version);
    },
  });
  return { calls, serving: { stage: record("stage"), prod: record("prod") } };
};

describe("waking versions", () => {
  const wake = (changes: Partial<Parameters<typeof watchModels>[0]> = {}) =>
    watchModels({ ...world, ...changes })({ task: "wake" });

  test("calls the champion and the rollback window in both environments, and no older version", async () => {
    const { calls, serving } = recordCalls();
    const { woken } = await wake({ serving });
    expect(calls).toEqual(
      ["stage", "prod"].flatMap((environment) =>
        ["4", "3", "2"].map((version) => `${environment} ${toyModel} ${version}`),
      ),
    );
    expect(woken.map(({ result }) => result)).toEqual(Array(6).fill("awake"));
    expect(world.readMetricTotal("VersionsNotWoken", {})).toBe(0);
  });

  test("a version that fails is counted and named, and does not stop the rest", async () => {
    const { calls, serving } = recordCalls(async (_, version) => {
      if (version === "3") throw new Error("not now");
      return "waking";
    });
    const { woken } = await wake({ serving });
    expect(calls).toHaveLength(6);
    expect(woken.filter(({ result }) => result === "failed")).toMatchObject([
      { environment: "stage", version: "3" },
      { environment: "prod", version: "3" },
    ]);
    expect(world.readMetricTotal("VersionsNotWoken", {})).toBe(2);
    expect(world.warnings.join()).toContain(`version 3 of ${toyModel} on prod could not be woken`);
  });

  test("a ledger that cannot be read is counted too", async () => {
    const { calls, serving } = recordCalls();
    const ledger = { ...world.ledger, serving: () => Promise.reject(new Error("not now")) };
    expect(await wake({ serving, ledger })).toEqual({ woken: [] });
    expect(calls).toEqual([]);
    expect(world.readMetricTotal("VersionsNotWoken", {})).toBe(2);
  });

  test("a retired model and one that prod does not serve yet are not called", async () => {
    await world.ledger.retire(toyModel, world.time.now);
    await world.serving.prod.ensure("new");
    const { calls, serving } = recordCalls();
    expect(await wake({ serving })).toEqual({ woken: [] });
    expect(calls).toEqual([]);
  });

  test("on one machine nothing sleeps, and no function is called", async () => {
    const { woken } = await wake();
    expect(woken.map(({ result }) => result)).toEqual(Array(6).fill("never sleeps"));
  });
});

test("an event without a task is refused", async () => {
  await expect(watchModels(world)({})).rejects.toThrow();
});
