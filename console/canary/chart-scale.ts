/** A linear scale from values to pixels, with round values for its ticks. */
export type ChartScale = {
  readonly toPixel: (value: number) => number;
  readonly ticks: readonly number[];
};

const steps = [1, 2, 2.5, 5, 10] as const;

/**
 * The scale of a chart's height. Round ticks as in Heckbert, Graphics Gems 1990, page 61: the smallest step of 1, 2, 2.5, 5
 * and 10 times a power of ten that needs no more than `count` of them.
 * @param domain smallest and largest value; equal ones get a margin
 * @param pixels of the smallest and of the largest value
 */
export const createChartScale = (
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
  count = 4,
): ChartScale => {
  const margin = high > low ? 0 : Math.abs(high) || 1;
  const [bottom, top] = [low - margin / 2, high + margin / 2];
  const power = 10 ** Math.floor(Math.log10((top - bottom) / count));
  const step = (steps.find((each) => (top - bottom) / (each * power) <= count) ?? 10) * power;
  const first = Math.ceil(bottom / step - 1e-9);
  const last = Math.floor(top / step + 1e-9);
  return {
    toPixel: (value) => Number((from + ((value - bottom) / (top - bottom)) * (to - from)).toFixed(1)),
    ticks: Array.from({ length: last - first + 1 }, (_, index) =>
      Number(((first + index) * step).toPrecision(6)),
    ),
  };
};
