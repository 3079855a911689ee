import { UsageMistake } from "#cli/errors.ts";
import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { compareGolden, type GoldenRowComparison } from "#model-folder/rows/compare-golden.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { explainDifferences } from "./explain-differences.ts";
import type { GivenPrediction } from "./interpret-predicted.ts";

/** The runtime's predictions are not those that another implementation made. Nothing was written. */
export class PredictionsDiffer extends Error {
  override readonly name = "PredictionsDiffer";
}

/** Relative above 1, else absolute, as for golden vectors: float32 and a CSV's digits stay within it. */
const tolerance = 1e-4;
const rowsShown = 10;

/** Python's predictions in the runtime's form, and how far apart they are. */
export type ComparedPredictions = {
  /** The places in the runtime's predictions of the rows that have one of Python's. */
  readonly places: readonly number[];
  readonly predictions: readonly Prediction[];
  readonly largestDifference: number;
};

type Row = { readonly given: GivenPrediction; readonly actual: Prediction };

const overlayHeads = (
  given: NonNullable<GivenPrediction["heads"]>,
  actual: NonNullable<Prediction["heads"]>,
): NonNullable<Prediction["heads"]> => ({
  ...actual,
  ...Object.fromEntries(
    Object.entries(given).map(([name, { label, scores }]) => {
      const own = getOwnProperty(actual, name);
      return [name, { label: label ?? own?.label ?? "", scores: { ...own?.scores, ...scores } }];
    }),
  ),
});

/** The runtime's prediction with the parts that the other implementation gave instead. */
const overlay = ({ given, actual }: Row): Prediction => {
  const { scores, value, heads, tensors, ...parts } = given;
  const [only, ...more] = Object.keys(actual.scores);
  const isSingle = actual.value !== undefined && only !== undefined && more.length === 0;
  const single = value ?? (isSingle && only !== undefined ? getOwnProperty(scores ?? {}, only) : undefined);
  return {
    ...actual,
    ...parts,
    scores: {
      ...actual.scores,
      ...scores,
      ...(isSingle && only !== undefined && single !== undefined ? { [only]: single } : {}),
    },
    ...(single === undefined || actual.value === undefined ? {} : { value: single }),
    ...(heads && actual.heads ? { heads: overlayHeads(heads, actual.heads) } : {}),
    ...(tensors ? { tensors: { ...actual.tensors, ...tensors } } : {}),
  };
};

const formatNumber = (value: number): string => String(Number(value.toPrecision(7)));

const formatRow = (
  manifest: Manifest,
  comparison: GoldenRowComparison,
  numbers: readonly number[],
  rows: readonly Row[],
): string => {
  const row = `row ${(numbers[comparison.row] ?? comparison.row) + 1}`;
  if (comparison.status === "incomparable") {
    const pair = rows[comparison.row];
    return pair?.given.label !== undefined && pair.given.label !== pair.actual.label
      ? `${row}: label ${pair.given.label} in Python, ${pair.actual.label ?? "none"} here`
      : `${row}: ${comparison.reason}`;
  }
  const { name, expected, actual } = comparison.largest;
  const subject = "labels" in manifest.output && name !== "value" ? `score of ${name}` : name;
  return `${row}: ${subject} ${formatNumber(expected)} in Python, ${formatNumber(actual)} here (difference ${formatNumber(actual - expected)})`;
};

/**
 * Compares the runtime's predictions with those of another implementation, for any kind of model: each part that it gave
 * must be equal, and numbers within 1e-4 (relative above 1). Throws PredictionsDiffer with the rows and the likely cause.
 * @param given by the data's rows
 * @param numbersOfAll the places of the runtime's rows in the data, from 0
 * @param hasTrees whether the graph has decision trees, for the likely cause
 */
export const comparePredicted = (
  manifest: Manifest,
  given: readonly GivenPrediction[],
  all: readonly Prediction[],
  numbersOfAll: readonly number[],
  hasTrees = false,
): ComparedPredictions => {
  const chosen = all.flatMap((actual, place) => {
    const number = numbersOfAll[place] ?? 0;
    const found = given[number];
    return found ? [{ place, number, row: { given: found, actual } }] : [];
  });
  if (chosen.length === 0)
    throw new UsageMistake(
      "None of the rows that the model was run on has a prediction of Python's. Give one for every row of the data to --predicted.",
    );
  const rows = chosen.map(({ row }) => row);
  const numbers = chosen.map(({ number }) => number);
  const predictions = rows.map(({ actual }) => actual);
  const expected = rows.map(overlay);
  const comparisons = compareGolden({ tolerance, rows: [], predictions: expected }, predictions);
  const different = comparisons.filter(({ withinTolerance }) => !withinTolerance);
  if (different.length > 0)
    throw new PredictionsDiffer(
      [
        `${different.length} of ${rows.length} predictions differ from Python's by more than ${tolerance}; nothing was written.`,
        ...different
          .slice(0, rowsShown)
          .map((comparison) => `  ${formatRow(manifest, comparison, numbers, rows)}`),
        ...(different.length > rowsShown ? [`  and ${different.length - rowsShown} more`] : []),
        `Likely cause: ${explainDifferences(
          manifest,
          rows,
          different.map(({ row }) => row),
          hasTrees,
        )}`,
      ].join("\n"),
    );
  return {
    places: chosen.map(({ place }) => place),
    predictions: expected,
    largestDifference: Math.max(
      0,
      ...comparisons.map((comparison) =>
        comparison.status === "comparable" ? comparison.largest.difference : 0,
      ),
    ),
  };
};
