import { computeNdcg } from "#domain/statistics/compute-ndcg.ts";
import { meanInterval } from "#domain/statistics/mean-interval.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { ScoreMetric } from "./score-metrics.ts";

type RankingTruth = {
  readonly relevances: readonly number[];
  /** Rows of one group are ranked together. */
  readonly groups: readonly string[];
};

/**
 * The mean NDCG of the groups, by Student's t over groups, because the rows of a group depend on each other; the difference
 * by the same on the paired groups. Groups in which every order is right are left out.
 * @param name of the predicted score
 * @param at counts the first so many rows of a group
 */
export const createNdcgMetric = (
  { relevances, groups }: RankingTruth,
  { name, at }: { readonly name: string; readonly at: number },
): ScoreMetric => {
  const rowsByGroup = [...Map.groupBy(groups.keys(), (row) => groups[row] ?? "").values()];
  const listNdcgs = (predictions: readonly Prediction[]): readonly number[] | string => {
    const scores = predictions.map((prediction) => getOwnProperty(prediction.scores, name) ?? Number.NaN);
    const invalid = scores.findIndex((score) => !Number.isFinite(score));
    if (invalid >= 0) return `row ${invalid + 1} has no finite score`;
    const ndcgs = rowsByGroup.flatMap((rows) => {
      const group = {
        relevances: rows.map((row) => relevances[row] ?? 0),
        scores: rows.map((row) => scores[row] ?? 0),
      };
      return computeNdcg(group, at) ?? [];
    });
    return ndcgs.length > 0 ? ndcgs : "in each group of the holdout all rows are equally relevant";
  };
  return {
    name: "ndcg",
    words: `NDCG@${at}`,
    higherIsBetter: true,
    measure: (predictions) => {
      const ndcgs = listNdcgs(predictions);
      if (typeof ndcgs === "string") return ndcgs;
      const { estimate, low, high } = meanInterval(ndcgs);
      return { estimate, low: Math.max(0, low), high: Math.min(1, high) };
    },
    gain: (champion, challenger) => {
      const before = listNdcgs(champion);
      const after = listNdcgs(challenger);
      if (typeof before === "string") return before;
      return typeof after === "string"
        ? after
        : meanInterval(after.map((ndcg, group) => ndcg - (before[group] ?? 0)));
    },
  };
};
