/** A measurement: when, in minutes since the load began, and what, in MB. */
export type Sample = { readonly minute: number; readonly megabytes: number };

export type MinuteSummary = {
  /** Medians of the first and of the last minute, and of all. */
  readonly first: number;
  readonly median: number;
  readonly last: number;
  readonly largest: number;
  /** MB each minute, by least squares over all samples after the first minute; 0 with fewer than two of them. */
  readonly slope: number;
};

const computeMedian = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? upper) + upper) / 2;
};

const computeSlope = (samples: readonly Sample[]): number => {
  const mean = (read: (sample: Sample) => number) =>
    samples.reduce((sum, sample) => sum + read(sample), 0) / samples.length;
  const minutes = mean(({ minute }) => minute);
  const megabytes = mean((sample) => sample.megabytes);
  let covariance = 0;
  let variance = 0;
  for (const sample of samples) {
    covariance += (sample.minute - minutes) * (sample.megabytes - megabytes);
    variance += (sample.minute - minutes) ** 2;
  }
  return variance > 0 ? covariance / variance : 0;
};

/** Summarizes samples in the order of their times. The first minute is no part of the slope: caches fill in it. */
export const summarizeMinutes = (samples: readonly Sample[]): MinuteSummary => {
  const end = samples.at(-1)?.minute ?? 0;
  const read = (from: number, to: number): number =>
    computeMedian(
      samples.filter(({ minute }) => minute >= from && minute <= to).map(({ megabytes }) => megabytes),
    );
  return {
    first: read(0, 1),
    median: read(0, end),
    last: read(end - 1, end),
    largest: Math.max(...samples.map(({ megabytes }) => megabytes)),
    slope: computeSlope(samples.filter(({ minute }) => minute > 1)),
  };
};
