import type { Interval } from "#domain/statistics/interval.ts";

/** At most `digits` significant digits, without trailing zeros, never −0. */
export const roundToDigits = (value: number, digits = 4): number => {
  const short = Number(value.toPrecision(digits)) + 0;
  return Number.isFinite(short) ? short : value;
};

/** An infinite end is `unknown`. */
export const formatInterval = ({ low, high }: Interval, digits = 3): string => {
  const end = (value: number) => (Number.isFinite(value) ? String(roundToDigits(value, digits)) : "unknown");
  return `95 % interval ${end(low)} to ${end(high)}`;
};

export const formatCount = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;
