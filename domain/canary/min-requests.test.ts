import { expect, test } from "vitest";
import { twoSidedZ } from "#domain/statistics/normal-quantile.ts";
import { confidenceLevels } from "./confidence-levels.ts";
import { computeMinRequests, passZ } from "./min-requests.ts";

test("the constant is the quantile of the level that a pass needs", () => {
  expect(passZ).toBeCloseTo(twoSidedZ(confidenceLevels.pass), 12);
});

test("a stricter limit needs more requests, and no failure at all needs more than there can be", () => {
  expect([0.02, 0.01, 0.001].map(computeMinRequests)).toEqual([189, 381, 3_838]);
  expect(computeMinRequests(0)).toBe(Number.POSITIVE_INFINITY);
});
