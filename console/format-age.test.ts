import { expect, test } from "vitest";
import { formatAge } from "./format-age.ts";

test.each([
  [999, "just now"],
  [-999, "just now"],
  [1_000, "1 s ago"],
  [3 * 3_600_000 + 1, "3 h ago"],
  [-59_999, "in 59 s"],
  [-49 * 3_600_000, "in 2 d"],
  // Just given an hour, or a day.
  [-3_599_990, "in 1 h"],
  [-86_390_000, "in 1 d"],
  [-100 * 60_000, "in 2 h"],
  [86_390_000, "23 h ago"],
])("%d ms", (age, text) => expect(formatAge(1_000_000_000 - age, 1_000_000_000)).toBe(text));
