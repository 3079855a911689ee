import type { GatesInForce, ScoreInForce } from "#domain/policy/rules-in-force.ts";
import type { Interval } from "#domain/statistics/interval.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import { findThinLabels, formatThinLabels, leastLabelRows } from "#model-folder/rows/find-thin-labels.ts";
import { formatCount, formatInterval, roundToDigits } from "./number-format.ts";
import {
  createAccuracyMetric,
  createAucMetric,
  createMaeMetric,
  createRmseMetric,
  type ScoreMetric,
} from "./score-metrics.ts";
import type { Check, CheckResults } from "./verdict.ts";
import { judgeDifference } from "./verdict.ts";

type MissingChampion = { readonly absent: string };
type Common = {
  readonly gates: GatesInForce;
  /** One for each row of the holdout. */
  readonly challenger: readonly Prediction[];
  /** For the same rows; or the reason why there are none. */
  readonly champion: readonly Prediction[] | MissingChampion;
};
type HoldoutPredictions = Common &
  (
    | {
        readonly task: "classification";
        readonly positive?: string | undefined;
        /** All labels of the manifest. */
        readonly labels: readonly string[];
        readonly truth: readonly string[];
      }
    | { readonly task: "regression"; readonly truth: readonly Readonly<Record<string, number>>[] }
  );

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
const findThinness = (metric: ScoreMetric, holdout: HoldoutPredictions): string | undefined => {
  if (holdout.task !== "classification") return undefined;
  const { labels, truth, positive } = holdout;
  const thin =
    metric.name === "auc" && positive !== undefined
      ? findThinLabels(
          [positive, `other than ${positive}`],
          truth.map((label) => (label === positive ? positive : `other than ${positive}`)),
        )
      : findThinLabels(labels, truth);
  return thin.length === 0
    ? undefined
    : `too few rows of a label to decide: ${formatThinLabels(thin)} (required ≥ ${leastLabelRows})`;
};

const checkBound = (
  metric: ScoreMetric,
  bound: ScoreInForce,
  measured: Interval,
  holdout: HoldoutPredictions,
): Check[] => {
  const rows = holdout.truth.length;
  const limit = metric.higherIsBetter ? bound.min : bound.max;
  if (limit === undefined) return [];
  const met = metric.higherIsBetter ? measured.estimate >= limit : measured.estimate <= limit;
  const thinness = findThinness(metric, holdout);
  return [
    {
      name: metric.name,
      verdict: met ? (thinness === undefined ? "pass" : "inconclusive") : "fail",
      measured: roundToDigits(measured.estimate, 6),
      limit,
      unit: "",
      detail: `${metric.words} ${roundToDigits(measured.estimate)} (required ${metric.higherIsBetter ? "≥" : "≤"} ${limit}; ${formatInterval(measured)}; ${formatCount(rows, "holdout row")})${thinness === undefined ? "" : `; ${thinness}`}`,
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
  const checks = checkBound(metric, bound, own, holdout);
  const margin = bound.notWorseThanChampionBy;
  if (margin === undefined) return { checks, omitted: [] };
  const name = `${metric.name} vs champion`;
  if (isMissingChampion(holdout.champion))
    return { checks, omitted: [{ name, why: holdout.champion.absent }] };
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
 * Compares each gated score with its limit (by the estimate) and with the champion on the same rows (by the interval of
 * the paired difference). A score that meets its limit is inconclusive where a label has fewer than 30 rows. Scores are shares from 0 to 1 (accuracy, auc) or in the unit of the output (mae, rmse). An
 * unmeasurable score of the challenger fails; one of the champion alone is inconclusive.
 * Throws RangeError when a row has no prediction, or more than one.
 */
export const checkHoldout = (holdout: HoldoutPredictions): CheckResults => {
  for (const predictions of isMissingChampion(holdout.champion)
    ? [holdout.challenger]
    : [holdout.challenger, holdout.champion])
    if (predictions.length !== holdout.truth.length)
      throw new RangeError(
        `${predictions.length} predictions for ${formatCount(holdout.truth.length, "holdout row")}`,
      );
  const metrics =
    holdout.task === "classification"
      ? [createAccuracyMetric(holdout.truth), createAucMetric(holdout.truth, holdout.positive)]
      : [createMaeMetric(holdout.truth), createRmseMetric(holdout.truth)];
  const results = metrics.map((metric) => {
    const bound = holdout.gates[metric.name];
    return bound ? checkScore(metric, bound, holdout) : { checks: [], omitted: [] };
  });
  return {
    checks: results.flatMap(({ checks }) => checks),
    omitted: results.flatMap(({ omitted }) => omitted),
  };
};
