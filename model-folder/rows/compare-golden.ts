import type { Golden, Prediction } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

/** The score or value of a row that differs most from training. */
type GoldenDifference = {
  readonly name: string;
  readonly expected: number;
  readonly actual: number;
  /** Relative for values above 1, else absolute. */
  readonly difference: number;
};

export type GoldenRowComparison =
  | {
      readonly status: "comparable";
      /** Counted from 0. */
      readonly row: number;
      readonly largest: GoldenDifference;
      readonly withinTolerance: boolean;
    }
  | {
      readonly status: "incomparable";
      readonly row: number;
      readonly reason: string;
      readonly withinTolerance: false;
    };

/**
 * Values above 1 differ relative to their size, because 32-bit floats keep only seven digits; all others differ
 * absolutely. This is the rule of numpy's allclose, with one tolerance for both.
 */
const measureDifference = (expected: number, actual: number): number =>
  Math.abs(actual - expected) / Math.max(1, Math.abs(expected));

const findIncomparable = (expected: Prediction, actual: Prediction | undefined): string | undefined => {
  if (!actual) return "has no prediction";
  if (expected.label !== actual.label)
    return `is predicted ${actual.label ?? "without a label"} instead of ${expected.label}`;
  if ((expected.value === undefined) !== (actual.value === undefined))
    return expected.value === undefined ? "has an unexpected value" : "has no value";
  return undefined;
};

const compareRow = (
  row: number,
  expected: Prediction,
  actual: Prediction | undefined,
  tolerance: number,
): GoldenRowComparison => {
  const refuse = (reason: string): GoldenRowComparison => ({
    status: "incomparable",
    row,
    reason,
    withinTolerance: false,
  });
  const reason = findIncomparable(expected, actual);
  if (reason !== undefined || !actual) return refuse(reason ?? "has no prediction");
  const pairs = [...new Set([...Object.keys(expected.scores), ...Object.keys(actual.scores)])].map(
    (name) => ({
      name,
      expected: getOwnProperty(expected.scores, name) ?? Number.NaN,
      actual: getOwnProperty(actual.scores, name) ?? Number.NaN,
    }),
  );
  if (expected.value !== undefined)
    pairs.push({ name: "value", expected: expected.value, actual: actual.value ?? Number.NaN });
  let largest: GoldenDifference = { name: "", expected: 0, actual: 0, difference: 0 };
  for (const pair of pairs) {
    const difference = measureDifference(pair.expected, pair.actual);
    if (!Number.isFinite(difference)) return refuse("has a score that is missing, unexpected or not finite");
    if (difference > largest.difference) largest = { ...pair, difference };
  }
  return { status: "comparable", row, largest, withinTolerance: largest.difference <= tolerance };
};

/**
 * Compares predictions with the golden ones, row by row: the label must be the same, and every score and value must be
 * within the tolerance. `slipway check` and the delivery both use this rule. `predictions` has one entry per row, in
 * order.
 */
export const compareGolden = (
  golden: Golden,
  predictions: readonly (Prediction | undefined)[],
): GoldenRowComparison[] =>
  golden.predictions.map((expected, row) => compareRow(row, expected, predictions[row], golden.tolerance));

/** The golden rows whose predictions differ from training. */
export const findGoldenDifferences = (
  golden: Golden,
  predictions: readonly (Prediction | undefined)[],
): GoldenRowComparison[] =>
  compareGolden(golden, predictions).filter(({ withinTolerance }) => !withinTolerance);
