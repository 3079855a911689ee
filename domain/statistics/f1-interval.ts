import { defaultConfidence, type Interval } from "./interval.ts";
import { moments } from "./mean-interval.ts";
import { pairedNewcombeInterval } from "./paired-newcombe-interval.ts";
import { twoSidedT } from "./two-sided-t.ts";
import { wilsonInterval } from "./wilson-interval.ts";

/** For each row, whether each label is right to apply, in one order of labels. */
export type LabelFlags = readonly (readonly boolean[])[];
export type F1Average = "micro" | "macro";

/** F1 = Σ shared / Σ listed: twice the labels in both, by the labels of truth and prediction together. */
type F1Counts = { readonly shared: readonly number[]; readonly listed: readonly number[] };

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const countByLabel = (truth: LabelFlags, predicted: LabelFlags): readonly F1Counts[] =>
  (truth[0] ?? []).map((_, label) => ({
    shared: truth.map((flags, row) => (flags[label] && predicted[row]?.[label] ? 2 : 0)),
    listed: truth.map(
      (flags, row) => Number(flags[label] ?? false) + Number(predicted[row]?.[label] ?? false),
    ),
  }));

const joinLabels = (counts: readonly F1Counts[], rows: number): F1Counts => {
  const add = (read: (each: F1Counts) => readonly number[]): readonly number[] =>
    Array.from({ length: rows }, (_, row) => sum(counts.map((each) => read(each)[row] ?? 0)));
  return { shared: add(({ shared }) => shared), listed: add(({ listed }) => listed) };
};

/** A ratio of means, and how far each row moves it (delta method). 0 without any label, as scikit-learn's zero_division. */
const computeRatio = ({ shared, listed }: F1Counts): { ratio: number; influence: readonly number[] } => {
  const total = sum(listed);
  if (total === 0) return { ratio: 0, influence: listed.map(() => 0) };
  const ratio = sum(shared) / total;
  const mean = total / listed.length;
  return { ratio, influence: shared.map((value, row) => (value - ratio * (listed[row] ?? 0)) / mean) };
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

const computeReach = (influence: readonly number[], confidence: number): number =>
  influence.length < 2
    ? Number.POSITIVE_INFINITY
    : twoSidedT(confidence, influence.length - 1) * Math.sqrt(moments(influence).variance / influence.length);

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
  const { estimate, influence } = computeF1(truth, predicted, average);
  if (influence.every((value) => value === 0)) {
    const count = listExactRows(truth, predicted).filter(Boolean).length;
    const { low, high } = wilsonInterval({ count, total: truth.length }, confidence);
    return { estimate, low: Math.min(estimate, low), high: Math.max(estimate, high) };
  }
  const reach = computeReach(influence, confidence);
  return { estimate, low: Math.max(0, estimate - reach), high: Math.min(1, estimate + reach) };
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
  const before = computeF1(truth, champion, average);
  const after = computeF1(truth, challenger, average);
  const estimate = after.estimate - before.estimate;
  const influence = after.influence.map((value, row) => value - (before.influence[row] ?? 0));
  if (influence.every((value) => value === 0)) {
    const exact = { before: listExactRows(truth, champion), after: listExactRows(truth, challenger) };
    const counts = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
    for (const [row, isExact] of exact.after.entries())
      counts[
        isExact ? (exact.before[row] ? "both" : "onlyFirst") : exact.before[row] ? "onlySecond" : "neither"
      ]++;
    const { low, high } = pairedNewcombeInterval(counts, confidence);
    return { estimate, low: Math.min(estimate, low), high: Math.max(estimate, high) };
  }
  const reach = computeReach(influence, confidence);
  return { estimate, low: Math.max(-1, estimate - reach), high: Math.min(1, estimate + reach) };
};
