import { defaultConfidence } from "./interval.ts";
import { quantileLevels } from "./quantile-levels.ts";

/** A quantile of a sample by nearest rank; an end of its interval that the sample does not have is undefined. */
type SampleQuantile = {
  readonly estimate: number | undefined;
  readonly low: number | undefined;
  readonly high: number | undefined;
};

/**
 * The quantile `p` (0 to 1) of a sample, with the interval of the population's.
 * @param values in any order; values that are not finite, or below 0, are left out
 */
export const findSampleQuantile = (
  values: readonly number[],
  p: number,
  confidence = defaultConfidence,
): SampleQuantile & { readonly n: number } => {
  const sorted = values.filter((value) => Number.isFinite(value) && value >= 0).toSorted((a, b) => a - b);
  const n = sorted.length;
  const atLevel = (level: number): number | undefined =>
    level > 0 && level <= 100 ? sorted[Math.ceil((level / 100) * n) - 1] : undefined;
  const levels = quantileLevels(p, n, confidence);
  return { estimate: atLevel(100 * p), low: atLevel(levels.low), high: atLevel(levels.high), n };
};
