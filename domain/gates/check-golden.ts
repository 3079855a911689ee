import type { Golden, Prediction } from "#model-folder/manifest/manifest.ts";
import { compareGolden } from "#model-folder/rows/compare-golden.ts";
import { formatCount, roundToDigits } from "./number-format.ts";
import type { Check } from "./verdict.ts";

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
  const rows = compareGolden(golden, predictions);
  const broken = rows.filter((result) => result.status === "incomparable");
  const near = rows.filter((result) => result.status === "comparable");
  const far = near.filter(({ withinTolerance }) => !withinTolerance);
  const largest = near.reduce(
    (most, { row, largest: { difference } }) =>
      difference > most.difference ? { row: row + 1, difference } : most,
    { row: 0, difference: 0 },
  );
  const countDiffers =
    predictions.length > golden.predictions.length || golden.rows.length !== golden.predictions.length;
  const passed = broken.length === 0 && far.length === 0 && !countDiffers;
  const first = broken[0];
  const largestDifference = `largest difference ${roundToDigits(largest.difference, 3)}`;
  const parts = [
    ...(first ? [`row ${first.row + 1} ${first.reason}`] : []),
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
