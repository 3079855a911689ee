import { expect, test } from "vitest";
import { memoryStore } from "#test/support/memory-store.ts";
import { computeWaitSeconds } from "./check-prod-open.ts";
import { createFreezes } from "./freezes.ts";

const ada = { id: "1", name: "Ada" };
const eve = { id: "2", name: "Eve" };

test("a freeze is in force until its time, and the later of one scope replaces the earlier and says whose it was", async () => {
  const { time, ...world } = memoryStore();
  const freezes = createFreezes(world);
  const until = time.now + 1_000;
  expect(await freezes.freeze({ scope: "churn", until, reason: "first", by: ada })).toBeUndefined();
  expect(await freezes.freeze({ scope: "churn", until: until + 1, reason: "second", by: eve })).toMatchObject(
    {
      reason: "first",
      by: ada,
    },
  );
  await freezes.freeze({ scope: "*", until: until + 2, reason: "all", by: ada });
  expect((await freezes.list()).map(({ reason }) => reason)).toEqual(["all", "second"]);
  expect((await freezes.ofModel("churn")).map(({ reason }) => reason)).toEqual(["all", "second"]);
  expect((await freezes.ofModel("other")).map(({ reason }) => reason)).toEqual(["all"]);
  time.now = until + 1;
  expect((await freezes.list()).map(({ reason }) => reason)).toEqual(["all"]);
  time.now = until + 2;
  expect(await freezes.list()).toEqual([]);
  expect(await freezes.unfreeze("*", eve)).toBeUndefined();
  world.database.close();
});

test("of concurrent freezes and ends of one scope none is lost: each replaces what another one wrote", async () => {
  const { time, ...world } = memoryStore();
  const freezes = createFreezes(world);
  const until = time.now + 1_000;
  const replaced = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      freezes.freeze({ scope: "*", until, reason: String(index), by: ada }),
    ),
  );
  const [last] = await freezes.list();
  const reasons = [...replaced.map((freeze) => freeze?.reason), last?.reason];
  expect(new Set(reasons).size).toBe(21);
  expect((await Promise.all([1, 2, 3].map(() => freezes.unfreeze("*", eve)))).filter(Boolean)).toHaveLength(
    1,
  );
  world.database.close();
});

test("a delivery looks again within a minute at first, hourly in the end, never after the opening, and for months at most 25,000 events", () => {
  const day = 86_400_000;
  const wait = (waitedMs: number, leftMs: number | null) =>
    computeWaitSeconds({ since: 0, now: waitedMs, until: leftMs === null ? null : waitedMs + leftMs });
  expect([wait(0, 10 * day), wait(day / 24, 10 * day), wait(2 * day, 10 * day), wait(2 * day, null)]).toEqual(
    [60, 120, 3_600, 3_600],
  );
  expect([wait(day, 90_000), wait(day, 1), wait(day, -5)]).toEqual([90, 60, 60]);
  let looks = 0;
  for (let now = 0; now < 80 * day; now += wait(now, 80 * day - now) * 1_000) looks++;
  expect(looks * 11).toBeLessThan(25_000);
});
