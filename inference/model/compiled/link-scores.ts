import type { ClassRule, Transform } from "./compiled-graph.ts";

/*
 * The functions of onnxruntime's tree ensembles from sums to scores and labels, in float32 where onnxruntime computes in
 * float32. Sources: onnxruntime, core/providers/cpu/ml/ml_common.h and tree_ensemble_aggregator.h. They work on a whole
 * row-major matrix, in place: a call for each row would cost more than the row.
 */
const round = Math.fround;
const lowest = -3.4028234663852886e38;

const logistic = (value: number): number => {
  const share = round(1 / round(1 + round(Math.exp(-Math.abs(value)))));
  return value < 0 ? round(1 - share) : share;
};

const findLargest = (values: Float32Array, start: number, end: number): number => {
  let largest = lowest;
  for (let index = start; index < end; index++) {
    const value = values[index] ?? 0;
    if (value > largest) largest = value;
  }
  return largest;
};

const softmax = (values: Float32Array, start: number, end: number): void => {
  const largest = findLargest(values, start, end);
  let sum = 0;
  for (let index = start; index < end; index++) {
    const power = round(Math.exp(round((values[index] ?? 0) - largest)));
    values[index] = power;
    sum = round(sum + power);
  }
  for (let index = start; index < end; index++) values[index] = (values[index] ?? 0) / sum;
};

/** Softmax that leaves values near zero out of the sum. */
const softmaxZero = (values: Float32Array, start: number, end: number): void => {
  const largest = findLargest(values, start, end);
  const smallest = round(Math.exp(-largest));
  const limit = round(0.0000001);
  let sum = 0;
  for (let index = start; index < end; index++) {
    const value = values[index] ?? 0;
    if (value > limit || value < -limit) {
      const power = round(Math.exp(round(value - largest)));
      values[index] = power;
      sum = round(sum + power);
    } else values[index] = value * smallest;
  }
  for (let index = start; index < end; index++) values[index] = (values[index] ?? 0) / sum;
};

/** Applies a transform to each row of at least two numbers. */
export const transformRows = (values: Float32Array, width: number, transform: Transform): void => {
  switch (transform) {
    case "none":
      return;
    case "logistic":
      for (let index = 0; index < values.length; index++) values[index] = logistic(values[index] ?? 0);
      return;
    case "softmax":
      for (let start = 0; start < values.length; start += width) softmax(values, start, start + width);
      return;
    case "softmax-zero":
      for (let start = 0; start < values.length; start += width) softmaxZero(values, start, start + width);
      return;
    default:
      transform satisfies never;
  }
};

type Rule = Omit<ClassRule, "base"> & { readonly base: readonly number[] };

/** Adds base values to the sums of two classes. A class without a weight keeps the score 0. */
const addPairBase = (values: Float32Array, { weighed: [first, second], base }: Rule): void => {
  const [firstBase = 0, secondBase = 0] = base;
  if (base.length === 0) return;
  for (let at = 0; at < values.length; at += 2) {
    const sum = values[at] ?? 0;
    if (base.length === 2 && second) {
      // onnxruntime takes the first sum here, and the second base value.
      values[at + 1] = secondBase + sum;
      values[at] = first ? -(values[at + 1] ?? 0) : 0;
    } else if (first) values[at] = sum + firstBase;
  }
};

const addBase = (values: Float32Array, width: number, { base }: Rule): void => {
  if (base.length === 0) return;
  for (let start = 0; start < values.length; start += width)
    for (let index = 0; index < width; index++)
      values[start + index] = (values[start + index] ?? 0) + (base[index] ?? 0);
};

/** Writes both scores of two classes where the first class's number stands for both. */
const splitScores = (values: Float32Array, { transform, positive }: Rule): void => {
  if (transform === "logistic") {
    for (let at = 0; at < values.length; at += 2) {
      const sum = values[at] ?? 0;
      // The logistic functions of the sum and of its negative.
      const share = round(1 / round(1 + round(Math.exp(-Math.abs(sum)))));
      values[at] = sum > 0 ? 1 - share : share;
      values[at + 1] = sum < 0 ? 1 - share : share;
    }
    return;
  }
  for (let at = 0; at < values.length; at += 2) {
    const sum = values[at] ?? 0;
    values[at] = positive ? 1 - sum : -sum;
    values[at + 1] = sum;
  }
};

/** Turns the sums of each row into scores. */
export const scoreRows = (values: Float32Array, rule: Rule): void => {
  const width = rule.weighed.length;
  if (width > 2) addBase(values, width, rule);
  else addPairBase(values, rule);
  if (width === 2 && rule.base.length < 2 && !rule.weighed[1]) splitScores(values, rule);
  else transformRows(values, width, rule.transform);
};

/** Writes the index of each row's label, from sums that it changes. */
export const labelRows = (values: Float32Array, rule: Rule, labels: Int32Array): void => {
  const { weighed, base, positive } = rule;
  const width = weighed.length;
  const rows = values.length / width;
  if (width === 2) {
    addPairBase(values, rule);
    const offset = weighed[1] ? 1 : 0;
    const isSingle = weighed[0] !== weighed[1];
    const limit = isSingle && positive ? 0.5 : 0;
    for (let row = 0; row < rows; row++) labels[row] = (values[row * 2 + offset] ?? 0) > limit ? 1 : 0;
    return;
  }
  addBase(values, width, rule);
  const candidates = weighed.flatMap((isWeighed, index) => (isWeighed || base.length > 0 ? [index] : []));
  for (let row = 0; row < rows; row++) {
    let best = -1;
    let highest = 0;
    for (const index of candidates) {
      const value = values[row * width + index] ?? 0;
      if (best === -1 || value > highest) {
        best = index;
        highest = value;
      }
    }
    labels[row] = best;
  }
};
