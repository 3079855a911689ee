import { describe, expect, test } from "vitest";
import { compareLatency, type Timings } from "./compare-latency.ts";
import { compareScores } from "./compare-scores.ts";
import { createAccuracyMetric, createMaeMetric } from "./score-metrics.ts";
import type { Check } from "./verdict.ts";

const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
const check = (name: string, verdict: Check["verdict"]): Check => ({
  ...{ name, verdict, measured: 1, limit: 20, unit: "ms", detail: "" },
});

describe("the scores of both versions", () => {
  const truth = ["yes", "no", "yes", "no"];
  const predict = (...labels: string[]) => labels.map((label) => ({ label, scores: {} }));
  const accuracy = createAccuracyMetric(truth);
  const compare = {
    gates: { ...gates, accuracy: { min: 0.5, notWorseThanChampionBy: 0.02 } },
    metrics: [accuracy],
    champion: predict("yes", "no", "no", "yes"),
    challenger: predict("yes", "no", "yes", "yes"),
    checks: [
      check("accuracy", "pass"),
      check("accuracy vs champion", "inconclusive"),
      check("smoke", "fail"),
    ],
  };

  test("are shown with the interval of new minus old, the limits in words and the worst of their own verdicts", () => {
    const [row] = compareScores(compare);
    expect(row).toMatchObject({
      name: "accuracy",
      champion: 0.5,
      challenger: 0.75,
      limit: "≥ 0.5, at most 0.02 worse",
      verdict: "inconclusive",
    });
    const { low = 1, high = 0 } = row?.interval ?? {};
    expect(low).toBeLessThan(0.25);
    expect(high).toBeGreaterThan(0.25);
  });

  test("of an error are new minus old too: below 0 where the new version is better", () => {
    const errors = (...values: number[]) => values.map((value) => ({ scores: { price: value } }));
    const metric = createMaeMetric([1, 2, 3, 4].map((price) => ({ price })));
    const [row] = compareScores({
      ...compare,
      metrics: [metric],
      champion: errors(2, 3.1, 4.2, 5),
      challenger: errors(1, 2.1, 3, 4.1),
      checks: [],
    });
    expect(row?.interval?.high).toBeLessThan(0);
    expect(row).toMatchObject({ limit: "", verdict: null });
  });

  test("without a champion have no difference", () => {
    expect(compareScores({ ...compare, champion: undefined })[0]).toMatchObject({
      champion: null,
      challenger: 0.75,
      interval: null,
    });
  });
});

describe("latency and cost of both versions", () => {
  const timings = (start: number, memoryMb = 1_024): Timings => ({
    latenciesMs: Array.from({ length: 200 }, (_, index) => start + index / 100),
    memoryMb,
  });
  const compare = (challenger: Timings, champion: Timings | undefined) =>
    compareLatency({ challenger, champion, check: check("latency p95", "pass") });

  test("the interval of the difference of two 95th percentiles contains it", () => {
    const [row] = compare(timings(5), timings(8));
    const difference = (row?.challenger ?? 0) - (row?.champion ?? 0);
    expect(difference).toBeCloseTo(-3, 6);
    expect(row?.interval?.low).toBeLessThan(difference);
    expect(row?.interval?.high).toBeGreaterThan(difference);
    expect(row).toMatchObject({ unit: "ms", limit: "≤ 20", verdict: "pass" });
  });

  test("too few requests have no interval", () => {
    const few = { latenciesMs: [1, 2, 3], memoryMb: 512 };
    expect(compare(few, few)[0]?.interval).toBeNull();
    expect(compare(timings(1), undefined)[0]).toMatchObject({ champion: null, interval: null });
  });

  test("a million requests of 10 ms with 1 GB cost 0.33 USD: 10,000 GB-seconds and the requests", () => {
    const constant = { latenciesMs: Array(20).fill(10), memoryMb: 1_024 };
    const [, cost] = compare(constant, { ...constant, memoryMb: 2_048 });
    expect(cost).toMatchObject({
      name: "cost per million",
      unit: "USD",
      challenger: 0.3333,
      champion: 0.4667,
    });
  });
});
