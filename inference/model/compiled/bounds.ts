import type { ColumnOf } from "./column.ts";

/**
 * How far a number may be from onnxruntime's, for each row of a block. Sums are the only numbers that have bounds, and what
 * is computed from them: onnxruntime adds in an order that depends on the processor and on the number of rows.
 */
export type Bound = ColumnOf<Float64Array>;

/** What one run finds out. */
export type Doubts = { found: boolean };

/** A compiled graph's numbers are this close to onnxruntime's: relative above 1, else absolute. */
const tolerance = 1e-6;

export const isWithinTolerance = (bound: number, value: number): boolean =>
  // NaN is not.
  (bound <= tolerance || bound <= tolerance * Math.abs(value)) && Number.isFinite(value);

/**
 * Whether the difference of two numbers has the same sign in onnxruntime. Numbers without a bound are equal in both engines.
 */
export const isSignCertain = (difference: number, bound: number): boolean =>
  bound === 0 ? !Number.isNaN(difference) : Math.abs(difference) > bound;

/** Half of the distance between 1 and the next number. */
const units = { float32: 2 ** -24, float64: 2 ** -53 } as const;
/** What sums of smaller numbers lose where a processor takes them for zero. */
const leasts = { float32: 1e-36, float64: 1e-300 } as const;
/** Above it a sum in onnxruntime may be infinite. */
const greatests = { float32: 1e38, float64: 1e300 } as const;

/**
 * Creates the bound of a sum of products. Each addition of n numbers in some order rounds by at most u × the sum so far, which
 * is at most the larger of the sums of all positive and of all negative numbers. The errors have either sign, so they grow with
 * √n. Source: Higham and Mary, A new approach to probabilistic rounding error analysis (2019), with λ = 1.25,
 * which no measured sum exceeded (docs/decisions/59).
 */
export const createSumBound = (type: "float32" | "float64", count: number) => {
  const factor = units[type] * (2 + 1.25 * Math.sqrt(count));
  const least = leasts[type] * count;
  const greatest = greatests[type];
  /** @param sizes the sum of the products' sizes */
  return (sizes: number, sum: number): number =>
    sizes === 0 ? 0 : sizes < greatest ? (factor * (sizes + Math.abs(sum))) / 2 + least : Number.NaN;
};
