import type { Golden, Prediction } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

/** One golden row that is answered otherwise than at training. */
type GoldenDifference = {
  readonly row: number;
  /** The score, label or value that differs. */
  readonly what: string;
  readonly expected: number | string | undefined;
  readonly answered: number | string | undefined;
};

const differs = (expected: number | undefined, answered: number | undefined, tolerance: number): boolean =>
  expected === undefined ? false : answered === undefined || !(Math.abs(expected - answered) <= tolerance);

const compareRow = (
  row: number,
  expected: Prediction,
  answered: Prediction | undefined,
  tolerance: number,
): GoldenDifference[] => {
  const found: GoldenDifference[] = [];
  if (expected.label !== undefined && expected.label !== answered?.label)
    found.push({ row, what: "label", expected: expected.label, answered: answered?.label });
  if (differs(expected.value, answered?.value, tolerance))
    found.push({ row, what: "value", expected: expected.value, answered: answered?.value });
  for (const [name, score] of Object.entries(expected.scores)) {
    const got = answered && getOwnProperty(answered.scores, name);
    if (differs(score, got, tolerance)) found.push({ row, what: name, expected: score, answered: got });
  }
  return found;
};

/** Where answers differ from the golden ones by more than the tolerance (absolute, on every score and value). */
export const compareGolden = (golden: Golden, answered: readonly Prediction[]): GoldenDifference[] =>
  golden.predictions.flatMap((expected, row) => compareRow(row, expected, answered[row], golden.tolerance));
