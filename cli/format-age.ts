import { formatLargestUnit } from "#domain/overview/format-largest-unit.ts";

/** How long ago a time was, in its largest unit: `3 min ago`. A time that another clock puts ahead is `0 s ago`. */
export const formatAge = (at: number, now: number): string =>
  `${formatLargestUnit(Math.max(0, now - at))} ago`;
