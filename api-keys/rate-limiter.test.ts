import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Store } from "#platform/store/store.ts";
import { memoryStore } from "#test/support/memory-world.ts";
import type { RateLimit } from "./rate-limit.ts";
import { createRateLimiter } from "./rate-limiter.ts";

let opened: ReturnType<typeof memoryStore>;
beforeEach(() => {
  opened = memoryStore();
});
afterEach(() => opened.database.close());

const warn = (sentence: string) => expect.fail(sentence);
/** One of the processes that count together. */
const instance = (over: Partial<Store> = {}, here = opened) =>
  createRateLimiter({ clock: here.clock, store: { ...here.store, ...over }, warn });
const minutely = (count: number): RateLimit => ({ perMinute: count, burst: count });

describe("a key with 3 requests a minute", () => {
  const rate = minutely(3);

  test("may make them at once, is told how many are left, and waits for the fourth", async () => {
    const limit = instance();
    for (const remaining of [2, 1, 0])
      expect(await limit("key", rate)).toEqual({ admitted: true, quota: { rate, remaining } });
    expect(await limit("key", rate)).toEqual({
      admitted: false,
      quota: { rate, remaining: 0 },
      retryAfter: expect.toSatisfy((seconds) => seconds >= 60 && seconds <= 61),
    });
  });

  test("is let in again after exactly the seconds that it was told, wherever in the minute it began", async () => {
    for (const offset of [0, 1, 999, 30_000, 59_999]) {
      const here = memoryStore();
      here.time.now += offset;
      const limit = instance({}, here);
      for (let count = 0; count < 3; count++) {
        expect((await limit("key", rate)).admitted).toBe(true);
        here.time.now += 7_000;
      }
      const refused = await limit("key", rate);
      if (refused.admitted) expect.fail("three were admitted");
      here.time.now += refused.retryAfter * 1_000;
      expect((await instance({}, here)("key", rate)).admitted).toBe(true);
      here.database.close();
    }
  });

  test("is let in on time also when it asked on all the while, in whatever process", async () => {
    const instances = [instance(), instance(), instance()];
    let admitted = 0;
    // Ten requests a second for two minutes.
    for (let count = 0; count < 1_200; count++) {
      const answers = await instances[count % 3]?.("key", rate);
      if (answers?.admitted) admitted++;
      opened.time.now += 100;
    }
    expect(admitted).toBe(6);
  });

  test("has used a place until the whole minute is over, though its slot's first moment is past that", async () => {
    opened.time.now = 1_200_000_999;
    for (let count = 0; count < 3; count++) await instance()("key", rate);
    opened.time.now += 59_999;
    expect((await instance()("key", rate)).admitted).toBe(false);
    opened.time.now += 1_001;
    expect((await instance()("key", rate)).admitted).toBe(true);
  });

  test("has its own count", async () => {
    const limit = instance();
    for (let count = 0; count < 4; count++) await limit("key", rate);
    expect((await limit("another", rate)).admitted).toBe(true);
  });
});

test("a process that has seen the limit reached asks the store no more until a place can be free", async () => {
  let calls = 0;
  const counting: Partial<Store> = {
    add: (...given) => {
      calls++;
      return opened.store.add(...given);
    },
  };
  const limit = instance(counting);
  for (let count = 0; count < 500; count++) await limit("key", minutely(10));
  expect(calls).toBe(12);
});

test("of many that ask at once, in several processes, exactly as many as the limit get in", async () => {
  const instances = Array.from({ length: 5 }, () => instance());
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, count) => instances[count % 5]?.("key", minutely(30))),
  );
  // Those that were being refused may have stood in another's way for a moment, never the other way round.
  const admitted = answers.filter((answer) => answer?.admitted).length;
  expect(admitted).toBe(30);
});

test("a burst counts in its own, shorter window, and the rate holds in the long run", async () => {
  const rate = { perMinute: 60, burst: 10 };
  const limit = instance();
  let admitted = 0;
  for (let tenths = 0; tenths < 6_000; tenths++) {
    if ((await limit("key", rate)).admitted) admitted++;
    if (tenths === 0)
      for (let more = 0; more < 20; more++) if ((await limit("key", rate)).admitted) admitted++;
    if (tenths === 0) expect(admitted).toBe(10);
    opened.time.now += 100;
  }
  // Ten minutes; a place becomes free up to a sixtieth of the window late.
  expect(admitted).toBeLessThanOrEqual(600);
  expect(admitted).toBeGreaterThan(570);
});

test("where the store cannot count, that is the caller's to know", async () => {
  const limit = instance({ add: () => Promise.reject(new Error("the store is away")) });
  await expect(limit("key", minutely(3))).rejects.toThrow("the store is away");
});

test("a refused request that cannot be taken back is refused all the same, with a warning", async () => {
  const warnings: string[] = [];
  let broken = false;
  const limit = createRateLimiter({
    clock: opened.clock,
    store: {
      get: opened.store.get,
      add: (key, amounts, options) =>
        broken && Object.values(amounts)[0] === -1
          ? Promise.reject(new Error("the store is away"))
          : opened.store.add(key, amounts, options),
    },
    warn: (sentence) => warnings.push(sentence),
  });
  await limit("key", minutely(1));
  broken = true;
  expect((await limit("key", minutely(1))).admitted).toBe(false);
  expect(warnings).toEqual(["a refused request stays counted for one window"]);
});

test("whenever requests come, in whatever process: no window of any place holds more than the burst", () =>
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
          // Long waits, short ones and none, so that bursts fall on both sides of every border.
          wait: fc.oneof(fc.constant(0), fc.nat(50), fc.nat(3_000), fc.nat(70_000)),
          by: fc.nat(2),
          times: fc.integer({ min: 1, max: 12 }),
        }),
        { maxLength: 40 },
      ),
      async (rate, offset, asking) => {
        const here = memoryStore();
        here.time.now += offset;
        const instances = [0, 1, 2].map(() => instance({}, here));
        const windowMs = (rate.burst / rate.perMinute) * 60_000;
        const admitted: number[] = [];
        for (const { wait, by, times } of asking) {
          here.time.now += wait;
          const answers = await Promise.all(
            Array.from({ length: times }, () => instances[by]?.("key", rate)),
          );
          for (const answer of answers) {
            if (answer?.admitted) admitted.push(here.time.now);
            else expect(answer?.retryAfter).toBeLessThanOrEqual(Math.ceil((windowMs * 61) / 60_000) + 1);
          }
        }
        for (const [index, first] of admitted.entries()) {
          const within = admitted.slice(index).filter((at) => at - first < windowMs);
          expect(within.length).toBeLessThanOrEqual(rate.burst);
        }
        here.database.close();
      },
    ),
    { numRuns: 200 },
  ));
