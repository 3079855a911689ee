import type { Golden, Prediction } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { formatCount, roundToDigits } from "./number-format.ts";
import type { Check } from "./verdict.ts";

type RowComparison =
  | { readonly kind: "near"; readonly difference: number }
  | { readonly kind: "broken"; readonly why: string };

/**
 * The absolute difference up to 1, the relative one above: 32-bit floats keep seven digits (numpy's allclose, with one
 * tolerance for both).
 */
const measureDifference = (expected: number, actual: number) =>
  Math.abs(actual - expected) / Math.max(1, Math.abs(expected));

const comparePrediction = (expected: Prediction, actual: Prediction | undefined): RowComparison => {
  if (!actual) return { kind: "broken", why: "has no prediction" };
  if (expected.label !== actual.label)
    return {
      kind: "broken",
      why: `predicted ${actual.label ?? "no label"}, expected ${expected.label ?? "no label"}`,
    };
  if ((expected.value === undefined) !== (actual.value === undefined))
    return { kind: "broken", why: expected.value === undefined ? "has an unexpected value" : "has no value" };
  const names = new Set([...Object.keys(expected.scores), ...Object.keys(actual.scores)]);
  const differences = [...names].map((name) =>
    measureDifference(
      getOwnProperty(expected.scores, name) ?? Number.NaN,
      getOwnProperty(actual.scores, name) ?? Number.NaN,
    ),
  );
  if (expected.value !== undefined)
    differences.push(measureDifference(expected.value, actual.value ?? Number.NaN));
  const difference = Math.max(0, ...differences);
  return Number.isFinite(difference)
    ? { kind: "near", difference }
    : { kind: "broken", why: "has a missing, unexpected or non-finite score" };
};

/**
 * Whether the deployed model predicts the golden rows as at training: the same labels, and every score within
 * `golden.tolerance`.
 * @param predictions one for each row, in order
 * @returns `measured` is the largest difference among the rows that can be compared
 */
export const checkGolden = ({
  golden,
  predictions,
}: {
  readonly golden: Golden;
  readonly predictions: readonly (Prediction | undefined)[];
}): Check => {
  const rows = golden.predictions.map((expected, row) => ({
    row: row + 1,
    ...comparePrediction(expected, predictions[row]),
  }));
  const broken = rows.filter((result) => result.kind === "broken");
  const near = rows.filter((result) => result.kind === "near");
  const far = near.filter(({ difference }) => difference > golden.tolerance);
  const largest = near.reduce((most, row) => (row.difference > most.difference ? row : most), {
    row: 0,
    difference: 0,
  });
  const countDiffers =
    predictions.length > golden.predictions.length || golden.rows.length !== golden.predictions.length;
  const passed = broken.length === 0 && far.length === 0 && !countDiffers;
  const first = broken[0];
  const largestDifference = `largest difference ${roundToDigits(largest.difference, 3)}`;
  const parts = [
    ...(first ? [`row ${first.row} ${first.why}`] : []),
    ...(broken.length > 1 ? [`${formatCount(broken.length, "row")} without a comparable prediction`] : []),
    ...(largest.row > 0 ? [`${largestDifference} in row ${largest.row} (limit ${golden.tolerance})`] : []),
    ...(far.length > 0 ? [`${formatCount(far.length, "row")} above the limit`] : []),
    ...(countDiffers ? ["the numbers of rows and predictions differ"] : []),
  ];
  return {
    name: "golden vectors",
    verdict: passed ? "pass" : "fail",
    measured: near.length > 0 ? largest.difference : null,
    limit: golden.tolerance,
    unit: "",
    detail: passed
      ? `${formatCount(rows.length, "golden row")} predicted as at training: ${largestDifference} (limit ${golden.tolerance})`
      : `${broken.length + far.length} of ${formatCount(rows.length, "golden row")} differ from training: ${parts.join("; ")}`,
  };
};
