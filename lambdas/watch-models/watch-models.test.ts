import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hourMs } from "#platform/metrics/metrics.ts";
import { createEmbeddedUpkeep } from "#platform/serving/embedded-upkeep.ts";
import type { VersionUpkeep } from "#platform/serving/serving.ts";
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

const createUpkeep = () => ({
  stage: createEmbeddedUpkeep(world.serving.stage),
  prod: createEmbeddedUpkeep(world.serving.prod),
});

/** Records the calls of each environment; `wake` may replace the answer. */
const recordCalls = (wake: VersionUpkeep["wake"] = async () => "awake") => {
  const calls: string[] = [];
  const deleted: string[] = [];
  const record = (environment: "stage" | "prod") => ({
    models: world.serving[environment].models,
    deleteSnapshots: async (model: string, keep: readonly string[]) => {
      deleted.push(`${environment} ${model} except ${keep}`);
      return [];
    },
    wake: async (model: string, version: string) => {
      calls.push(`${environment} ${model} ${version}`);
      return wake(model, version);
    },
  });
  return { calls, deleted, upkeep: { stage: record("stage"), prod: record("prod") } };
};

describe("waking versions", () => {
  const wake = async (changes: Partial<Parameters<typeof watchModels>[0]> = {}) => {
    const output = await watchModels({
      ...world,
      upkeep: createUpkeep(),
      traffic: world.metrics,
      ...changes,
    })({ task: "wake" });
    return "woken" in output ? output.woken : [];
  };

  test("calls the champion and the rollback window in both environments, and no older version", async () => {
    const { calls, upkeep } = recordCalls();
    const woken = await wake({ upkeep });
    expect(calls).toEqual(
      ["stage", "prod"].flatMap((environment) =>
        ["4", "3", "2"].map((version) => `${environment} ${toyModel} ${version}`),
      ),
    );
    expect(woken.map(({ result }) => result)).toEqual(Array(6).fill("awake"));
    expect(world.readMetricTotal("VersionsNotWoken", {})).toBe(0);
  });

  test("a version that fails is counted and named, and does not stop the rest", async () => {
    const { calls, upkeep } = recordCalls(async (_, version) => {
      if (version === "3") throw new Error("not now");
      return "waking";
    });
    const woken = await wake({ upkeep });
    expect(calls).toHaveLength(6);
    expect(woken.filter(({ result }) => result === "failed")).toMatchObject([
      { environment: "stage", version: "3" },
      { environment: "prod", version: "3" },
    ]);
    expect(world.readMetricTotal("VersionsNotWoken", {})).toBe(2);
    expect(world.warnings.join()).toContain(`version 3 of ${toyModel} on prod could not be looked after`);
  });

  test("snapshots outside the rollback window are deleted, but none of an environment that a delivery holds", async () => {
    const { deleted, upkeep } = recordCalls();
    await wake({ upkeep });
    expect(deleted).toEqual([`stage ${toyModel} except 4,3,2`, `prod ${toyModel} except 4,3,2`]);
    await world.claims.take(
      { environment: "prod", model: toyModel, delivery: "d", requestedAt: 1, now: world.time.now },
      "free",
    );
    deleted.length = 0;
    await wake({ upkeep });
    expect(deleted).toEqual([`stage ${toyModel} except 4,3,2`]);
  });

  test("a ledger that cannot be read is counted too", async () => {
    const { calls, upkeep } = recordCalls();
    const ledger = { ...world.ledger, serving: () => Promise.reject(new Error("not now")) };
    expect(await wake({ upkeep, ledger })).toEqual([]);
    expect(calls).toEqual([]);
    expect(world.readMetricTotal("VersionsNotWoken", {})).toBe(2);
  });

  test("a retired model and one that prod does not serve yet are not called", async () => {
    await world.ledger.retire(toyModel, world.time.now);
    await world.serving.prod.ensure("new");
    const { calls, upkeep } = recordCalls();
    expect(await wake({ upkeep })).toEqual([]);
    expect(calls).toEqual([]);
  });

  test("on one machine nothing sleeps, and no function is called", async () => {
    const woken = await wake();
    expect(woken.map(({ result }) => result)).toEqual(Array(6).fill("never sleeps"));
  });
});

describe("silent models", () => {
  const findSilence = async (changes: Partial<Parameters<typeof watchModels>[0]> = {}) =>
    watchModels({ ...world, upkeep: createUpkeep(), traffic: world.metrics, ...changes })({
      task: "find-silence",
    });
  /** A Wednesday at 12:09: the hour that ended at 12:00 may not be counted completely. */
  const now = Date.UTC(2026, 10, 25, 12, 9);
  /** Calls in each hour from `from` to `to`, in hours before now. */
  const call = (from: number, to: number, calls: number) => {
    for (let hour = from; hour > to; hour--)
      for (let each = 0; each < calls; each++)
        world.metrics.request({
          environment: "prod",
          model: toyModel,
          version: "4",
          at: now - hour * hourMs,
          latencyMs: 1,
          failed: false,
          labels: new Map(),
        });
  };
  beforeEach(() => {
    world.time.now = now;
  });

  test("that had 20 calls in each hour and have none are counted and named", async () => {
    call(60, 2, 20);
    expect(await findSilence()).toEqual({ silent: [toyModel] });
    expect(world.readMetricTotal("SilentModels", {})).toBe(1);
    expect(world.warnings.join()).toContain(`${toyModel} is silent`);
  });

  test("are none while the last complete hour may still be counted", async () => {
    call(60, 1, 20);
    expect(await findSilence()).toEqual({ silent: [] });
    world.time.now += 60_000;
    expect(await findSilence()).toEqual({ silent: [toyModel] });
  });

  test("do not include a model with 10 calls a day", async () => {
    for (let day = 15; day > 0; day--) call(day * 24, day * 24 - 10, 1);
    expect(await findSilence()).toEqual({ silent: [] });
    expect(world.readMetricTotal("SilentModels", {})).toBe(0);
  });

  test("do not include a retired model", async () => {
    call(60, 5, 20);
    await world.ledger.retire(toyModel, world.time.now);
    expect(await findSilence()).toEqual({ silent: [] });
  });

  test("a model whose calls cannot be read does not hide the others", async () => {
    call(60, 5, 20);
    const models = async () => ["broken", toyModel];
    const own = createUpkeep();
    const upkeep = { ...own, prod: { ...own.prod, models } };
    const ledger = {
      ...world.ledger,
      serving: async (environment: "stage" | "prod", model: string) => {
        if (model === "broken") throw new Error("not now");
        return world.ledger.serving(environment, model);
      },
    };
    expect(await findSilence({ upkeep, ledger })).toEqual({ silent: [toyModel] });
    expect(world.warnings.join()).toContain("the calls of broken could not be counted");
  });
});

test("an event without a task is refused", async () => {
  await expect(
    watchModels({ ...world, upkeep: createUpkeep(), traffic: world.metrics })({}),
  ).rejects.toThrow();
});
