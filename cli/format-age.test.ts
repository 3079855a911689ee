import { expect, test } from "vitest";
import { formatAge } from "./format-age.ts";

test.each([
  [0, "0 s ago"],
  [59_999, "59 s ago"],
  [60_000, "1 min ago"],
  [3 * 3_600_000 + 1, "3 h ago"],
  [49 * 3_600_000, "2 d ago"],
  [-5_000, "0 s ago"],
])("%d ms", (age, text) => expect(formatAge(1_000_000_000 - age, 1_000_000_000)).toBe(text));
