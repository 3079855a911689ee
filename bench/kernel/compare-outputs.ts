/** How an engine's answers differ from onnxruntime's. */
export type Comparison = {
  readonly largest: number;
  /** Of all answers, those that differ by more than `tolerance`, 0 to 1. */
  readonly share: number;
  readonly isRight: boolean;
};

/** Probabilities that differ by more are another answer. */
export const tolerance = 1e-4;
/**
 * Libraries compare with thresholds of 64 bits, ONNX with 32: a row that is between both goes another way. More than one in a
 * thousand has another cause.
 */
const allowedShare = 1e-3;

/** Compares all answers; a number that is missing, or is none, is a difference of Infinity. */
export const compareOutputs = (answers: Float64Array, expected: Float64Array): Comparison => {
  let largest = 0;
  let beyond = 0;
  for (const [index, value] of expected.entries()) {
    const distance = Math.abs((answers[index] ?? Number.NaN) - value);
    const difference = Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance;
    largest = Math.max(largest, difference);
    if (difference > tolerance) beyond += 1;
  }
  if (answers.length !== expected.length) largest = Number.POSITIVE_INFINITY;
  const share = beyond / Math.max(1, expected.length);
  return { largest, share, isRight: Number.isFinite(largest) && share <= allowedShare };
};
