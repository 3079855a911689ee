import type { GatesInForce, ScoreInForce } from "#domain/policy/rules-in-force.ts";
import type { Interval } from "#domain/statistics/interval.ts";
import { type ScoreName, scoreNames } from "#model-folder/manifest/list-measurable-scores.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import { formatThinLabels, leastLabelRows } from "#model-folder/rows/find-thin-labels.ts";
import { formatCount, formatInterval, roundToDigits } from "./number-format.ts";
import type { ScoreMetric } from "./score-metrics.ts";
import type { Check, CheckResults } from "./verdict.ts";
import { judgeDifference } from "./verdict.ts";

type MissingChampion = { readonly absent: string };
type HoldoutPredictions = {
  readonly gates: GatesInForce;
  /** What the holdout measures (createScoreMetrics). */
  readonly metrics: readonly ScoreMetric[];
  /** The number of the holdout's rows. */
  readonly rows: number;
  /** One for each row of the holdout. */
  readonly challenger: readonly Prediction[];
  /** For the same rows; or the reason why there are none. */
  readonly champion: readonly Prediction[] | MissingChampion;
};

const isMissingChampion = (champion: HoldoutPredictions["champion"]): champion is MissingChampion =>
  "absent" in champion;

const failUnmeasurable = (name: string, why: string): Check => ({
  name,
  verdict: "fail",
  measured: null,
  limit: null,
  unit: "",
  detail: why,
});

/** Why a score that meets its limit decides nothing: labels with too few rows. */
const describeThinness = ({ thinLabels = [] }: ScoreMetric): string | undefined =>
  thinLabels.length === 0
    ? undefined
    : `too few rows of a label to decide: ${formatThinLabels(thinLabels)} (required ≥ ${leastLabelRows})`;

const checkBound = (metric: ScoreMetric, bound: ScoreInForce, measured: Interval, rows: number): Check[] => {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = bound;
  if (!Number.isFinite(min) && !Number.isFinite(max)) return [];
  const limits = [
    ...(Number.isFinite(min) ? [`≥ ${min}`] : []),
    ...(Number.isFinite(max) ? [`≤ ${max}`] : []),
  ];
  const met = measured.estimate >= min && measured.estimate <= max;
  const thinness = describeThinness(metric);
  return [
    {
      name: metric.name,
      verdict: met ? (thinness === undefined ? "pass" : "inconclusive") : "fail",
      measured: roundToDigits(measured.estimate, 6),
      limit: measured.estimate > max || !Number.isFinite(min) ? max : min,
      unit: "",
      detail: `${metric.words} ${roundToDigits(measured.estimate)} (required ${limits.join(" and ")}; ${formatInterval(measured)}; ${formatCount(rows, "holdout row")})${thinness === undefined ? "" : `; ${thinness}`}`,
    },
  ];
};

const checkAgainstChampion = (metric: ScoreMetric, margin: number, gain: Interval): Check => {
  const verdict = judgeDifference({ ...gain, margin });
  const better = gain.estimate >= 0;
  return {
    name: `${metric.name} vs champion`,
    verdict,
    measured: roundToDigits(gain.estimate, 6),
    limit: -margin,
    unit: "",
    detail: `${metric.words} ${roundToDigits(Math.abs(gain.estimate), 3)} ${better ? "better" : "worse"} than the champion (${formatInterval(gain)}; at most ${margin} worse allowed)${verdict === "inconclusive" ? "; the holdout has too few rows to decide" : ""}`,
  };
};

const checkScore = (metric: ScoreMetric, bound: ScoreInForce, holdout: HoldoutPredictions): CheckResults => {
  const own = metric.measure(holdout.challenger);
  if (typeof own === "string")
    return {
      checks: [failUnmeasurable(metric.name, `${metric.words} not measurable: ${own}`)],
      omitted: [],
    };
  const checks = checkBound(metric, bound, own, holdout.rows);
  const margin = bound.notWorseThanChampionBy;
  if (margin === undefined) return { checks, omitted: [] };
  const name = `${metric.name} vs champion`;
  if (isMissingChampion(holdout.champion))
    // Approvers read it beside the table, which has the metric's words.
    return { checks, omitted: [{ name: `${metric.words} vs champion`, why: holdout.champion.absent }] };
  const gain = metric.gain(holdout.champion, holdout.challenger);
  if (typeof gain === "string") {
    const detail = `${metric.words} of the champion not measurable: ${gain}`;
    return {
      checks: [...checks, { ...failUnmeasurable(name, detail), verdict: "inconclusive" }],
      omitted: [],
    };
  }
  return { checks: [...checks, checkAgainstChampion(metric, margin, gain)], omitted: [] };
};

/**
 * Compares each gated score with its limits (by the estimate) and with the champion on the same rows (by the interval of
 * the paired difference). A score that meets its limits is inconclusive where a label has fewer than 30 rows. Scores are
 * shares from 0 to 1 or in the unit of the output (mae, rmse, pinball). An unmeasurable score of the challenger fails; one
 * of the champion alone is inconclusive.
 * Throws RangeError when a row has no prediction, or more than one.
 */
export const checkHoldout = (holdout: HoldoutPredictions): CheckResults => {
  for (const predictions of isMissingChampion(holdout.champion)
    ? [holdout.challenger]
    : [holdout.challenger, holdout.champion])
    if (predictions.length !== holdout.rows)
      throw new RangeError(
        `${predictions.length} predictions for ${formatCount(holdout.rows, "holdout row")}`,
      );
  const results = scoreNames.map((name): CheckResults => {
    const bound = holdout.gates[name];
    if (!bound) return { checks: [], omitted: [] };
    const metric = holdout.metrics.find((each) => each.name === name);
    return metric
      ? checkScore(metric, bound, holdout)
      : { checks: [failUnmeasurable(name, `the challenger's output has no ${name}`)], omitted: [] };
  });
  return {
    checks: results.flatMap(({ checks }) => checks),
    omitted: results.flatMap(({ omitted }) => omitted),
  };
};

/**
 * What a challenger without truth is judged by: each score that a manifest gates fails, and so does each bound of the
 * platform where the champion had truth. Otherwise nothing could be measured, and the platform's bounds are omitted.
 * @param gated the scores that the champion's or the challenger's manifest has gates for
 */
export const checkMissingHoldout = ({
  gates,
  gated,
  championHasHoldout,
}: {
  readonly gates: GatesInForce;
  readonly gated: readonly ScoreName[];
  readonly championHasHoldout: boolean;
}): CheckResults => {
  const inForce = scoreNames.filter((name) => gates[name] !== undefined);
  const required = championHasHoldout ? inForce : inForce.filter((name) => gated.includes(name));
  return {
    checks: required.map((name) =>
      failUnmeasurable(
        name,
        `${name} not measurable: the commit has no holdout.csv, but ${gated.includes(name) ? `the manifests in force have a gate for ${name}` : "the champion had one"}; commit holdout.csv with the truth of each row`,
      ),
    ),
    omitted: [
      ...inForce
        .filter((name) => !required.includes(name))
        .map((name) => ({ name: `${name} vs champion`, why: "no holdout.csv: the rows have no truth" })),
      ...(required.length === 0
        ? [
            {
              name: "holdout",
              why: "no holdout.csv: no score was measured, only golden vectors, latency, image size and input schema",
            },
          ]
        : []),
    ],
  };
};
