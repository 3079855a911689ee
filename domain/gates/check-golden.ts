import type { Golden, Prediction } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { formatCount, roundToDigits } from "./number-format.ts";
import type { Check } from "./verdict.ts";

type RowComparison =
  | { readonly kind: "near"; readonly difference: number }
  | { readonly kind: "broken"; readonly why: string };

/**
 * Of scores the plain difference; of values above 1 the relative one, because 32-bit floats keep seven
 * digits and no more (the rule of numpy's allclose, with one tolerance for both).
 */
const measureDifference = (expected: number, got: number) =>
  Math.abs(got - expected) / Math.max(1, Math.abs(expected));

const comparePrediction = (expected: Prediction, got: Prediction | undefined): RowComparison => {
  if (!got) return { kind: "broken", why: "was not answered" };
  if (expected.label !== got.label)
    return {
      kind: "broken",
      why: `was answered ${got.label ?? "without a label"} instead of ${expected.label}`,
    };
  if ((expected.value === undefined) !== (got.value === undefined))
    return { kind: "broken", why: expected.value === undefined ? "got a value" : "got no value" };
  const names = new Set([...Object.keys(expected.scores), ...Object.keys(got.scores)]);
  const differences = [...names].map((name) =>
    measureDifference(
      getOwnProperty(expected.scores, name) ?? Number.NaN,
      getOwnProperty(got.scores, name) ?? Number.NaN,
    ),
  );
  if (expected.value !== undefined)
    differences.push(measureDifference(expected.value, got.value ?? Number.NaN));
  const difference = Math.max(0, ...differences);
  return Number.isFinite(difference)
    ? { kind: "near", difference }
    : { kind: "broken", why: "got a score that is missing, unexpected or not finite" };
};

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
  const rows = golden.predictions.map((expected, row) => ({
    row: row + 1,
    ...comparePrediction(expected, answered[row]),
  }));
  const broken = rows.filter((result) => result.kind === "broken");
  const near = rows.filter((result) => result.kind === "near");
  const far = near.filter(({ difference }) => difference > golden.tolerance);
  const largest = near.reduce((most, each) => (each.difference > most.difference ? each : most), {
    row: 0,
    difference: 0,
  });
  const extra =
    answered.length > golden.predictions.length || golden.rows.length !== golden.predictions.length;
  const passed = broken.length === 0 && far.length === 0 && !extra;
  const first = broken[0];
  const parts = [
    ...(first ? [`row ${first.row} ${first.why}`] : []),
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
