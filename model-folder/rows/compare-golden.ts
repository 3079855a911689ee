import type { Golden, NestedValues, Prediction } from "#model-folder/manifest/manifest.ts";

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
  const before = listTexts(expected);
  const after = listTexts(actual);
  for (const name of new Set([...before.keys(), ...after.keys()]))
    if (before.get(name) !== after.get(name))
      return `has ${shorten(after.get(name))} for ${name} instead of ${shorten(before.get(name))}`;
  return undefined;
};

const shorten = (text: string | undefined): string =>
  text === undefined ? "nothing" : text.length > 80 ? `${text.slice(0, 80).toWellFormed()}…` : text;

/** The parts of a prediction that must be the same, besides its label, by name. */
const listTexts = ({ labels, heads, entities, tensors }: Prediction): ReadonlyMap<string, string> =>
  new Map([
    ...(labels ? ([["labels", JSON.stringify(labels)]] as const) : []),
    ...Object.entries(heads ?? {}).map(([name, { label }]) => [name, label] as const),
    ...(entities
      ? ([
          ["entities", JSON.stringify(entities.map(({ label, start, end }) => [label, start, end]))],
        ] as const)
      : []),
    ...Object.entries(tensors ?? {}).flatMap(([name, value]) =>
      listLeaves(name, value).flatMap(([path, leaf]) =>
        typeof leaf === "number" ? [] : [[path, JSON.stringify(leaf)] as const],
      ),
    ),
  ]);

/** The elements of nested arrays by their path: `output[0][2]`. */
const listLeaves = (path: string, value: NestedValues): (readonly [string, number | boolean | string])[] =>
  typeof value === "object"
    ? value.flatMap((each, index) => listLeaves(`${path}[${index}]`, each))
    : [[path, value]];

/** The numbers of a prediction by name; all but `value`, which repeats a score. */
const listNumbers = ({ scores, heads, entities, tensors }: Prediction): ReadonlyMap<string, number> =>
  new Map([
    ...Object.entries(scores),
    ...Object.entries(heads ?? {}).flatMap(([head, { scores }]) =>
      Object.entries(scores).map(([name, score]) => [`${head}.${name}`, score] as const),
    ),
    ...(entities ?? []).map(({ score }, index) => [`entities[${index}].score`, score] as const),
    ...Object.entries(tensors ?? {}).flatMap(([name, value]) =>
      listLeaves(name, value).filter(
        (leaf): leaf is readonly [string, number] => typeof leaf[1] === "number",
      ),
    ),
  ]);

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
  const before = listNumbers(expected);
  const after = listNumbers(actual);
  const pairs = [...new Set([...before.keys(), ...after.keys()])].map((name) => ({
    name,
    expected: before.get(name) ?? Number.NaN,
    actual: after.get(name) ?? Number.NaN,
  }));
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
