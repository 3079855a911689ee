import { formatLargestUnit } from "#domain/overview/format-largest-unit.ts";

/** How far a time is from now, in its largest unit: `3 min ago`, `in 2 h`, `just now`. */
export const formatAge = (at: number, now: number): string => {
  const distance = Math.abs(now - at);
  if (distance < 1_000) return "just now";
  return at > now ? `in ${formatLargestUnit(distance)}` : `${formatLargestUnit(distance)} ago`;
};
