import { expect, test } from "vitest";
import type { CanaryLook } from "#domain/canary/canary-look.ts";
import type { ScoreDistribution } from "#domain/canary/score-distribution.ts";
import { sampleCanary } from "#test/support/sample-canary.ts";
import { listScoreChart } from "./list-score-chart.ts";
import { renderScoreChart } from "./render-score-chart.ts";

const startedAt = Date.UTC(2026, 10, 29, 20);
const churn = { of: "label", name: "churn", scale: "probability", unit: null } as const;
const percentiles = { p10: 0.1, p25: 0.2, p50: 0.3, p75: 0.4, p90: 0.5 };
type Scores = ScoreDistribution | null | undefined;
const [look] = (await sampleCanary(startedAt, 1)).looks;
const createLook = (challenger: Scores, champion: Scores, changes: Partial<CanaryLook> = {}): CanaryLook => {
  if (!look) throw new Error("the sample has no look");
  return {
    ...look,
    ...changes,
    challenger: { ...look.challenger, scores: challenger },
    champion: { ...look.champion, scores: champion },
  };
};
const chart = (looks: readonly CanaryLook[]): string => {
  const listed = listScoreChart(looks);
  return listed.status === "chart" ? String(renderScoreChart(listed)) : listed.why;
};
const reported = { ...churn, count: 10, percentiles };

test("each version has two bands and a median, with the other's median beside it, a description and a table", () => {
  const page = chart([createLook(reported, { ...reported, percentiles: { ...percentiles, p50: 0.25 } })]);
  for (const arm of ["challenger", "champion"])
    for (const part of [`band wide ${arm}`, `band narrow ${arm}`, `median ${arm}`, `median other ${arm}`])
      expect(page, part).toMatch(new RegExp(`class="${part}" d="M[^"]`));
  expect(page).toContain("probability of “churn”");
  expect(page).toContain(
    "New version 0.3 (0.2 to 0.4; 0.1 to 0.5); prod's version 0.25 (0.2 to 0.4; 0.1 to 0.5)",
  );
  expect(page).toContain('<td data-label="new version">0.3 (0.2 to 0.4; 0.1 to 0.5)</td>');
  expect(page).toContain('class="end champion"');
  expect(page).toContain('class="end challenger"');
  expect(page).toContain("not judged");
  expect(page).not.toMatch(/NaN|undefined|Infinity/);
});

test("both panels have the same axis, so that a shift is seen between them", () => {
  const page = chart([
    createLook(reported, { ...reported, percentiles: { p10: 0, p25: 0.6, p50: 0.7, p75: 0.8, p90: 1 } }),
  ]);
  const ticks = [...page.matchAll(/text-anchor="end">([^<]+)</g)].map(([, text]) => text).slice(0, -1);
  expect(ticks.length).toBeGreaterThan(4);
  expect(ticks.slice(0, ticks.length / 2)).toEqual(ticks.slice(ticks.length / 2));
});

test("bands break where a step begins", () => {
  const looks = [1, 2, 3, 4].map((minute) =>
    createLook(reported, reported, { at: startedAt + minute * 60_000, percent: minute < 3 ? 10 : 50 }),
  );
  const paths = [...chart(looks).matchAll(/class="(?:band|median)[^"]*" d="([^"]*)"/g)];
  expect(paths).toHaveLength(8);
  for (const [, path] of paths) expect(path?.match(/M/g)).toHaveLength(2);
});

test("values below zero and equal values are drawn", () => {
  const flat = { p10: -3, p25: -3, p50: -3, p75: -3, p90: -3 };
  const minutes = { of: "value", name: "minutes", scale: "value", unit: "min", count: 5 } as const;
  const page = chart([createLook({ ...minutes, percentiles: flat }, { ...minutes, percentiles: flat })]);
  expect(page).toContain("predicted minutes, min");
  expect(page).toContain("−3 (−3 to −3; −3 to −3)");
  expect(page).not.toMatch(/NaN|Infinity/);
});

test.each([
  ["an earlier release measured it", undefined, undefined, "an earlier release measured this canary"],
  ["the model has no score", null, null, "predictions have no score"],
  [
    "nothing was reported yet",
    { ...churn, count: 0, percentiles: null },
    { ...churn, count: 0, percentiles: null },
    "no version reported scores yet",
  ],
] as const)("where %s, the page says so and draws nothing", (_, challenger, champion, words) => {
  const page = chart([createLook(challenger, champion)]);
  expect(page).toContain(words);
  expect(page).not.toContain("<svg");
});

test.each([
  [
    "whose image reports none",
    { ...churn, count: 0, percentiles: null },
    "Prod&#39;s version reported no scores yet",
  ],
  ["whose model has none", null, "Prod&#39;s version has no score"],
  ["that an earlier release measured", undefined, "Prod&#39;s version has no score"],
  [
    "whose score is another number",
    { ...reported, of: "predicted label", name: null },
    "its score is another number, the probability of the predicted label",
  ],
] as const)("a version of prod %s is named and not drawn", (_, champion, words) => {
  const page = chart([createLook(reported, champion)]);
  expect(page).toContain(words);
  expect(page).toMatch(/class="band wide champion" d=""/);
  expect(page).toMatch(/class="band wide challenger" d="M/);
});

test("a name of a label is text, never markup", () => {
  const page = chart([createLook({ ...reported, name: "<b>churn" }, { ...reported, name: "<b>churn" })]);
  expect(page).not.toContain("<b>churn");
});
