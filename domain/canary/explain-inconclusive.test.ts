import { expect, test } from "vitest";
import type { Check } from "#domain/gates/verdict.ts";
import { checkErrors, checkLabels, checkP95, checkSamples } from "./canary-checks.ts";
import { describeInconclusiveCanary } from "./explain-inconclusive.ts";
import { choosePercentiles } from "./p95-interval.ts";

const createArm = (requests: number, latencyMs: number, churn = 0.3) => ({
  ...{ requests, failures: 0, unreported: 0 },
  labels: new Map([
    ["stay", (1 - churn) * requests],
    ["churn", churn * requests],
  ]),
  latencyMs: choosePercentiles(requests).map((percentile) => latencyMs * (percentile > 95 ? 2 : 1)),
});
const check = (requests: number, changes: { ms?: number; churn?: number; errorPoints?: number } = {}) => {
  const arms = {
    champion: createArm(requests, 50),
    challenger: createArm(requests, changes.ms ?? 50, changes.churn),
  };
  return [
    checkSamples(arms, 200),
    checkErrors(arms, changes.errorPoints ?? 1),
    checkP95(arms, { ratio: 1.5, slackMs: 20 }),
    checkLabels(arms, 10, ["stay", "churn"]),
  ];
};
const explain = (checks: readonly Check[]) => describeInconclusiveCanary(10, checks).why;

test("too few requests are the cause only below the number that a pass needs, which the limit of errors may raise", () => {
  expect(explain(check(57))).toBe(
    "live traffic was not enough (57 of the 381 requests to each version that a pass needs)",
  );
  expect(explain(check(380))).toMatch(/^live traffic was not enough \(380 of the 381/);
  expect(explain(check(1_366, { ms: 70 }))).toBe("latency p95 is inconclusive");
});

test("with enough requests every inconclusive check of live traffic is named, and no other check", () => {
  const inconclusive = {
    measured: null,
    limit: null,
    unit: "",
    verdict: "inconclusive",
    detail: "",
  } as const;
  expect(
    explain([
      { ...inconclusive, name: "auc" },
      { ...inconclusive, name: "canary traffic" },
      ...check(1_366, { ms: 70, churn: 0.39 }),
      { ...inconclusive, name: "replay latency p95" },
    ]),
  ).toBe("latency p95 and labels are inconclusive");
});

test("where no number of requests is enough, their number is not the cause", () => {
  expect(explain(check(1_366, { errorPoints: 0 }))).toBe("errors and latency p95 are inconclusive");
});

test("a question of an old record, without live checks, names no cause that is not known", () => {
  expect(explain([])).toBe("not every check of its live traffic has a verdict");
});
