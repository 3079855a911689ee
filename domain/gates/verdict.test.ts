import { expect, test } from "vitest";
import { judgeAtMost, judgeDifference, pickWorstVerdict } from "./verdict.ts";

test.each([
  [-0.02, 0.01, "pass"],
  [-0.021, 0.01, "inconclusive"],
  [-0.021, -0.02, "inconclusive"],
  [-0.05, -0.0201, "fail"],
  [Number.NaN, 0.01, "inconclusive"],
] as const)("a difference from %d to %d with a margin of 0.02 is %s", (low, high, verdict) =>
  expect(judgeDifference({ low, high, margin: 0.02 })).toBe(verdict),
);

test.each([
  [-1, 1, "pass"],
  [0.5, 1.1, "inconclusive"],
  [1, 2, "inconclusive"],
  [1.01, 2, "fail"],
  [0, Number.NaN, "inconclusive"],
] as const)("a growth from %d to %d with a limit of 1 is %s", (low, high, verdict) =>
  expect(judgeAtMost({ low, high, limit: 1 })).toBe(verdict),
);

test("the worst verdict counts, and no verdict is inconclusive", () => {
  expect(pickWorstVerdict(["pass", "inconclusive", "fail"])).toBe("fail");
  expect(pickWorstVerdict(["pass", "inconclusive"])).toBe("inconclusive");
  expect(pickWorstVerdict(["pass", "pass"])).toBe("pass");
  expect(pickWorstVerdict([])).toBe("inconclusive");
});
