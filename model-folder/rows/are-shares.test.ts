import { expect, test } from "vitest";
import { areShares } from "./are-shares.ts";

test("shares of a forest are shares, although their float32 sums end a little beside 1", () => {
  expect(
    areShares([
      [1.0000001192092896, 0, 0],
      [0.3, 0.6999998, -1e-8],
    ]),
  ).toBe(true);
  expect(areShares([[1.00005, 0]])).toBe(true);
});

test("half-precision shares have three digits", () => {
  const row = [0.3335, 0.3335, 0.3367];
  expect(areShares([row])).toBe(false);
  expect(areShares([row], { type: "float16" })).toBe(true);
});

test("the tolerance of a sum grows with the width", () => {
  const wide = Array.from({ length: 100_000 }, () => 1.006e-5);
  expect(areShares([wide])).toBe(true);
  expect(areShares([[0.503, 0.503]])).toBe(false);
});

test.each([
  ["logits", [[2, -1]]],
  ["values that are far below 0", [[-0.01, 1.01]]],
  ["values between 0 and 1 with another sum", [[0.9, 0.8]]],
  ["no rows", []],
])("%s are no shares", (_, rows) => expect(areShares(rows)).toBe(false));

test("without sums only the range counts, as for one value per row", () => {
  expect(areShares([[0.9, 0.8]], { sums: false })).toBe(true);
  expect(areShares([[0.2], [0.9]])).toBe(true);
  expect(areShares([[0.2], [1.9]])).toBe(false);
});
