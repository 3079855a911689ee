import type { ClassRule, Transform } from "./compiled-graph.ts";

/**
 * The functions of onnxruntime's tree ensembles from sums to scores, in float32 where onnxruntime computes in float32.
 * Source: onnxruntime, core/providers/cpu/ml/ml_common.h.
 */
const round = Math.fround;

const logistic = (value: number): number => {
  const share = round(1 / round(1 + round(Math.exp(-Math.abs(value)))));
  return value < 0 ? round(1 - share) : share;
};

/** NaN stays NaN: a sum that overflowed is no share. */
const softmax = (row: Float32Array): void => {
  let largest = -3.4028234663852886e38;
  for (const value of row) if (value > largest) largest = value;
  let sum = 0;
  for (let index = 0; index < row.length; index++) {
    const value = round(Math.exp(round((row[index] ?? 0) - largest)));
    row[index] = value;
    sum = round(sum + value);
  }
  for (let index = 0; index < row.length; index++) row[index] = (row[index] ?? 0) / sum;
};

/** Softmax that leaves values near zero out of the sum. */
const softmaxZero = (row: Float32Array): void => {
  let largest = -3.4028234663852886e38;
  for (const value of row) if (value > largest) largest = value;
  const smallest = round(Math.exp(-largest));
  let sum = 0;
  for (let index = 0; index < row.length; index++) {
    const value = row[index] ?? 0;
    if (value > round(0.0000001) || value < round(-0.0000001)) {
      const share = round(Math.exp(round(value - largest)));
      row[index] = share;
      sum = round(sum + share);
    } else row[index] = value * smallest;
  }
  for (let index = 0; index < row.length; index++) row[index] = (row[index] ?? 0) / sum;
};

/** Applies a transform to a row of at least two numbers, in place. */
export const transformRow = (row: Float32Array, transform: Transform): void => {
  switch (transform) {
    case "none":
      return;
    case "logistic":
      for (let index = 0; index < row.length; index++) row[index] = logistic(row[index] ?? 0);
      return;
    case "softmax":
      softmax(row);
      return;
    case "softmax-zero":
      softmaxZero(row);
      return;
    default:
      transform satisfies never;
  }
};

type Rule = Omit<ClassRule, "base"> & { readonly base: readonly number[] };

/**
 * Adds base values to the sums of two classes, in place. A class without a weight keeps the score 0. Gives false where the
 * first number stands for both classes.
 */
const addPairBase = (row: Float32Array, { weighed: [first, second], base }: Rule): boolean => {
  const [firstBase = 0, secondBase = 0] = base;
  const [sum = 0] = row;
  if (base.length === 2 && second) {
    // onnxruntime takes the first sum here, and the second base value.
    row[1] = secondBase + sum;
    row[0] = first ? -(row[1] ?? 0) : 0;
  } else if (base.length > 0 && first) row[0] = sum + firstBase;
  return base.length === 2 || second === true;
};

const isSingle = ({ weighed }: Rule): boolean => weighed.length === 2 && weighed[0] !== weighed[1];
const pickPositive = (row: Float32Array, { weighed: [first, second] }: Rule): number =>
  second ? (row[1] ?? 0) : first ? (row[0] ?? 0) : 0;

/** Adds base values to the sums of more than two classes, in place. */
const addBase = (row: Float32Array, { base }: Rule): void => {
  for (let index = 0; index < base.length; index++) row[index] = (row[index] ?? 0) + (base[index] ?? 0);
};

/** The scores of a row from its sums, in place. Source: onnxruntime, core/providers/cpu/ml/tree_ensemble_aggregator.h. */
export const scoreRow = (row: Float32Array, rule: Rule): void => {
  if (row.length > 2) {
    addBase(row, rule);
    transformRow(row, rule.transform);
    return;
  }
  if (addPairBase(row, rule)) {
    transformRow(row, rule.transform);
    return;
  }
  const [sum = 0] = row;
  if (rule.transform === "logistic") {
    row[0] = logistic(-sum);
    row[1] = logistic(sum);
  } else if (rule.positive) {
    row[0] = 1 - sum;
    row[1] = sum;
  } else {
    row[0] = -sum;
    row[1] = sum;
  }
};

/** The index of a row's label, from its sums, which it changes. */
export const labelRow = (row: Float32Array, rule: Rule): number => {
  if (row.length === 2) {
    addPairBase(row, rule);
    return pickPositive(row, rule) > (isSingle(rule) && rule.positive ? 0.5 : 0) ? 1 : 0;
  }
  addBase(row, rule);
  let best = -1;
  let highest = 0;
  for (let index = 0; index < row.length; index++) {
    const value = row[index] ?? 0;
    if ((rule.weighed[index] || rule.base.length > 0) && (best === -1 || value > highest)) {
      best = index;
      highest = value;
    }
  }
  return best;
};
