import { createSumBound } from "./bounds.ts";
import type { FloatData } from "./column.ts";

/** One layer: `weights` is row-major, a row for each number that it makes. */
export type DenseLayer = {
  readonly type: "float32" | "float64";
  readonly width: number;
  readonly weights: Float64Array;
  readonly bias: Float64Array;
};
type Block = {
  /** Row-major. */
  readonly features: FloatData;
  /** Row-major, if some features have bounds. */
  readonly featureBounds: Float64Array | undefined;
  /** Row-major: where the sums and their bounds belong. */
  readonly values: FloatData;
  readonly bounds: Float64Array;
};

/** What the features' own bounds add to a sum: their errors have either sign, so their squares add up. */
const addFeatureBounds = (
  { width, weights }: DenseLayer,
  featureBounds: Float64Array,
  bounds: Float64Array,
  rows: number,
): void => {
  const count = weights.length / width;
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < width; column++) {
      let squares = 0;
      const from = row * count;
      const first = column * count;
      for (let index = 0; index < count; index++) {
        const part = (featureBounds[from + index] ?? 0) * (weights[first + index] ?? 0);
        squares += part * part;
      }
      const at = row * width + column;
      bounds[at] = (bounds[at] ?? 0) + Math.sqrt(squares);
    }
};

/**
 * Prepares a layer's sums. They are added in double precision in the features' order, so that they are the same on every
 * machine. Four rows at once, because an addition waits for the one before it.
 */
export const prepareDense = (layer: DenseLayer) => {
  const { type, width, weights, bias } = layer;
  const count = weights.length / width;
  const boundOf = createSumBound(type, count + 1);
  const sumFour = ({ features, values, bounds }: Block, row: number): void => {
    const from1 = row * count;
    const from2 = from1 + count;
    const from3 = from2 + count;
    const from4 = from3 + count;
    for (let column = 0; column < width; column++) {
      const start = bias[column] ?? 0;
      let sum1 = start;
      let sum2 = start;
      let sum3 = start;
      let sum4 = start;
      let size1 = Math.abs(start);
      let size2 = size1;
      let size3 = size1;
      let size4 = size1;
      const first = column * count;
      for (let index = 0; index < count; index++) {
        const weight = weights[first + index] ?? 0;
        const part1 = (features[from1 + index] ?? 0) * weight;
        const part2 = (features[from2 + index] ?? 0) * weight;
        const part3 = (features[from3 + index] ?? 0) * weight;
        const part4 = (features[from4 + index] ?? 0) * weight;
        sum1 += part1;
        sum2 += part2;
        sum3 += part3;
        sum4 += part4;
        size1 += Math.abs(part1);
        size2 += Math.abs(part2);
        size3 += Math.abs(part3);
        size4 += Math.abs(part4);
      }
      const at = row * width + column;
      values[at] = sum1;
      values[at + width] = sum2;
      values[at + 2 * width] = sum3;
      values[at + 3 * width] = sum4;
      bounds[at] = boundOf(size1, sum1);
      bounds[at + width] = boundOf(size2, sum2);
      bounds[at + 2 * width] = boundOf(size3, sum3);
      bounds[at + 3 * width] = boundOf(size4, sum4);
    }
  };
  const sumOne = ({ features, values, bounds }: Block, row: number): void => {
    const from = row * count;
    for (let column = 0; column < width; column++) {
      let sum = bias[column] ?? 0;
      let size = Math.abs(sum);
      const first = column * count;
      for (let index = 0; index < count; index++) {
        const part = (features[from + index] ?? 0) * (weights[first + index] ?? 0);
        sum += part;
        size += Math.abs(part);
      }
      values[row * width + column] = sum;
      bounds[row * width + column] = boundOf(size, sum);
    }
  };
  return (block: Block, rows: number): void => {
    const { featureBounds, bounds } = block;
    let row = 0;
    for (; row + 4 <= rows; row += 4) sumFour(block, row);
    for (; row < rows; row++) sumOne(block, row);
    if (featureBounds !== undefined) addFeatureBounds(layer, featureBounds, bounds, rows);
  };
};
