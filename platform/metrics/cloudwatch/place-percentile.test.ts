import fc from "fast-check";
import { expect, test } from "vitest";
import { toNearestRank } from "#platform/metrics/nearest-rank.ts";
import { placePercentile } from "./place-percentile.ts";

const ascending = (left: number, right: number) => left - right;

test("a percentile of values with both signs is found in one of two metrics, even after CloudWatch's rounding", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 1, maxLength: 300 }),
      fc.double({ min: 0, max: 100, noNaN: true }),
      (values, wanted) => {
        const negative = values.filter((value) => value < 0).map((value) => -value);
        const other = values.filter((value) => value >= 0);
        const place = placePercentile(wanted, { negative: negative.length, other: other.length });
        const metric = (place.isNegative ? negative : other).toSorted(ascending);
        const rounded = negative.length === 0 ? place.percentile : Number(place.percentile.toFixed(2));
        const found = metric[toNearestRank(rounded, metric.length) - 1] ?? Number.NaN;
        expect(place.isNegative ? -found : found).toBe(
          values.toSorted(ascending)[toNearestRank(wanted, values.length) - 1],
        );
      },
    ),
  );
});

test("without negative values the percentile keeps its name", () =>
  expect(placePercentile(25, { negative: 0, other: 7 })).toEqual({ isNegative: false, percentile: 25 }));
