import { expect, test } from "vitest";
import { describeEnd } from "./describe-end.ts";

const abort = { kind: "abort", by: "U1", name: "ada", at: 1, until: null, reason: "a recall" } as const;
const check = {
  name: "canary errors",
  verdict: "fail",
  measured: 3,
  limit: 1,
  unit: "",
  detail: "",
} as const;

test("an ended entry says who aborted its canary and why, otherwise which checks failed", () => {
  expect(describeEnd({ status: "ended", orders: [abort], checks: [check] })).toBe("aborted by ada: a recall");
  expect(describeEnd({ status: "ended", orders: [abort], checks: [] }, () => "Ada Byron")).toBe(
    "aborted by Ada Byron: a recall",
  );
  expect(describeEnd({ status: "ended", orders: [], checks: [check] })).toBe("failed: canary errors");
  expect(describeEnd({ status: "ended", orders: [], checks: [] })).toBeUndefined();
});

test("an abort that came too late ended nothing", () => {
  expect(describeEnd({ status: "promoted", orders: [abort], checks: [] })).toBeUndefined();
});
