import { defaultConfidence, type Interval } from "./interval.ts";
import { meanInterval } from "./mean-interval.ts";

/** Prediction − truth, row by row. */
type Errors = readonly number[];

const rootMeanSquare = (errors: Errors) =>
  Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length);

/** How far each row's squared error moves the root of the mean (delta method): e² / (2·rmse). */
const computeInfluence = (errors: Errors, rmse: number) =>
  errors.map((error) => (rmse === 0 ? 0 : (error * error) / (2 * rmse)));

/** Mean absolute error, by Student's t. */
export const maeInterval = (errors: Errors, confidence = defaultConfidence): Interval => {
  const { estimate, low, high } = meanInterval(errors.map(Math.abs), confidence);
  return { estimate, low: Math.max(0, low), high };
};

/** Root mean squared error, by the delta method and Student's t. */
export const rmseInterval = (errors: Errors, confidence = defaultConfidence): Interval => {
  const estimate = rootMeanSquare(errors);
  const { estimate: centre, low, high } = meanInterval(computeInfluence(errors, estimate), confidence);
  return { estimate, low: Math.max(0, estimate + low - centre), high: estimate + high - centre };
};

const pairErrors = (champion: Errors, challenger: Errors) => {
  if (champion.length !== challenger.length)
    throw new RangeError(`${champion.length} and ${challenger.length} errors do not belong to the same rows`);
  return champion.map((error, row): readonly [number, number] => [error, challenger[row] ?? Number.NaN]);
};

/** Champion's mean absolute error − challenger's on the same rows: above 0 the challenger is better. */
export const maeGain = (champion: Errors, challenger: Errors, confidence = defaultConfidence): Interval =>
  meanInterval(
    pairErrors(champion, challenger).map(([before, after]) => Math.abs(before) - Math.abs(after)),
    confidence,
  );

/**
 * Champion's root mean squared error − challenger's on the same rows: above 0 the challenger is better.
 * Delta method on the pair of mean squares (van der Vaart, Asymptotic Statistics, 1998, theorem 3.1).
 */
export const rmseGain = (champion: Errors, challenger: Errors, confidence = defaultConfidence): Interval => {
  const before = rootMeanSquare(champion);
  const after = rootMeanSquare(challenger);
  const gains = pairErrors(computeInfluence(champion, before), computeInfluence(challenger, after)).map(
    ([before, after]) => before - after,
  );
  const { estimate: centre, low, high } = meanInterval(gains, confidence);
  const estimate = before - after;
  return { estimate, low: estimate + low - centre, high: estimate + high - centre };
};
