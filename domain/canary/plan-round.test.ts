import { expect, test } from "vitest";
import { planWait } from "./plan-round.ts";

const minute = 60_000;
const hour = 60 * minute;

test("a canary of a year still has fewer rounds than an execution has room for", () => {
  const bakeMs = 30 * minute;
  let [now, nextLookAt, rounds] = [0, bakeMs, 0];
  while (now < 365 * 24 * hour) {
    now += planWait({ now, startedAt: 0, nextLookAt }) * 1_000;
    if (now >= nextLookAt) nextLookAt = now + bakeMs;
    rounds++;
  }
  // Nine events a round, of 25,000 that an execution may have.
  expect(9 * rounds).toBeLessThan(24_000);
});

test("in the first hours an order acts within two minutes, and a judgement is on time", () => {
  const bakeMs = 30 * minute;
  let [now, nextLookAt] = [0, bakeMs];
  while (now < 5 * hour) {
    const wait = planWait({ now, startedAt: 0, nextLookAt }) * 1_000;
    expect(wait).toBeGreaterThanOrEqual(minute);
    expect(wait).toBeLessThanOrEqual(2 * minute);
    now += wait;
    expect(now).toBeLessThanOrEqual(nextLookAt + 1_000);
    if (now >= nextLookAt) nextLookAt = now + bakeMs;
  }
});

test("a bake shorter than a round is waited for exactly, until the canary is old", () => {
  expect(planWait({ now: 0, startedAt: 0, nextLookAt: 10_000 })).toBe(10);
  expect(planWait({ now: 10 * hour, startedAt: 0, nextLookAt: 10 * hour + 1_000 })).toBe(120);
});
