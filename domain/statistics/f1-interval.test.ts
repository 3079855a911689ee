import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { f1Gain, f1Interval } from "./f1-interval.ts";

// Reference values: scikit-learn's f1_score, and intervals with numpy and scipy (make_reference.py).
const Flags = z.array(z.array(z.number().transform(Boolean)));
const Scores = z.object({
  champion: z.number(),
  challenger: z.number(),
  reach: z.number(),
  gainReach: z.number(),
});
const { f1 } = z
  .object({
    f1: z.array(z.object({ truth: Flags, champion: Flags, challenger: Flags, micro: Scores, macro: Scores })),
  })
  .parse(JSON.parse(readFileSync("test/support/statistics/reference.json", "utf8")));

describe.each(["micro", "macro"] as const)("F1 %s", (average) => {
  test.each(f1)("of case $# agrees with scikit-learn, and its interval with scipy", (each) => {
    const { truth, champion, challenger } = each;
    const { reach, gainReach, ...expected } = each[average];
    const own = f1Interval(truth, challenger, average);
    expect(own.estimate).toBeCloseTo(expected.challenger, 10);
    expect(f1Interval(truth, champion, average).estimate).toBeCloseTo(expected.champion, 10);
    expect(own.low).toBeCloseTo(Math.max(0, expected.challenger - reach), 8);
    expect(own.high).toBeCloseTo(Math.min(1, expected.challenger + reach), 8);
    const gain = f1Gain(truth, champion, challenger, average);
    expect(gain.estimate).toBeCloseTo(expected.challenger - expected.champion, 10);
    expect(gain.high - gain.low).toBeCloseTo(2 * gainReach, 8);
  });

  test("of entirely right rows has the width of Wilson's interval: few rows prove little", () => {
    const right = Array.from({ length: 10 }, () => [true, false]);
    const { estimate, low, high } = f1Interval(right, right, average);
    expect(high).toBe(1);
    if (average === "micro") expect(estimate).toBe(1);
    expect(low).toBeLessThan(0.73);
    expect(f1Gain(right, right, right, average)).toMatchObject({ estimate: 0 });
    expect(f1Gain(right, right, right, average).low).toBeLessThan(-0.1);
  });
});

test("an interval encloses its estimate and stays within 0 and 1", () => {
  const flags = fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(flags, flags, fc.constantFrom("micro", "macro"), (one, other, average) => {
      const rows = Math.min(one.length, other.length);
      const { estimate, low, high } = f1Interval(one.slice(0, rows), other.slice(0, rows), average);
      expect(low).toBeGreaterThanOrEqual(0);
      expect(high).toBeLessThanOrEqual(1);
      expect(estimate).toBeGreaterThanOrEqual(low);
      expect(estimate).toBeLessThanOrEqual(high);
    }),
  );
});
