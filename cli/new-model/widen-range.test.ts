import { expect, test } from "vitest";
import { widenRange } from "./widen-range.ts";

test("a range is the data's with half its span on either side, outward to two digits", () => {
  expect(widenRange(19, 77, true)).toEqual({ min: 0, max: 110 });
  expect(widenRange(-14.9, 40, false)).toEqual({ min: -50, max: 70 });
  expect(widenRange(4.3, 7.9, false)).toEqual({ min: 2.5, max: 9.7 });
  expect(widenRange(0.1, 0.3, false)).toEqual({ min: 0, max: 0.4 });
});

test("what was never negative stays so, and what was never positive", () => {
  expect(widenRange(1, 1_000, false).min).toBe(0);
  expect(widenRange(-1_000, -1, false).max).toBe(0);
});

test("0 and 1 are a flag; one value only still leaves room", () => {
  expect(widenRange(0, 1, true)).toEqual({ min: 0, max: 1 });
  expect(widenRange(0, 0, true)).toEqual({ min: 0, max: 1 });
  expect(widenRange(7, 7, false)).toEqual({ min: 3.5, max: 10.5 });
});
