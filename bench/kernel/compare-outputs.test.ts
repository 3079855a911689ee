import { expect, test } from "vitest";
import { compareOutputs } from "./compare-outputs.ts";

const expected = Float64Array.from({ length: 10_000 }, (_, index) => index / 10_000);
const change = (count: number, by: number) =>
  expected.map((value, index) => (index < count ? value + by : value));

test("answers that differ by less than the tolerance are right, and the largest difference is shown", () => {
  const comparison = compareOutputs(change(10_000, 5e-5), expected);
  expect(comparison).toMatchObject({ share: 0, isRight: true });
  expect(comparison.largest).toBeCloseTo(5e-5, 10);
});

test("one answer in a thousand may differ, because thresholds have 64 bits in the library; more is wrong", () => {
  expect(compareOutputs(change(10, 0.2), expected)).toMatchObject({ share: 0.001, isRight: true });
  expect(compareOutputs(change(11, 0.2), expected)).toMatchObject({ isRight: false });
});

test("a number of answers that differs is wrong, and so is an answer that is not a number", () => {
  expect(compareOutputs(expected.subarray(1), expected).isRight).toBe(false);
  expect(compareOutputs(Float64Array.from([...expected, 0]), expected).isRight).toBe(false);
  expect(compareOutputs(change(1, Number.NaN), expected).isRight).toBe(false);
});
