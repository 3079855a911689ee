import type { Golden, Prediction } from "#model-folder/manifest/manifest.ts";
import { compareGolden } from "#model-folder/rows/compare-golden.ts";
import { formatCount, roundToDigits } from "./number-format.ts";
import type { Check } from "./verdict.ts";

/**
 * Whether the deployed model answers the golden rows as it did at training: the same labels, and every
 * score within `golden.tolerance`. `answered` holds one answer for each row, in order. `measured` is the
 * largest difference among the rows that can be compared.
 */
export const checkGolden = ({
  golden,
  answered,
}: {
  readonly golden: Golden;
  readonly answered: readonly (Prediction | undefined)[];
}): Check => {
  const rows = compareGolden(golden, answered);
  const broken = rows.filter((result) => result.status === "incomparable");
  const near = rows.filter((result) => result.status === "comparable");
  const far = near.filter(({ withinTolerance }) => !withinTolerance);
  const largest = near.reduce(
    (most, { row, largest: { difference } }) =>
      difference > most.difference ? { row: row + 1, difference } : most,
    { row: 0, difference: 0 },
  );
  const extra =
    answered.length > golden.predictions.length || golden.rows.length !== golden.predictions.length;
  const passed = broken.length === 0 && far.length === 0 && !extra;
  const first = broken[0];
  const parts = [
    ...(first ? [`row ${first.row + 1} ${first.reason}`] : []),
    ...(broken.length > 1 ? [`${formatCount(broken.length, "row")} in all differ beyond comparing`] : []),
    ...(largest.row > 0
      ? [`the largest difference is ${roundToDigits(largest.difference, 3)}, in row ${largest.row}`]
      : []),
    ...(far.length > 0 ? [`${formatCount(far.length, "row")} differ by more than ${golden.tolerance}`] : []),
    ...(extra ? ["rows and answers are not equally many"] : []),
  ];
  const summary = `${broken.length + far.length} of ${formatCount(rows.length, "golden row")} differ from training: ${parts.join("; ")}.`;
  return {
    name: "golden vectors",
    verdict: passed ? "pass" : "fail",
    measured: near.length > 0 ? largest.difference : null,
    limit: golden.tolerance,
    unit: "",
    detail: passed
      ? `All ${formatCount(rows.length, "golden row")} are answered as at training: the largest difference is ${roundToDigits(largest.difference, 3)}, ${golden.tolerance} is allowed.`
      : summary,
  };
};
