/** Two-sided confidence interval. */
export type Interval = { readonly estimate: number; readonly low: number; readonly high: number };

/** Every interval that people see has this confidence. */
export const defaultConfidence = 0.95;
