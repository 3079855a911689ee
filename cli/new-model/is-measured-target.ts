import { isNumber } from "./csv-cells.ts";

/** Integers with more different values than this are measured values, not labels. */
const maxIntegerLabels = 20;

/** Whether the different cells of a target are measured numbers, in contrast to labels. */
export const isMeasuredTarget = (known: readonly string[]): boolean =>
  known.every(isNumber) &&
  (known.length > maxIntegerLabels || !known.every((text) => Number.isSafeInteger(Number(text))));
