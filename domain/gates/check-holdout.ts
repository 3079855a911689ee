import type { GatesInForce, ScoreInForce } from "#domain/policy/rules-in-force.ts";
import type { Interval } from "#domain/statistics/interval.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
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
  /** The challenger's answers, one for each row of the holdout. */
  readonly challenger: readonly Prediction[];
  /** The champion's answers to the same rows; or, as a sentence, why there are none. */
  readonly champion: readonly Prediction[] | MissingChampion;
};
type HoldoutPredictions = Common &
  (
    | {
        readonly task: "classification";
        readonly positive?: string | undefined;
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

const checkBound = (scoring: ScoreMetric, bound: ScoreInForce, measured: Interval, rows: number): Check[] => {
  const limit = scoring.higherIsBetter ? bound.min : bound.max;
  if (limit === undefined) return [];
  const met = scoring.higherIsBetter ? measured.estimate >= limit : measured.estimate <= limit;
  return [
    {
      name: scoring.name,
      verdict: met ? "pass" : "fail",
      measured: roundToDigits(measured.estimate, 6),
      limit,
      unit: "",
      detail: `${scoring.words} is ${roundToDigits(measured.estimate)} on ${formatCount(rows, "holdout row")} (${formatInterval(measured)}); ${scoring.higherIsBetter ? "at least" : "at most"} ${limit} is asked.`,
    },
  ];
};

const verdictPhrases = {
  pass: "no worse than the champion by more than",
  fail: "worse than the champion by more than",
  inconclusive: "the rows do not tell whether it is worse than the champion by more than",
} as const;

const checkAgainstChampion = (scoring: ScoreMetric, margin: number, gain: Interval): Check => {
  const verdict = judgeDifference({ ...gain, margin });
  const better = gain.estimate >= 0;
  return {
    name: `${scoring.name} vs champion`,
    verdict,
    measured: roundToDigits(gain.estimate, 6),
    limit: -margin,
    unit: "",
    detail: `On the same rows ${scoring.words} is ${roundToDigits(Math.abs(gain.estimate), 3)} ${better ? "better" : "worse"} than the champion's (${formatInterval(gain)}): ${verdictPhrases[verdict]} ${margin}.`,
  };
};

/** All checks of one score; `gain` is positive where the challenger is better, whatever the score's direction. */
const checkScore = (scoring: ScoreMetric, bound: ScoreInForce, holdout: HoldoutPredictions): CheckResults => {
  const own = scoring.measure(holdout.challenger);
  if (typeof own === "string")
    return {
      checks: [failUnmeasurable(scoring.name, `${scoring.words} cannot be measured: ${own}.`)],
      omitted: [],
    };
  const checks = checkBound(scoring, bound, own, holdout.truth.length);
  const margin = bound.notWorseThanChampionBy;
  if (margin === undefined) return { checks, omitted: [] };
  const name = `${scoring.name} vs champion`;
  if (isMissingChampion(holdout.champion))
    return { checks, omitted: [{ name, why: holdout.champion.absent }] };
  const gain = scoring.gain(holdout.champion, holdout.challenger);
  if (typeof gain === "string") {
    const detail = `${scoring.words} of the champion cannot be measured: ${gain}.`;
    return {
      checks: [...checks, { ...failUnmeasurable(name, detail), verdict: "inconclusive" }],
      omitted: [],
    };
  }
  return { checks: [...checks, checkAgainstChampion(scoring, margin, gain)], omitted: [] };
};

/**
 * The holdout's checks: each score with a gate against its bound (by the estimate, its interval in the
 * sentence) and against the champion on the same rows (by the interval of the paired difference). Scores are
 * shares from 0 to 1 (accuracy, auc) or in the unit of the output (mae, rmse). What a challenger answers so
 * that it cannot be measured fails; what only the champion lacks is inconclusive.
 * Throws RangeError when there is not one answer for each row.
 */
export const checkHoldout = (holdout: HoldoutPredictions): CheckResults => {
  for (const answers of isMissingChampion(holdout.champion)
    ? [holdout.challenger]
    : [holdout.challenger, holdout.champion])
    if (answers.length !== holdout.truth.length)
      throw new RangeError(
        `${answers.length} answers to ${formatCount(holdout.truth.length, "holdout row")}`,
      );
  const scorings =
    holdout.task === "classification"
      ? [createAccuracyMetric(holdout.truth), createAucMetric(holdout.truth, holdout.positive)]
      : [createMaeMetric(holdout.truth), createRmseMetric(holdout.truth)];
  const results = scorings.map((scoring) => {
    const bound = holdout.gates[scoring.name];
    return bound ? checkScore(scoring, bound, holdout) : { checks: [], omitted: [] };
  });
  return {
    checks: results.flatMap(({ checks }) => checks),
    omitted: results.flatMap(({ omitted }) => omitted),
  };
};
