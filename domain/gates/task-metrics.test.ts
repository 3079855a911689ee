import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { GatesInForce } from "#domain/policy/rules-in-force.ts";
import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import type { Holdout } from "#model-folder/rows/holdout.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { checkHoldout, checkMissingHoldout } from "./check-holdout.ts";
import { createScoreMetrics } from "./create-score-metrics.ts";

// Reference values: scikit-learn and scipy on the same arrays (test/support/statistics/make_reference.py).
const Numbers = z.array(z.number());
const reference = z
  .object({
    quantiles: z.array(
      z.object({
        levels: Numbers,
        truth: Numbers,
        predicted: z.array(Numbers),
        pinball: z.number(),
        coverage: z.number(),
      }),
    ),
    deviation: z.array(z.object({ truth: Numbers, mean: Numbers, deviation: Numbers, coverage: z.number() })),
    ranking: z.array(
      z.object({
        at: z.int(),
        groups: z.array(z.object({ relevances: Numbers, scores: Numbers, ndcg: z.number() })),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync("test/support/statistics/reference.json", "utf8")));

const gates: GatesInForce = {
  latencyP95Ms: 50,
  imageSizeMb: 500,
  vulnerabilities: { critical: 0, high: 5 },
};
const build = (task: Manifest["task"], output: object): Manifest => buildManifest({ task, output, gates });
const x = {};
const rowsOf = (count: number) => Array.from({ length: count }, () => x);

const measure = (manifest: Manifest, holdout: Holdout, predictions: readonly Prediction[]) =>
  Object.fromEntries(
    createScoreMetrics(manifest, holdout).map((metric) => {
      const measured = metric.measure(predictions);
      return [metric.name, typeof measured === "string" ? measured : measured.estimate];
    }),
  );

describe("scores of other tasks", () => {
  test.each(reference.quantiles)(
    "pinball loss and coverage of quantiles $levels agree with scikit-learn",
    (each) => {
      const names = each.levels.map((level) => `q${level}`);
      const manifest = build("regression", { names, quantiles: each.levels });
      const predictions = each.predicted.map((values) => ({
        scores: Object.fromEntries(names.map((name, index) => [name, values[index] ?? 0])),
      }));
      const holdout: Holdout = { task: "quantiles", rows: rowsOf(each.truth.length), values: each.truth };
      const scores = measure(manifest, holdout, predictions);
      expect(scores.pinball).toBeCloseTo(each.pinball, 10);
      expect(scores.coverage).toBeCloseTo(each.coverage, 10);
    },
  );

  test.each(reference.deviation)(
    "the coverage of value and deviation agrees with scipy's normal distribution",
    (each) => {
      const manifest = build("regression", { name: "y", deviation: "s" });
      const predictions = each.mean.map((y, row) => ({ scores: { y, s: each.deviation[row] ?? 0 } }));
      const values = each.truth.map((y) => ({ y }));
      const scores = measure(
        manifest,
        { task: "regression", rows: rowsOf(values.length), values },
        predictions,
      );
      expect(scores.coverage).toBeCloseTo(each.coverage, 10);
      expect(scores).toHaveProperty("mae");
    },
  );

  test.each(reference.ranking)(
    "NDCG@$at is the mean of scikit-learn's ndcg_score over groups, ties averaged",
    (each) => {
      const manifest = build("ranking", { at: each.at });
      const relevances = each.groups.flatMap((group) => group.relevances);
      const holdout: Holdout = {
        task: "ranking",
        rows: rowsOf(relevances.length),
        relevances,
        groups: each.groups.flatMap((group, index) => group.relevances.map(() => `g${index}`)),
      };
      const predictions = each.groups.flatMap(({ scores }) => scores.map((score) => ({ scores: { score } })));
      const mean = each.groups.reduce((sum, { ndcg }) => sum + ndcg, 0) / each.groups.length;
      expect(measure(manifest, holdout, predictions).ndcg).toBeCloseTo(mean, 10);
    },
  );

  test("a group in which every order is right says nothing about a ranking", () => {
    const manifest = build("ranking", {});
    const holdout: Holdout = {
      task: "ranking",
      rows: rowsOf(4),
      relevances: [0, 1, 0, 0],
      groups: ["a", "a", "b", "b"],
    };
    const predictions = [1, 2, 3, 4].map((score) => ({ scores: { score } }));
    expect(measure(manifest, holdout, predictions)).toEqual({ ndcg: 1 });
    const flat: Holdout = { ...holdout, relevances: [1, 1, 0, 0] };
    expect(measure(manifest, flat, predictions).ndcg).toBe(
      "in each group of the holdout all rows are equally relevant",
    );
  });

  test.each([
    ["low", [-0.5, 0.2, 0.3, -0.1]],
    ["high", [0.5, -0.2, -0.3, 0.1]],
  ])("the AUC of an anomaly with %s scores counts anomalies as positive", (anomalyIs, scores) => {
    const manifest = build("anomaly", { labelOutput: "label", normal: 1, anomaly: -1, anomalyIs });
    const labels = ["-1", "1", "1", "-1"];
    const predictions = scores.map((value) => ({ label: "1", value, scores: { score: value } }));
    expect(measure(manifest, { task: "anomaly", rows: rowsOf(4), labels }, predictions)).toEqual({
      accuracy: 0.5,
      auc: 1,
      f1: 0,
    });
  });
});

describe("gates of other tasks", () => {
  const truth = Array.from({ length: 300 }, (_, row) => ["a", ...(row % 3 === 0 ? ["b"] : [])]);
  const manifest = build("multilabel", { labels: ["a", "b"] });
  const metrics = createScoreMetrics(manifest, { task: "multilabel", rows: rowsOf(300), labelSets: truth });
  const answer = (wrong: (row: number) => boolean): Prediction[] =>
    truth.map((labels, row) => ({ labels: wrong(row) ? [] : labels, scores: {} }));
  const f1 = { min: 0.8, notWorseThanChampionBy: 0.02 };
  const judge = (champion: Prediction[], challenger: Prediction[]) =>
    checkHoldout({ gates: { ...gates, f1Micro: f1, f1Macro: f1 }, metrics, rows: 300, champion, challenger })
      .checks;

  test("several labels pass where they are as good as the champion, and fail where they are clearly worse", () => {
    const good = answer((row) => row % 20 === 0);
    expect(judge(good, good).map(({ verdict }) => verdict)).toEqual(["pass", "pass", "pass", "pass"]);
    expect(
      judge(
        good,
        answer((row) => row % 3 !== 0),
      ).map(({ name, verdict }) => [name, verdict]),
    ).toEqual([
      ["f1Micro", "fail"],
      ["f1Micro vs champion", "fail"],
      ["f1Macro", "fail"],
      ["f1Macro vs champion", "fail"],
    ]);
  });

  test("a coverage fails below its minimum and above its maximum", () => {
    const interval = build("regression", { names: ["low", "high"], quantiles: [0.1, 0.9] });
    const values = Array.from({ length: 100 }, (_, row) => row);
    const verdict = (reach: number) =>
      checkHoldout({
        gates: { ...gates, coverage: { min: 0.7, max: 0.9 } },
        metrics: createScoreMetrics(interval, { task: "quantiles", rows: rowsOf(100), values }),
        rows: 100,
        champion: { absent: "no champion yet" },
        challenger: values.map(() => ({ scores: { low: 50 - reach, high: 50 + reach } })),
      }).checks.map(({ verdict, limit }) => [verdict, limit]);
    expect(verdict(40)).toEqual([["pass", 0.7]]);
    expect(verdict(20)).toEqual([["fail", 0.7]]);
    expect(verdict(60)).toEqual([["fail", 0.9]]);
  });

  test("a gate that the challenger's output cannot be measured by fails", () => {
    const { checks } = checkHoldout({
      gates: { ...gates, ndcg: { min: 0.5 } },
      metrics,
      rows: 300,
      champion: { absent: "no champion yet" },
      challenger: answer(() => false),
    });
    expect(checks).toMatchObject([{ name: "ndcg", verdict: "fail" }]);
  });
});

describe("a challenger without truth", () => {
  const accuracy = { min: 0.8, notWorseThanChampionBy: 0.05 };

  test("fails each score that the champion's manifest has a gate for", () => {
    const { checks } = checkMissingHoldout({
      gates: { ...gates, accuracy, auc: { notWorseThanChampionBy: 0.05 } },
      gated: ["accuracy"],
      championHasHoldout: true,
    });
    expect(checks.map(({ name, verdict }) => [name, verdict])).toEqual([
      ["accuracy", "fail"],
      ["auc", "fail"],
    ]);
    expect(checks[0]?.detail).toContain("the commit has no holdout.csv");
  });

  test("whose champion had none either is judged by what needs no truth, and this is said", () => {
    const { checks, omitted } = checkMissingHoldout({
      gates: { ...gates, accuracy: { notWorseThanChampionBy: 0.05 } },
      gated: [],
      championHasHoldout: false,
    });
    expect(checks).toEqual([]);
    expect(omitted).toEqual([
      { name: "accuracy vs champion", why: "no holdout.csv: the rows have no truth" },
      {
        name: "holdout",
        why: "no holdout.csv: no score was measured, only golden vectors, latency, image size and input schema",
      },
    ]);
  });
});

test.each([
  ["anomaly", { threshold: 0 }, ["normal", "anomaly"], { accuracy: { min: 0 }, f1: { min: 0 } }],
  [
    "clustering",
    { labels: ["normal", "anomaly"], labelOutput: "label" },
    ["normal", "anomaly"],
    { accuracy: { min: 0 } },
  ],
] as const)(
  "fewer than 30 rows of a label decide nothing, also of the task %s",
  (task, output, [many, few], scores) => {
    const manifest = build(task, output);
    const check = (rare: number) => {
      const labels = Array.from({ length: 100 }, (_, row) => (row < rare ? few : many));
      const predictions = labels.map((label, row) => ({ label, scores: { score: row } }));
      const metrics = createScoreMetrics(manifest, { task, rows: rowsOf(100), labels });
      const bounds = { ...gates, ...scores };
      const champion = { absent: "first version" };
      return checkHoldout({
        gates: bounds,
        metrics,
        rows: 100,
        challenger: predictions,
        champion,
      }).checks.map(({ verdict }) => verdict);
    };
    expect(new Set(check(30))).toEqual(new Set(["pass"]));
    expect(new Set(check(29))).toEqual(new Set(["inconclusive"]));
  },
);
