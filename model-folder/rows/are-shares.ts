import type { ElementType } from "#model-folder/onnx/graph-value.ts";

/**
 * How far a share may be outside 0 to 1, and a row's sum from 1. A forest adds a rounded float32 per tree (2⁻²⁴ each, so
 * 1,000 trees end within 1e-4); float16 has three digits.
 */
const tolerances = { half: { value: 8e-3, sum: 8e-3 }, other: { value: 1e-4, sum: 1e-3 } };
const epsilons = { half: 2 ** -10, other: 2 ** -23 };

/**
 * Whether all rows hold probabilities: every value from 0 to 1 and, where a row has several, a sum of 1. The tolerance fits
 * the element type and grows with a row's width, because each value is rounded. No rows are no shares.
 */
export const areShares = (
  rows: readonly (readonly number[])[],
  { type, sums = true }: { readonly type?: ElementType; readonly sums?: boolean } = {},
): boolean => {
  const precision = type === "float16" ? "half" : "other";
  const { value: slack, sum: sumSlack } = tolerances[precision];
  return (
    rows.length > 0 &&
    rows.every((row) => {
      if (!row.every((value) => value >= -slack && value <= 1 + slack)) return false;
      if (!sums || row.length < 2) return true;
      const sum = row.reduce((total, value) => total + value, 0);
      return Math.abs(sum - 1) <= sumSlack + row.length * epsilons[precision];
    })
  );
};
