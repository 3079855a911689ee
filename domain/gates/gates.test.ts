import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { GatesInForce } from "#domain/policy/rules-in-force.ts";
import { type Golden, Input, Manifest, type Prediction } from "#model-folder/manifest/manifest.ts";
import type { Finding } from "#platform/images/images.ts";
import { checkGolden } from "./check-golden.ts";
import { checkHoldout } from "./check-holdout.ts";
import { checkImageSize } from "./check-image-size.ts";
import { checkLatency } from "./check-latency.ts";
import { checkScan } from "./check-scan.ts";
import { checkSchema } from "./check-schema.ts";
import { checkSmoke } from "./check-smoke.ts";
import { Check, combineVerdicts } from "./verdict.ts";

const gates: GatesInForce = {
  latencyP95Ms: 50,
  imageSizeMb: 500,
  vulnerabilities: { critical: 0, high: 5 },
};
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
      task: "classification",
      positive: "churn",
      truth,
      champion,
      challenger,
    });
  const accuracy = { min: 0.75, notWorseThanChampionBy: 0.02 };
  const oftenRight = answers((row) => row % 5 === 0);

  test("accuracy is held to its minimum by what was measured, its interval told", () => {
    const { checks } = classified({ accuracy: { min: 0.8 } }, absent, oftenRight);
    expect(checks).toEqual([
      {
        name: "accuracy",
        verdict: "pass",
        measured: 0.8,
        limit: 0.8,
        unit: "",
        detail: "accuracy is 0.8 on 1000 holdout rows (95 % interval 0.774 to 0.824); at least 0.8 is asked.",
      },
    ]);
    expect(combineVerdicts(classified({ accuracy: { min: 0.801 } }, absent, oftenRight).checks)).toBe("fail");
  });

  test("without a champion the comparison is omitted and says why", () => {
    const { checks, omitted } = classified({ accuracy, auc: accuracy }, absent, oftenRight);
    expect(checks.map(({ name }) => name)).toEqual(["accuracy", "auc"]);
    expect(omitted).toEqual([
      { name: "accuracy vs champion", why: "prod serves no version yet" },
      { name: "auc vs champion", why: "prod serves no version yet" },
    ]);
  });

  test.each([
    ["the same answers pass", (row: number) => row % 5 === 0, "pass"],
    [
      "two in a hundred fewer right answers are inconclusive",
      (row: number) => row % 5 === 0 || row % 50 === 1,
      "inconclusive",
    ],
    ["ten in a hundred fewer right answers fail", (row: number) => row % 5 === 0 || row % 10 === 1, "fail"],
    ["ten in a hundred more right answers pass", (row: number) => row % 10 === 0, "pass"],
  ] as const)("against the champion %s", (_, wrong, verdict) => {
    const { checks } = classified({ accuracy, auc: accuracy }, oftenRight, answers(wrong));
    for (const name of ["accuracy vs champion", "auc vs champion"])
      expect(checks.find((check) => check.name === name)?.verdict).toBe(verdict);
  });

  test("an AUC that cannot be measured fails, and is inconclusive where only the champion lacks it", () => {
    const scoreless = oftenRight.map((answer, row) => (row === 4 ? { ...answer, scores: {} } : answer));
    const own = classified({ auc: accuracy }, oftenRight, scoreless).checks;
    expect(own).toMatchObject([
      {
        name: "auc",
        verdict: "fail",
        detail: "AUC cannot be measured: row 5 was answered without a finite score for churn.",
      },
    ]);
    expect(combineVerdicts(classified({ auc: accuracy }, scoreless, oftenRight).checks)).toBe("inconclusive");
  });

  test("regression is held to mae and rmse, lower being better", () => {
    const values = Array.from({ length: 200 }, (_, row) => row);
    const off = (by: number) => values.map((value, row) => ({ scores: { y: value + (row % 2 ? by : -by) } }));
    const bound = { max: 2, notWorseThanChampionBy: 0.5 };
    const judge = (champion: number, challenger: number) =>
      checkHoldout({
        gates: { ...gates, mae: bound, rmse: bound },
        task: "regression",
        truth: values.map((y) => ({ y })),
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

  test("a regression of several values is scored over all of them", () => {
    const truth = Array.from({ length: 100 }, (_, row) => ({ east: row, north: -row }));
    const answers = truth.map(({ east, north }) => ({ scores: { east: east + 3, north: north - 1 } }));
    const { checks } = checkHoldout({
      gates: { ...gates, mae: { max: 2 }, rmse: { max: 2.2 } },
      task: "regression",
      truth,
      champion: absent,
      challenger: answers,
    });
    expect(checks.map(({ name, verdict, measured }) => [name, verdict, measured])).toEqual([
      ["mae", "pass", 2],
      ["rmse", "fail", 2.23607],
    ]);
  });

  test("answers to other rows than the holdout's are refused", () =>
    expect(() => classified({ accuracy }, absent, oftenRight.slice(1))).toThrow(
      "999 answers to 1000 holdout rows",
    ));
});

describe("golden vectors", () => {
  const expected: Prediction = { label: "stay", scores: { stay: 0.75, churn: 0.25 } };
  const golden: Golden = { tolerance: 1e-5, rows: [{ a: 1 }, { a: 2 }], predictions: [expected, expected] };
  const answer = (second: Prediction | undefined) => checkGolden({ golden, answered: [expected, second] });

  test("answers within the tolerance pass, and the largest difference is told", () => {
    const check = answer({ label: "stay", scores: { stay: 0.750004, churn: 0.249996 } });
    expect(check.verdict).toBe("pass");
    expect(check.measured).toBeCloseTo(4e-6, 12);
  });

  test.each([
    [
      "a score beyond the tolerance",
      { ...expected, scores: { stay: 0.7502, churn: 0.2498 } },
      "the largest difference is 0.0002, in row 2",
    ],
    ["another label", { ...expected, label: "churn" }, "row 2 is predicted churn instead of stay"],
    ["no answer", undefined, "row 2 has no prediction"],
    ["a missing score", { ...expected, scores: { stay: 0.75 } }, "row 2 has a score that is missing"],
    ["a score that is not finite", { ...expected, scores: { stay: Number.NaN, churn: 0.25 } }, "not finite"],
    ["a value where none was", { ...expected, value: 1 }, "row 2 has an unexpected value"],
  ])("%s fails and names the row", (_, second, words) => {
    const check = answer(second);
    expect(check.verdict).toBe("fail");
    expect(check.detail).toContain(words);
  });

  test("values of regression may differ by the tolerance of their size", () => {
    const row = (value: number): Prediction => ({ value, scores: { price: value } });
    const judge = (value: number) =>
      checkGolden({
        golden: { tolerance: 1e-5, rows: [{}], predictions: [row(200_000)] },
        answered: [row(value)],
      }).verdict;
    expect(judge(200_001.9)).toBe("pass");
    expect(judge(200_002.1)).toBe("fail");
  });
});

describe("latency and size", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);

  test("the p95 of 1 to 100 ms is 95 ms, held to the limit, with its interval and the cold start", () => {
    const check = checkLatency({ latenciesMs: hundred, coldStartMs: 612, limit: 95 });
    expect(check).toMatchObject({ verdict: "pass", measured: 95, limit: 95, unit: "ms" });
    expect(check.detail).toContain("95 % interval 91 to 100");
    expect(check.detail).toContain("cold start took 612 ms");
    expect(checkLatency({ latenciesMs: hundred, limit: 94 }).verdict).toBe("fail");
  });

  test("fewer than 20 answers are inconclusive", () => {
    expect(checkLatency({ latenciesMs: hundred.slice(0, 19), limit: 95 }).verdict).toBe("inconclusive");
    expect(checkLatency({ latenciesMs: [], limit: 95 })).toMatchObject({
      verdict: "inconclusive",
      measured: null,
    });
  });

  test("an image is held to its limit in millions of bytes", () => {
    expect(checkImageSize({ sizeBytes: 500e6, limitMb: 500 })).toMatchObject({
      verdict: "pass",
      measured: 500,
    });
    expect(checkImageSize({ sizeBytes: 500e6 + 1, limitMb: 500 }).verdict).toBe("fail");
  });

  test("a function that answers not all, or was not asked, does not pass", () => {
    expect(checkSmoke({ asked: 1, answered: 1 }).verdict).toBe("pass");
    expect(checkSmoke({ asked: 3, answered: 2, problem: "503" })).toMatchObject({
      verdict: "fail",
      detail: "The deployed function answered 2 of 3 requests: 503.",
    });
    expect(checkSmoke({ asked: 0, answered: 0 }).verdict).toBe("inconclusive");
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
      },
      limits: { critical: 0, high: 1 },
    });

  test("counts within the limits pass, one above fails and names the package and its remedy", () => {
    expect(scan([finding("high"), finding("low")]).map(({ verdict }) => verdict)).toEqual(["pass", "pass"]);
    expect(scan([finding("critical")])[0]).toMatchObject({
      verdict: "fail",
      measured: 1,
      detail:
        "1 critical finding in 40 packages, advisories as of 2026-11-01, at most 0 allowed: left-pad 1.0.0 (CVE-2026-1, fixed in 1.0.1).",
    });
  });

  test("an ecosystem without advisories, a scan of nothing and an unrated finding are inconclusive, never a pass", () => {
    expect(scan([], ["deb"]).map(({ verdict }) => verdict)).toEqual(["inconclusive", "inconclusive"]);
    expect(scan([], [], {}).map(({ verdict }) => verdict)).toEqual(["inconclusive", "inconclusive"]);
    expect(scan([finding("unknown")]).map(({ verdict }) => verdict)).toEqual(["inconclusive", "pass"]);
  });

  test("a limit that is passed fails, whatever else is unknown", () =>
    expect(combineVerdicts(scan([finding("critical")], ["deb"]))).toBe("fail"));
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
      "age is at least 18 instead of 0 and is at most 99 instead of 120",
    ],
    ["a removed category", [plan], [{ ...plan, values: ["b", "c"] }], "plan no longer takes a"],
    ["unknown categories refused", [{ ...plan, unknown: "map" }], [plan], "plan refuses unknown categories"],
    ["an input that becomes required", [{ ...age, required: false }], [age], "age is required now"],
    [
      "a number that becomes an integer",
      [{ ...age, type: "number" }],
      [age],
      "age is integer instead of number",
    ],
    ["a shorter text", [note], [{ ...note, maxLength: 9 }], "note takes 9 characters instead of 10"],
    ["another type", [age], [{ ...plan, name: "age" }], "age is category instead of integer"],
    [
      "a category that becomes too short a text",
      [{ ...plan, values: ["elevencharss"] }],
      [{ ...note, name: "plan" }],
      "plan is string instead of category",
    ],
  ])("%s breaks applications and is named", (_, before, after, words) => {
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
  ])("%s is compatible", (_, before, after) => expect(judge(before, after)?.verdict).toBe("pass"));

  test("a lost label breaks applications; a first version has nobody to break", () => {
    const { output } = churn;
    if (!("labels" in output)) throw new Error("churn is a classifier");
    const fewer = { ...churn, output: { labels: ["stay", "left"] } } as Manifest;
    expect(checkSchema({ champion: churn, challenger: fewer }).checks[0]?.detail).toContain(
      "the label churn is never answered",
    );
    expect(checkSchema({ challenger: churn })).toMatchObject({
      checks: [],
      omitted: [{ name: "input schema" }],
    });
  });
});

test("whatever is measured, a check is data that the state machine carries", () =>
  fc.assert(
    fc.property(fc.array(fc.double(), { maxLength: 60 }), fc.double(), (numbers, odd) => {
      const prediction = (score: number): Prediction => ({ label: "a", scores: { a: score } });
      const checks = [
        checkLatency({ latenciesMs: numbers, limit: 50 }),
        checkGolden({
          golden: { tolerance: 1e-5, rows: [{}], predictions: [prediction(0.5)] },
          answered: [prediction(odd)],
        }),
        ...checkHoldout({
          gates: { ...gates, auc: { min: 0.5 } },
          task: "classification",
          positive: "a",
          truth: numbers.map((_, row) => (row % 2 ? "a" : "b")),
          champion: absent,
          challenger: numbers.map(prediction),
        }).checks,
        ...checkHoldout({
          gates: { ...gates, mae: { max: 1 }, rmse: { max: 1, notWorseThanChampionBy: 1 } },
          task: "regression",
          truth: numbers.map(() => ({ y: 0 })),
          champion: numbers.map((value) => ({ scores: { y: value / 2 } })),
          challenger: numbers.map((value) => ({ scores: { y: value } })),
        }).checks,
      ];
      for (const check of checks) expect(Check.parse(JSON.parse(JSON.stringify(check)))).toEqual(check);
    }),
  ));
