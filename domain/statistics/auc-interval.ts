import { defaultConfidence, type Interval } from "./interval.ts";
import { moments } from "./mean-interval.ts";
import { twoSidedZ } from "./normal-quantile.ts";

/** Ranks from 1; ties share the mean of their ranks. */
const midranks = (values: Float64Array): Float64Array => {
  const order = Uint32Array.from(values.keys()).sort(
    (left, right) => (values[left] ?? 0) - (values[right] ?? 0),
  );
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to < order.length && values[order[to] ?? 0] === values[order[from] ?? 0]) to++;
    // Places from…to−1 hold ranks from+1…to.
    for (const place of order.subarray(from, to)) ranks[place] = (from + 1 + to) / 2;
    from = to;
  }
  return ranks;
};

/** The share of negatives below each positive, and of positives above each negative, ties counting half. */
type Placements = { readonly auc: number; readonly positive: Float64Array; readonly negative: Float64Array };

const placements = (scores: readonly number[], truth: readonly boolean[]): Placements => {
  if (scores.length !== truth.length || !scores.every(Number.isFinite))
    throw new RangeError("every row has one finite score");
  const positives = Float64Array.from(scores.filter((_, row) => truth[row]));
  const negatives = Float64Array.from(scores.filter((_, row) => !truth[row]));
  const all = new Float64Array(scores.length);
  all.set(positives);
  all.set(negatives, positives.length);
  const among = midranks(all);
  const own = midranks(positives);
  const other = midranks(negatives);
  const positive = own.map((rank, index) => ((among[index] ?? 0) - rank) / negatives.length);
  const negative = other.map(
    (rank, index) => 1 - ((among[positives.length + index] ?? 0) - rank) / positives.length,
  );
  return { auc: moments([...positive]).mean, positive, negative };
};

const computeHalfWidth = (positive: readonly number[], negative: readonly number[], confidence: number) =>
  twoSidedZ(confidence) *
  Math.sqrt(moments(positive).variance / positive.length + moments(negative).variance / negative.length);

const countSmallerClass = (truth: readonly boolean[]) => {
  const positives = truth.filter(Boolean).length;
  return Math.min(positives, truth.length - positives);
};

/**
 * Area under the ROC curve: the chance that a positive row scores above a negative one (ties count half: Mann-Whitney).
 * The interval is 0 to 1 where a class has fewer than two rows. O(n log n).
 * Source: DeLong, DeLong & Clarke-Pearson, Biometrics 1988;44:837; fast form by Sun & Xu, IEEE Signal
 * Process Lett 2014;21:1389.
 */
export const aucInterval = (
  scores: readonly number[],
  truth: readonly boolean[],
  confidence = defaultConfidence,
): Interval => {
  if (countSmallerClass(truth) === 0) return { estimate: 0.5, low: 0, high: 1 };
  const { auc, positive, negative } = placements(scores, truth);
  if (countSmallerClass(truth) === 1) return { estimate: auc, low: 0, high: 1 };
  const half = computeHalfWidth([...positive], [...negative], confidence);
  return { estimate: auc, low: Math.max(0, auc - half), high: Math.min(1, auc + half) };
};

/**
 * Difference first − second of two models' AUC on the same rows, with DeLong's interval; −1 to 1 where a class has fewer
 * than two rows. Sources: see `aucInterval`.
 */
export const aucDifference = (
  first: readonly number[],
  second: readonly number[],
  truth: readonly boolean[],
  confidence = defaultConfidence,
): Interval => {
  if (countSmallerClass(truth) === 0) return { estimate: 0, low: -1, high: 1 };
  const placed = placements(first, truth);
  const other = placements(second, truth);
  const estimate = placed.auc - other.auc;
  if (countSmallerClass(truth) === 1) return { estimate, low: -1, high: 1 };
  // The variance of a difference needs only the differences of the placements, pair by pair.
  const minus = (x: Float64Array, y: Float64Array) => [...x.map((value, index) => value - (y[index] ?? 0))];
  const half = computeHalfWidth(
    minus(placed.positive, other.positive),
    minus(placed.negative, other.negative),
    confidence,
  );
  return { estimate, low: Math.max(-1, estimate - half), high: Math.min(1, estimate + half) };
};
