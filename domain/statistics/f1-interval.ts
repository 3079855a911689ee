import {
  computeRatio,
  gainOfInfluence,
  intervalOfInfluence,
  type RatioCounts,
} from "./influence-interval.ts";
import { defaultConfidence, type Interval } from "./interval.ts";

/** For each row, whether each label is right to apply, in one order of labels. */
export type LabelFlags = readonly (readonly boolean[])[];
export type F1Average = "micro" | "macro";

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const countByLabel = (truth: LabelFlags, predicted: LabelFlags): readonly RatioCounts[] =>
  (truth[0] ?? []).map((_, label) => ({
    shared: truth.map((flags, row) => (flags[label] && predicted[row]?.[label] ? 2 : 0)),
    listed: truth.map(
      (flags, row) => Number(flags[label] ?? false) + Number(predicted[row]?.[label] ?? false),
    ),
  }));

const joinLabels = (counts: readonly RatioCounts[], rows: number): RatioCounts => {
  const add = (read: (each: RatioCounts) => readonly number[]): readonly number[] =>
    Array.from({ length: rows }, (_, row) => sum(counts.map((each) => read(each)[row] ?? 0)));
  return { shared: add(({ shared }) => shared), listed: add(({ listed }) => listed) };
};

const computeF1 = (
  truth: LabelFlags,
  predicted: LabelFlags,
  average: F1Average,
): { readonly estimate: number; readonly influence: readonly number[] } => {
  if (truth.length !== predicted.length)
    throw new RangeError(`${predicted.length} predictions for ${truth.length} rows`);
  const counts = countByLabel(truth, predicted);
  const ratios = (average === "micro" ? [joinLabels(counts, truth.length)] : counts).map(computeRatio);
  return {
    estimate: sum(ratios.map(({ ratio }) => ratio)) / ratios.length,
    influence: truth.map((_, row) => sum(ratios.map(({ influence }) => influence[row] ?? 0)) / ratios.length),
  };
};

const listExactRows = (truth: LabelFlags, predicted: LabelFlags): readonly boolean[] =>
  truth.map((flags, row) => flags.every((flag, label) => flag === (predicted[row]?.[label] ?? false)));

/**
 * F1 of labels that each apply or not, over all labels together (micro) or as the mean of the labels' own (macro), within 0
 * and 1. By the delta method and Student's t over rows. Where no row moves the score (all right, or all wrong) that has no
 * width: then Wilson's interval of the share of entirely right rows takes its place.
 * Source: Takahashi, Yamamoto, Kuchiba & Koyama, Applied Intelligence 2022;52:4961, with rows in place of single labels,
 * because the labels of one row depend on each other.
 */
export const f1Interval = (
  truth: LabelFlags,
  predicted: LabelFlags,
  average: F1Average,
  confidence = defaultConfidence,
): Interval => {
  if (truth.length === 0) return { estimate: 0, low: 0, high: 1 };
  return intervalOfInfluence(
    computeF1(truth, predicted, average),
    listExactRows(truth, predicted),
    confidence,
  );
};

/**
 * Challenger's F1 − champion's on the same rows: above 0 the challenger is better. Delta method on the pair; where no row
 * moves it, the paired interval of entirely right rows (Newcombe) around the estimate. Sources: see `f1Interval`.
 */
export const f1Gain = (
  truth: LabelFlags,
  champion: LabelFlags,
  challenger: LabelFlags,
  average: F1Average,
  confidence = defaultConfidence,
): Interval => {
  if (truth.length === 0) return { estimate: 0, low: -1, high: 1 };
  return gainOfInfluence(
    { ...computeF1(truth, champion, average), exact: listExactRows(truth, champion) },
    { ...computeF1(truth, challenger, average), exact: listExactRows(truth, challenger) },
    confidence,
  );
};
