/** Median, minimum and maximum of several rounds. */
export type Spread = { readonly median: number; readonly min: number; readonly max: number };

/** Undefined without measurements. */
export const computeSpread = (values: readonly number[]): Spread | undefined => {
  const sorted = values.toSorted((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) return undefined;
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? max;
  return { median: sorted.length % 2 ? upper : ((sorted[half - 1] ?? min) + upper) / 2, min, max };
};
