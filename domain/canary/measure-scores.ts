import type { ReportedScore } from "#model-folder/manifest/find-reported-score.ts";
import type { Statistics } from "#platform/metrics/metrics.ts";
import type { ScoreDistribution } from "./score-distribution.ts";

/** The percentiles to read from the metrics store, in the order that `measureScores` expects. */
export const scorePercentiles: readonly number[] = [10, 25, 50, 75, 90];

/**
 * A version's scores as the chart shows them; null: its model has no score.
 * @param statistics with the scores at `scorePercentiles`
 */
export const measureScores = (
  { scores }: Pick<Statistics, "scores">,
  score: ReportedScore | undefined,
): ScoreDistribution | null => {
  if (!score) return null;
  const [p10, p25, p50, p75, p90] = scores?.values ?? [];
  const isComplete =
    p10 !== undefined && p25 !== undefined && p50 !== undefined && p75 !== undefined && p90 !== undefined;
  return {
    ...score,
    count: scores?.count ?? 0,
    percentiles: isComplete ? { p10, p25, p50, p75, p90 } : null,
  };
};
