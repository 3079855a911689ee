import { formatCount, roundToDigits } from "#domain/gates/number-format.ts";
import type { Check } from "#domain/gates/verdict.ts";
import type { CanaryLimits } from "#domain/policy/policy.ts";
import { pairedNewcombeInterval } from "#domain/statistics/paired-newcombe-interval.ts";
import { listPredictionLabels } from "#model-folder/manifest/list-prediction-labels.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import type { Statistics } from "#platform/metrics/metrics.ts";
import { checkErrors, checkP95, findLargestShift } from "./canary-checks.ts";
import { choosePercentiles } from "./p95-interval.ts";
import type { ReplayedRow } from "./replay-rows.ts";

const toStatistics = (latencies: readonly number[], failures = 0): Statistics => {
  const sorted = latencies.toSorted((a, b) => a - b);
  const requests = sorted.length + failures;
  const rank = (level: number) =>
    Math.min(sorted.length, Math.max(1, Math.ceil((level / 100) * sorted.length)));
  return {
    requests,
    failures,
    unreported: 0,
    labels: new Map(),
    latencyMs: choosePercentiles(sorted.length).map((level) => sorted[rank(level) - 1]),
  };
};

/** What must be the same in both versions' predictions: labels, and the places of entities. */
const formatLabels = (prediction: Prediction): string =>
  JSON.stringify(
    prediction.entities?.map(({ label, start, end }) => [label, start, end]) ??
      listPredictionLabels(prediction),
  );

/** Shares of a label in both versions' predictions of the same rows. */
const countLabel = (
  pairs: readonly { readonly champion: readonly string[]; readonly challenger: readonly string[] }[],
  label: string,
) => {
  const counts = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
  for (const { champion, challenger } of pairs)
    counts[
      challenger.includes(label)
        ? champion.includes(label)
          ? "both"
          : "onlyFirst"
        : champion.includes(label)
          ? "onlySecond"
          : "neither"
    ]++;
  return counts;
};

const prefix = "replay ";
export const isReplayCheck = ({ name }: Check): boolean => name.startsWith(prefix);

/**
 * What a replay of recorded rows says about the two versions: the latency of the function, failed rows, and changed labels.
 * Every name and every sentence says that it is a replay: these are no requests of applications, and no samples of the canary.
 * The rows are the same for both versions, so labels are compared in pairs.
 */
export const checkReplay = (
  replayed: readonly ReplayedRow[],
  limits: CanaryLimits,
  labels: readonly string[],
): readonly Check[] => {
  if (replayed.length === 0) return [];
  const pairs = replayed.flatMap(({ champion, challenger }) =>
    "error" in challenger ? [] : [{ champion, challenger }],
  );
  const of = `replay of ${formatCount(replayed.length, "recorded row")}, no live traffic`;
  const mark = (what: string, check: Check): Check => ({
    ...check,
    name: `${prefix}${what}`,
    detail: `${of}: ${check.detail}`,
  });
  const arms = {
    champion: toStatistics(replayed.map(({ champion }) => champion.durationMs)),
    challenger: toStatistics(
      pairs.map(({ challenger }) => challenger.durationMs),
      replayed.length - pairs.length,
    ),
  };
  const measured = {
    ...arms,
    challenger: toStatistics(pairs.map(({ challenger }) => challenger.durationMs)),
  };
  return [
    mark("errors", checkErrors(arms, limits.errorPoints)),
    mark("latency p95", checkP95(measured, limits.latencyP95)),
    ...(labels.length > 0 && pairs.length > 0
      ? [mark("labels", checkChangedLabels(pairs, limits.labelSharePoints, labels))]
      : []),
  ];
};

const checkChangedLabels = (
  pairs: readonly {
    readonly champion: ReplayedRow["champion"];
    readonly challenger: ReplayedRow["champion"];
  }[],
  limit: number,
  known: readonly string[],
): Check => {
  const predicted = pairs.map(({ champion, challenger }) => ({
    champion: listPredictionLabels(champion.prediction),
    challenger: listPredictionLabels(challenger.prediction),
  }));
  const changed = pairs.filter(
    ({ champion, challenger }) => formatLabels(champion.prediction) !== formatLabels(challenger.prediction),
  ).length;
  const seen = predicted.flatMap(({ champion, challenger }) => [...champion, ...challenger]);
  const worst = findLargestShift([...new Set([...known, ...seen])], limit, (label, level) =>
    pairedNewcombeInterval(countLabel(predicted, label), level),
  );
  const percent = roundToDigits((100 * changed) / pairs.length, 3);
  return {
    name: "",
    verdict: worst?.verdict ?? "inconclusive",
    measured: percent,
    limit,
    unit: "percent of rows with another label",
    detail: `${formatCount(changed, "label")} changed (${percent} %)${worst ? `; ${worst.detail}` : ""}`,
  };
};
