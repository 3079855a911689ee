import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { GatesInForce } from "#domain/policy/rules-in-force.ts";
import { type Golden, Input, Manifest, type Prediction } from "#model-folder/manifest/manifest.ts";
import type { Finding } from "#platform/images/images.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { checkGolden } from "./check-golden.ts";
import { checkHoldout } from "./check-holdout.ts";
import { checkImageSize } from "./check-image-size.ts";
import { checkLatency } from "./check-latency.ts";
import { checkScan } from "./check-scan.ts";
import { checkSchema } from "./check-schema.ts";
import { checkSmoke } from "./check-smoke.ts";
import { createScoreMetrics } from "./create-score-metrics.ts";
import { createMaeMetric, createRmseMetric } from "./score-metrics.ts";
import { Check, combineVerdicts } from "./verdict.ts";

const gates: GatesInForce = {
  latencyP95Ms: 50,
  imageSizeMb: 500,
  vulnerabilities: { critical: 0, high: 5 },
};
/** What a regression's holdout measures. */
const measureErrors = (truth: readonly Readonly<Record<string, number>>[]) => ({
  metrics: [createMaeMetric(truth), createRmseMetric(truth)],
  rows: truth.length,
});
/** What a classification's holdout measures. */
const measureLabels = (
  truth: readonly string[],
  labels: readonly string[] = ["stay", "churn"],
  positive = "churn",
) => ({
  metrics: createScoreMetrics(
    buildManifest({ task: "classification", output: { labels, positive }, gates }),
    { task: "classification", rows: truth.map(() => ({})), labels: truth },
  ),
  rows: truth.length,
});
const absent = { absent: "prod serves no version yet" };

describe("holdout", () => {
  /** 1,000 rows, 300 of them churn; a model is wrong in the rows that `wrong` says. */
  const truth = Array.from({ length: 1_000 }, (_, row) => (row % 10 < 3 ? "churn" : "stay"));
  const answers = (wrong: (row: number) => boolean): Prediction[] =>
    truth.map((label, row) => {
      const churn = (label === "churn") !== wrong(row) ? 0.9 : 0.1;
      return { label: churn > 0.5 ? "churn" : "stay", scores: { churn, stay: 1 - churn } };
    });
  const classified = (
    bounds: Partial<GatesInForce>,
    champion: Prediction[] | typeof absent,
    challenger: Prediction[],
  ) =>
    checkHoldout({
      gates: { ...gates, ...bounds },
      ...measureLabels(truth),
      champion,
      challenger,
    });
  const accuracy = { min: 0.75, notWorseThanChampionBy: 0.02 };
  const oftenRight = answers((row) => row % 5 === 0);

  test("accuracy passes at its minimum and fails below, and the detail shows the interval", () => {
    const { checks } = classified({ accuracy: { min: 0.8 } }, absent, oftenRight);
    expect(checks).toEqual([
      {
        name: "accuracy",
        verdict: "pass",
        measured: 0.8,
        limit: 0.8,
        unit: "",
        detail: "accuracy 0.8 (required ≥ 0.8; 95 % interval 0.774 to 0.824; 1000 holdout rows)",
      },
    ]);
    expect(combineVerdicts(classified({ accuracy: { min: 0.801 } }, absent, oftenRight).checks)).toBe("fail");
  });

  test.each([
    [29, "inconclusive"],
    [30, "pass"],
  ])(
    "with %i rows of a label its scores are %s; a score below its limit fails all the same",
    (rows, verdict) => {
      const truth = Array.from({ length: 500 }, (_, row) => (row < rows ? "churn" : "stay"));
      const predictions = truth.map((label) => ({
        label,
        scores: { churn: label === "churn" ? 0.9 : 0.1, stay: label === "churn" ? 0.1 : 0.9 },
      }));
      const judge = (challenger: Prediction[]) =>
        checkHoldout({
          gates: { ...gates, accuracy: { min: 0.75 }, auc: { min: 0.75 } },
          ...measureLabels(truth),
          champion: absent,
          challenger,
        }).checks;
      const checks = judge(predictions);
      expect(checks.map((check) => [check.name, check.verdict])).toEqual([
        ["accuracy", verdict],
        ["auc", verdict],
      ]);
      if (rows < 30)
        expect(checks[0]?.detail).toMatch(
          /; too few rows of a label to decide: label churn: 29 rows \(required ≥ 30\)$/,
        );
      const wrong = predictions.map(({ scores }) => ({
        label: "other",
        scores: { churn: 1 - scores.churn, stay: 0 },
      }));
      expect(judge(wrong).map((check) => check.verdict)).toEqual(["fail", "fail"]);
    },
  );

  test("a label of the manifest without any row makes accuracy inconclusive, and leaves AUC alone", () => {
    const { checks } = checkHoldout({
      gates: { ...gates, accuracy: { min: 0.5 }, auc: { min: 0.5 } },
      ...measureLabels(truth, ["stay", "churn", "pause"]),
      champion: absent,
      challenger: oftenRight,
    });
    expect(checks.map(({ verdict }) => verdict)).toEqual(["inconclusive", "pass"]);
    expect(checks[0]?.detail).toContain("label pause: 0 rows");
  });

  test("without a champion the comparison is omitted with a reason, under the metric's name in the table", () => {
    const { checks, omitted } = classified({ accuracy, auc: accuracy }, absent, oftenRight);
    expect(checks.map(({ name }) => name)).toEqual(["accuracy", "auc"]);
    expect(omitted).toEqual([
      { name: "accuracy vs champion", why: "prod serves no version yet" },
      { name: "AUC vs champion", why: "prod serves no version yet" },
    ]);
  });

  test.each([
    ["the same predictions pass", (row: number) => row % 5 === 0, "pass"],
    [
      "two in a hundred fewer correct predictions are inconclusive",
      (row: number) => row % 5 === 0 || row % 50 === 1,
      "inconclusive",
    ],
    [
      "ten in a hundred fewer correct predictions fail",
      (row: number) => row % 5 === 0 || row % 10 === 1,
      "fail",
    ],
    ["ten in a hundred more correct predictions pass", (row: number) => row % 10 === 0, "pass"],
  ] as const)("against the champion %s", (_, wrong, verdict) => {
    const { checks } = classified({ accuracy, auc: accuracy }, oftenRight, answers(wrong));
    for (const name of ["accuracy vs champion", "auc vs champion"])
      expect(checks.find((check) => check.name === name)?.verdict).toBe(verdict);
  });

  test("an unmeasurable AUC fails, and is inconclusive if only the champion lacks it", () => {
    const scoreless = oftenRight.map((answer, row) => (row === 4 ? { ...answer, scores: {} } : answer));
    const own = classified({ auc: accuracy }, oftenRight, scoreless).checks;
    expect(own).toMatchObject([
      {
        name: "auc",
        verdict: "fail",
        detail: "AUC not measurable: row 5 has no finite score for churn",
      },
    ]);
    expect(combineVerdicts(classified({ auc: accuracy }, scoreless, oftenRight).checks)).toBe("inconclusive");
  });

  test("a regression is judged by mae and rmse, and lower is better", () => {
    const values = Array.from({ length: 200 }, (_, row) => row);
    const off = (by: number) => values.map((value, row) => ({ scores: { y: value + (row % 2 ? by : -by) } }));
    const bound = { max: 2, notWorseThanChampionBy: 0.5 };
    const judge = (champion: number, challenger: number) =>
      checkHoldout({
        gates: { ...gates, mae: bound, rmse: bound },
        ...measureErrors(values.map((y) => ({ y }))),
        champion: off(champion),
        challenger: off(challenger),
      }).checks.map(({ name, verdict, measured }) => [name, verdict, measured]);
    expect(judge(1, 1.4)).toEqual([
      ["mae", "pass", 1.4],
      ["mae vs champion", "pass", -0.4],
      ["rmse", "pass", 1.4],
      ["rmse vs champion", "pass", -0.4],
    ]);
    expect(judge(1, 2.5).map(([, verdict]) => verdict)).toEqual(["fail", "fail", "fail", "fail"]);
    expect(judge(3, 1).map(([, verdict]) => verdict)).toEqual(["pass", "pass", "pass", "pass"]);
  });

  test("a regression of several values is scored over all values", () => {
    const truth = Array.from({ length: 100 }, (_, row) => ({ east: row, north: -row }));
    const answers = truth.map(({ east, north }) => ({ scores: { east: east + 3, north: north - 1 } }));
    const { checks } = checkHoldout({
      gates: { ...gates, mae: { max: 2 }, rmse: { max: 2.2 } },
      ...measureErrors(truth),
      champion: absent,
      challenger: answers,
    });
    expect(checks.map(({ name, verdict, measured }) => [name, verdict, measured])).toEqual([
      ["mae", "pass", 2],
      ["rmse", "fail", 2.23607],
    ]);
  });

  test("a holdout row without a prediction is refused", () =>
    expect(() => classified({ accuracy }, absent, oftenRight.slice(1))).toThrow(
      "999 predictions for 1000 holdout rows",
    ));
});

describe("golden vectors", () => {
  const expected: Prediction = { label: "stay", scores: { stay: 0.75, churn: 0.25 } };
  const golden: Golden = { tolerance: 1e-5, rows: [{ a: 1 }, { a: 2 }], predictions: [expected, expected] };
  const answer = (second: Prediction | undefined) => checkGolden({ golden, predictions: [expected, second] });

  test("predictions within the tolerance pass, and the largest difference is measured", () => {
    const check = answer({ label: "stay", scores: { stay: 0.750004, churn: 0.249996 } });
    expect(check.verdict).toBe("pass");
    expect(check.measured).toBeCloseTo(4e-6, 12);
  });

  test.each([
    [
      "a score beyond the tolerance",
      { ...expected, scores: { stay: 0.7502, churn: 0.2498 } },
      "largest difference 0.0002 in row 2 (limit 0.00001)",
    ],
    ["another label", { ...expected, label: "churn" }, "row 2 is predicted churn instead of stay"],
    ["no prediction", undefined, "row 2 has no prediction"],
    ["a missing score", { ...expected, scores: { stay: 0.75 } }, "row 2 has a score that is missing"],
    ["a score that is not finite", { ...expected, scores: { stay: Number.NaN, churn: 0.25 } }, "not finite"],
    ["a value where none was", { ...expected, value: 1 }, "row 2 has an unexpected value"],
  ])("%s fails and names the row", (_, second, words) => {
    const check = answer(second);
    expect(check.verdict).toBe("fail");
    expect(check.detail).toContain(words);
  });

  test("the tolerance for large values is relative", () => {
    const row = (value: number): Prediction => ({ value, scores: { price: value } });
    const judge = (value: number) =>
      checkGolden({
        golden: { tolerance: 1e-5, rows: [{}], predictions: [row(200_000)] },
        predictions: [row(value)],
      }).verdict;
    expect(judge(200_001.9)).toBe("pass");
    expect(judge(200_002.1)).toBe("fail");
  });
});

describe("latency and size", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);

  test("the p95 of 1 to 100 ms is 95 ms; the detail shows the limit, the interval and the cold start", () => {
    const check = checkLatency({ latenciesMs: hundred, coldStartMs: 612, limit: 95 });
    expect(check).toMatchObject({ verdict: "pass", measured: 95, limit: 95, unit: "ms" });
    expect(check.detail).toBe(
      "p95 latency 95 ms (limit 95 ms; 95 % interval 91 to 100 ms; 100 requests); cold start 612 ms",
    );
    expect(checkLatency({ latenciesMs: hundred, limit: 94 }).verdict).toBe("fail");
  });

  test("fewer than 20 requests are inconclusive", () => {
    expect(checkLatency({ latenciesMs: hundred.slice(0, 19), limit: 95 }).verdict).toBe("inconclusive");
    expect(checkLatency({ latenciesMs: [], limit: 95 })).toMatchObject({
      verdict: "inconclusive",
      measured: null,
    });
  });

  test("the limit of an image counts megabytes of 10⁶ bytes", () => {
    expect(checkImageSize({ sizeBytes: 500e6, limitMb: 500 })).toMatchObject({
      verdict: "pass",
      measured: 500,
    });
    expect(checkImageSize({ sizeBytes: 500e6 + 1, limitMb: 500 }).verdict).toBe("fail");
  });

  test("a function that leaves a request unanswered, or got none, does not pass", () => {
    expect(checkSmoke({ requests: 1, answered: 1 }).verdict).toBe("pass");
    expect(checkSmoke({ requests: 3, answered: 2, problem: "503" })).toMatchObject({
      verdict: "fail",
      detail: "2 of 3 requests answered: 503",
    });
    expect(checkSmoke({ requests: 0, answered: 0 }).verdict).toBe("inconclusive");
  });
});

describe("vulnerabilities", () => {
  const finding = (severity: Finding["severity"]): Finding => ({
    id: "CVE-2026-1",
    package: "left-pad",
    version: "1.0.0",
    severity,
    summary: "pads too far",
    fixedIn: "1.0.1",
  });
  const scan = (
    findings: Finding[],
    unknownEcosystems: string[] = [],
    scanned: Record<string, number> = { npm: 40 },
  ) =>
    checkScan({
      scan: {
        status: "complete",
        findings,
        scanned,
        unknownEcosystems,
        advisoriesAsOf: "2026-11-01T00:00:00Z",
        remedy: "Load them.",
      },
      limits: { critical: 0, high: 1 },
    });

  const judge = (...needs: Parameters<typeof scan>) => scan(...needs).checks.map(({ verdict }) => verdict);

  test("counts within the limits pass; a count above fails and names the package and the version with the fix", () => {
    expect(judge([finding("high"), finding("low")])).toEqual(["pass", "pass"]);
    expect(scan([finding("critical")]).checks[0]).toMatchObject({
      verdict: "fail",
      measured: 1,
      detail:
        "1 critical finding in 40 packages (limit 0; advisories as of 2026-11-01): left-pad 1.0.0 (CVE-2026-1, fixed in 1.0.1)",
    });
  });

  test("missing advisories, an empty scan and a finding without a severity are inconclusive, never a pass", () => {
    expect(judge([], ["deb"])).toEqual(["inconclusive", "inconclusive"]);
    expect(judge([], [], {})).toEqual(["inconclusive", "inconclusive"]);
    expect(judge([finding("unknown")])).toEqual(["inconclusive", "pass"]);
  });

  test("without any advisories nothing is checked, and the result says how to load them", () => {
    for (const scanned of [{}, { npm: 0 }] as Record<string, number>[])
      expect(scan([], ["npm"], scanned)).toEqual({
        checks: [],
        omitted: [
          {
            name: "vulnerabilities",
            why: "no advisories for npm",
            remedy: "Load them.",
          },
        ],
      });
    expect(judge([finding("critical")], ["npm"], {})).toEqual(["fail", "inconclusive"]);
  });

  test("a count above its limit fails, even if other facts are unknown", () =>
    expect(combineVerdicts(scan([finding("critical")], ["deb"]).checks)).toBe("fail"));
});

describe("input schema", () => {
  const churn = Manifest.parse(
    parse(readFileSync(new URL("../../models/churn/model.yaml", import.meta.url), "utf8")),
  );
  const having = (...inputs: unknown[]): Manifest => ({
    ...churn,
    inputs: inputs.map((input) => Input.parse(input)),
  });
  const judge = (before: unknown[], after: unknown[]) =>
    checkSchema({ champion: having(...before), challenger: having(...after) }).checks[0];
  const age = { name: "age", type: "integer", min: 0, max: 120 };
  const plan = { name: "plan", type: "category", values: ["a", "b"] };
  const note = { name: "note", type: "string", maxLength: 10 };

  test.each([
    ["a new required input", [age], [age, plan], "plan is new and required"],
    ["a removed input", [age, plan], [age], "plan was removed"],
    [
      "a narrower range",
      [age],
      [{ ...age, min: 18, max: 99 }],
      "age has minimum 18 instead of 0 and has maximum 99 instead of 120",
    ],
    ["a removed category", [plan], [{ ...plan, values: ["b", "c"] }], "plan no longer accepts a"],
    ["unknown categories refused", [{ ...plan, unknown: "map" }], [plan], "plan refuses unknown categories"],
    ["an input that becomes required", [{ ...age, required: false }], [age], "age is now required"],
    [
      "a number that becomes an integer",
      [{ ...age, type: "number" }],
      [age],
      "age has type integer instead of number",
    ],
    ["a shorter text", [note], [{ ...note, maxLength: 9 }], "note accepts 9 characters instead of 10"],
    ["another type", [age], [{ ...plan, name: "age" }], "age has type category instead of integer"],
    [
      "a category that becomes too short a text",
      [{ ...plan, values: ["elevencharss"] }],
      [{ ...note, name: "plan" }],
      "plan has type string instead of category",
    ],
  ])("%s is not backward compatible, and the detail names it", (_, before, after, words) => {
    const check = judge(before, after);
    expect(check?.verdict).toBe("fail");
    expect(check?.detail).toContain(words);
  });

  test.each([
    ["a new optional input", [age], [age, { ...plan, required: false }]],
    ["a wider range", [age], [{ ...age, min: -1, max: 150 }]],
    ["an integer that becomes a number", [age], [{ ...age, type: "number" }]],
    ["a new category", [plan], [{ ...plan, values: ["a", "b", "c"] }]],
    ["unknown categories mapped", [plan], [{ ...plan, values: ["a"], unknown: "map" }]],
    ["an input that becomes optional", [age], [{ ...age, required: false }]],
    ["a category that becomes any text", [plan], [{ ...note, name: "plan" }]],
  ])("%s is backward compatible", (_, before, after) => expect(judge(before, after)?.verdict).toBe("pass"));

  test("raw scores in place of probabilities are not backward compatible; logits are served as probabilities", () => {
    const withScores = (scores: string) =>
      Manifest.parse({ ...churn, output: { labels: ["stay", "churn"], positive: "churn", scores } });
    const judge = (before: string, after: string) =>
      checkSchema({ champion: withScores(before), challenger: withScores(after) }).checks[0];
    expect(judge("probabilities", "decision")).toMatchObject({
      verdict: "fail",
      detail: expect.stringContaining("scores decision instead of probabilities"),
    });
    expect(judge("logits", "probabilities")?.verdict).toBe("pass");
  });

  test.each([
    [
      "vectors of another pooling",
      { task: "embedding", output: { dimensions: 2, pooling: "mean" } },
      { output: { dimensions: 2, pooling: "cls", normalize: true } },
      ["pooling cls instead of mean", "vectors are normalized"],
    ],
    [
      "vectors of another length",
      { task: "embedding", output: { dimensions: 2, pooling: "mean" } },
      { output: { dimensions: 3, pooling: "mean" } },
      ["output embedding is float32 [3] instead of float32 [2]"],
    ],
    [
      "entities with fewer labels or shorter texts",
      { task: "entities", output: { labels: ["O", "B-PER", "B-LOC"] } },
      { output: { labels: ["O", "B-PER"] }, tokenizer: { maxTokens: 8 } },
      ["label LOC was removed", "accepts 8 tokens instead of 16"],
    ],
  ])("%s are not backward compatible", (_, before, after, words) => {
    const { accuracy: _accuracy, auc: _auc, ...gates } = churn.gates;
    const champion = Manifest.parse({
      ...churn,
      gates,
      inputs: [note],
      tokenizer: { maxTokens: 16 },
      ...before,
    });
    const challenger = Manifest.parse({ ...champion, ...after });
    for (const part of words) expect(checkSchema({ champion, challenger }).checks[0]?.detail).toContain(part);
    expect(checkSchema({ champion, challenger: champion }).checks[0]?.verdict).toBe("pass");
  });

  test("a removed label is not backward compatible; a first version has nothing to be compatible with", () => {
    const { output } = churn;
    if (!("labels" in output)) throw new Error("churn is a classifier");
    const fewer = { ...churn, output: { labels: ["stay", "left"] } } as Manifest;
    expect(checkSchema({ champion: churn, challenger: fewer }).checks[0]?.detail).toContain(
      "label churn was removed",
    );
    expect(checkSchema({ challenger: churn })).toMatchObject({
      checks: [],
      omitted: [{ name: "input schema" }],
    });
  });
});

test.each([
  [
    "multilabel",
    { labels: ["a", "b", "c"] },
    { labels: ["a", "b"], scores: "decision" },
    "output probabilities was removed; label c was removed",
  ],
  [
    "clustering",
    { labels: [0, 1], labelOutput: "l", distances: "d" },
    { labels: [0, 1, 2], labelOutput: "l" },
    "output distances was removed",
  ],
  ["anomaly", { labelOutput: "l" }, { labelOutput: "l", name: "oddity" }, "output score was removed"],
  ["ranking", {}, { name: "relevance" }, "output score was removed"],
] as const)(
  "a response of %s that loses a field or a label is not backward compatible",
  (task, before, after, why) => {
    const build = (output: object) => buildManifest({ task, output, gates });
    expect(checkSchema({ champion: build(before), challenger: build(after) }).checks[0]?.detail).toContain(
      why,
    );
    expect(checkSchema({ champion: build(before), challenger: build(before) }).checks[0]?.verdict).toBe(
      "pass",
    );
  },
);

test("every check survives JSON, with any measurement", () =>
  fc.assert(
    fc.property(fc.array(fc.double(), { maxLength: 60 }), fc.double(), (numbers, score) => {
      const prediction = (score: number): Prediction => ({ label: "a", scores: { a: score } });
      const checks = [
        checkLatency({ latenciesMs: numbers, limit: 50 }),
        checkGolden({
          golden: { tolerance: 1e-5, rows: [{}], predictions: [prediction(0.5)] },
          predictions: [prediction(score)],
        }),
        ...checkHoldout({
          gates: { ...gates, auc: { min: 0.5 } },
          ...measureLabels(
            numbers.map((_, row) => (row % 2 ? "a" : "b")),
            ["a", "b"],
            "a",
          ),
          champion: absent,
          challenger: numbers.map(prediction),
        }).checks,
        ...checkHoldout({
          gates: { ...gates, mae: { max: 1 }, rmse: { max: 1, notWorseThanChampionBy: 1 } },
          ...measureErrors(numbers.map(() => ({ y: 0 }))),
          champion: numbers.map((value) => ({ scores: { y: value / 2 } })),
          challenger: numbers.map((value) => ({ scores: { y: value } })),
        }).checks,
      ];
      for (const check of checks) expect(Check.parse(JSON.parse(JSON.stringify(check)))).toEqual(check);
    }),
  ));
