import { expect, test } from "vitest";
import { formatNumber } from "./format-number.ts";

test.each([
  [0.0123, "0.012"],
  [9.96, "10"],
  [99.4, "99"],
  [99.9, "100"],
  [12_345.6, "12,346"],
])("%f is %s, never in powers of ten", (value, text) => {
  expect(formatNumber(value)).toBe(text);
});
