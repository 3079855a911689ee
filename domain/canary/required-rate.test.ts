import fc from "fast-check";
import { expect, test } from "vitest";
import { computeRequiredTraffic } from "./required-rate.ts";

const rule = { steps: [10, 50], bake: "PT30M", minSamples: 200, atMost: "PT6H" };

test("a canary of 10 and 50 % that allows 1 point more errors needs 13 requests a minute within six hours", () => {
  const { requests, perMinute } = computeRequiredTraffic(rule, { errorPoints: 1 });
  expect(requests).toBe(381);
  // 381 at a tenth of the traffic, then 381 at half of it.
  expect(perMinute).toBeCloseTo((381 / 0.1 + 381 / 0.5) / 360, 6);
});

test("the champion's share counts where it is the smaller one", () => {
  const lowest = computeRequiredTraffic({ ...rule, steps: [10] }, { errorPoints: 1 });
  expect(computeRequiredTraffic({ ...rule, steps: [90] }, { errorPoints: 1 })).toEqual(lowest);
});

test("no traffic is enough where the bakes take longer than atMost, or where no error is allowed", () => {
  expect(computeRequiredTraffic({ ...rule, atMost: "PT45M" }, { errorPoints: 1 }).perMinute).toBe(
    Number.POSITIVE_INFINITY,
  );
  expect(computeRequiredTraffic(rule, { errorPoints: 0 }).perMinute).toBe(Number.POSITIVE_INFINITY);
});

test("the rate is enough, and a slightly lower one is not", () => {
  const steps = fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(
      steps.map((all) => all.toSorted((a, b) => a - b)),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 5_000 }),
      (steps, bakeMinutes, minSamples) => {
        const { requests, perMinute } = computeRequiredTraffic(
          { steps, minSamples, bake: `PT${bakeMinutes}M`, atMost: "PT12H" },
          { errorPoints: 1 },
        );
        const lasts = (rate: number) =>
          steps.reduce(
            (sum, percent) =>
              sum + Math.max(bakeMinutes, requests / ((rate * Math.min(percent, 100 - percent)) / 100)),
            0,
          );
        expect(lasts(perMinute * 1.000_001)).toBeLessThanOrEqual(720);
        if (steps.length * bakeMinutes < 720) expect(lasts(perMinute * 0.99)).toBeGreaterThan(720 * 0.989);
      },
    ),
  );
});
