import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Store } from "#platform/store/store.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import type { RateLimit } from "./rate-limit.ts";
import { createRateLimiter } from "./rate-limiter.ts";

let opened: ReturnType<typeof memoryStore>;
beforeEach(() => {
  opened = memoryStore();
});
afterEach(() => opened.database.close());

const warn = (sentence: string) => expect.fail(sentence);
/** The limiter of one of several processes that share a store. */
const createTestLimiter = (storeOverrides: Partial<Store> = {}, world = opened) =>
  createRateLimiter({ clock: world.clock, store: { ...world.store, ...storeOverrides }, warn });
const allowPerMinute = (count: number): RateLimit => ({ perMinute: count, burst: count });

describe("a key with 3 requests a minute", () => {
  const rate = allowPerMinute(3);

  test("may make three at once, learns how many are left, and waits for the fourth", async () => {
    const limit = createTestLimiter();
    for (const remaining of [2, 1, 0])
      expect(await limit("key", rate)).toEqual({ admitted: true, quota: { rate, remaining } });
    expect(await limit("key", rate)).toEqual({
      admitted: false,
      quota: { rate, remaining: 0 },
      retryAfter: expect.toSatisfy((seconds) => seconds >= 60 && seconds <= 61),
    });
  });

  test("is admitted again after exactly the announced seconds, wherever in the minute it began", async () => {
    for (const offset of [0, 1, 999, 30_000, 59_999]) {
      const world = memoryStore();
      world.time.now += offset;
      const limit = createTestLimiter({}, world);
      for (let count = 0; count < 3; count++) {
        expect((await limit("key", rate)).admitted).toBe(true);
        world.time.now += 7_000;
      }
      const refused = await limit("key", rate);
      if (refused.admitted) expect.fail("three were admitted");
      world.time.now += refused.retryAfter * 1_000;
      expect((await createTestLimiter({}, world)("key", rate)).admitted).toBe(true);
      world.database.close();
    }
  });

  test("is admitted on time even if it keeps sending requests to all processes", async () => {
    const instances = [createTestLimiter(), createTestLimiter(), createTestLimiter()];
    let admitted = 0;
    // Ten requests a second for two minutes.
    for (let count = 0; count < 1_200; count++) {
      const result = await instances[count % 3]?.("key", rate);
      if (result?.admitted) admitted++;
      opened.time.now += 100;
    }
    expect(admitted).toBe(6);
  });

  test("gets no capacity back before the whole minute is over, even if its slot began earlier", async () => {
    opened.time.now = 1_200_000_999;
    for (let count = 0; count < 3; count++) await createTestLimiter()("key", rate);
    opened.time.now += 59_999;
    expect((await createTestLimiter()("key", rate)).admitted).toBe(false);
    opened.time.now += 1_001;
    expect((await createTestLimiter()("key", rate)).admitted).toBe(true);
  });

  test("does not count against another key", async () => {
    const limit = createTestLimiter();
    for (let count = 0; count < 4; count++) await limit("key", rate);
    expect((await limit("another", rate)).admitted).toBe(true);
  });
});

test("a process that saw the limit does not call the store until capacity can be free", async () => {
  let calls = 0;
  const counting: Partial<Store> = {
    add: (...args) => {
      calls++;
      return opened.store.add(...args);
    },
  };
  const limit = createTestLimiter(counting);
  for (let count = 0; count < 500; count++) await limit("key", allowPerMinute(10));
  expect(calls).toBe(12);
});

test("a process reads the count of the previous minute once, two seconds after that minute", async () => {
  const reads: number[] = [];
  const limit = createTestLimiter({
    get: (key) => {
      reads.push(opened.time.now % 60_000);
      return opened.store.get(key);
    },
  });
  opened.time.now = 1_200_000_000;
  // A request each second for two minutes.
  for (let count = 0; count < 120; count++) {
    await limit("key", allowPerMinute(1_000));
    opened.time.now += 1_000;
  }
  expect(reads).toEqual([0, 1_000, 2_000, 0, 1_000, 2_000]);
});

test("of many concurrent requests in several processes exactly the limit is admitted", async () => {
  const instances = Array.from({ length: 5 }, () => createTestLimiter());
  const results = await Promise.all(
    Array.from({ length: 100 }, (_, count) => instances[count % 5]?.("key", allowPerMinute(30))),
  );
  // A request that is being refused may take another's capacity for a moment, but never adds capacity.
  const admitted = results.filter((result) => result?.admitted).length;
  expect(admitted).toBe(30);
});

test("a burst counts in its own shorter window, and the rate holds in the long run", async () => {
  const rate = { perMinute: 60, burst: 10 };
  const limit = createTestLimiter();
  let admitted = 0;
  for (let tenths = 0; tenths < 6_000; tenths++) {
    if ((await limit("key", rate)).admitted) admitted++;
    if (tenths === 0)
      for (let more = 0; more < 20; more++) if ((await limit("key", rate)).admitted) admitted++;
    if (tenths === 0) expect(admitted).toBe(10);
    opened.time.now += 100;
  }
  // Ten minutes; capacity becomes free up to 1/60 of the window late.
  expect(admitted).toBeLessThanOrEqual(600);
  expect(admitted).toBeGreaterThan(570);
});

test("an error of the store reaches the caller", async () => {
  const limit = createTestLimiter({ add: () => Promise.reject(new Error("the store is unavailable")) });
  await expect(limit("key", allowPerMinute(3))).rejects.toThrow("the store is unavailable");
});

test("a refused request stays refused if its count cannot be taken back, with a warning", async () => {
  const warnings: string[] = [];
  let broken = false;
  const limit = createRateLimiter({
    clock: opened.clock,
    store: {
      get: opened.store.get,
      add: (key, amounts, options) =>
        broken && Object.values(amounts)[0] === -1
          ? Promise.reject(new Error("the store is unavailable"))
          : opened.store.add(key, amounts, options),
    },
    warn: (sentence) => warnings.push(sentence),
  });
  await limit("key", allowPerMinute(1));
  broken = true;
  expect((await limit("key", allowPerMinute(1))).admitted).toBe(false);
  expect(warnings).toEqual(["a refused request stays counted for one window"]);
});

test("whenever and wherever requests arrive, no window holds more than the burst", () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 120 }).chain((perMinute) =>
        fc.record({
          perMinute: fc.constant(perMinute),
          burst: fc.integer({ min: Math.ceil(perMinute / 60), max: perMinute }),
        }),
      ),
      fc.nat(600_000),
      fc.array(
        fc.record({
          // Long, short and no waits, so that bursts fall on both sides of every border.
          wait: fc.oneof(fc.constant(0), fc.nat(50), fc.nat(3_000), fc.nat(70_000)),
          by: fc.nat(2),
          times: fc.integer({ min: 1, max: 12 }),
        }),
        { maxLength: 40 },
      ),
      async (rate, offset, batches) => {
        const world = memoryStore();
        world.time.now += offset;
        const instances = [0, 1, 2].map(() => createTestLimiter({}, world));
        const windowMs = (rate.burst / rate.perMinute) * 60_000;
        const admitted: number[] = [];
        for (const { wait, by, times } of batches) {
          world.time.now += wait;
          const results = await Promise.all(
            Array.from({ length: times }, () => instances[by]?.("key", rate)),
          );
          for (const result of results) {
            if (result?.admitted) admitted.push(world.time.now);
            else expect(result?.retryAfter).toBeLessThanOrEqual(Math.ceil((windowMs * 61) / 60_000) + 1);
          }
        }
        for (const [index, first] of admitted.entries()) {
          const within = admitted.slice(index).filter((at) => at - first < windowMs);
          expect(within.length).toBeLessThanOrEqual(rate.burst);
        }
        world.database.close();
      },
    ),
    { numRuns: 200 },
  ));
