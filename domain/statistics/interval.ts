/** An estimate between the ends of its two-sided confidence interval. */
export type Interval = { readonly estimate: number; readonly low: number; readonly high: number };

/** The confidence of every interval that is shown to a person. */
export const defaultConfidence = 0.95;
