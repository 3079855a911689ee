import { formatLargestUnit } from "#domain/overview/format-largest-unit.ts";

const units = [86_400_000, 3_600_000, 60_000];

/** A time ahead counts in its nearest unit: what was just given 24 h does not have 23 h left. Seconds count down. */
const roundAhead = (ms: number): number => {
  const unit = units.find((size) => ms >= size);
  return unit === undefined ? ms : Math.round(ms / unit) * unit;
};

/** How far a time is from now, in its largest unit: `3 min ago`, `in 2 h`, `just now`. */
export const formatAge = (at: number, now: number): string => {
  const distance = Math.abs(now - at);
  if (distance < 1_000) return "just now";
  return at > now ? `in ${formatLargestUnit(roundAhead(distance))}` : `${formatLargestUnit(distance)} ago`;
};
