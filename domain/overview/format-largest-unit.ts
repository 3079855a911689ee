const units = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
] as const;

/** A distance in time in its largest unit, rounded down: `3 min`, `0 s`. */
export const formatLargestUnit = (ms: number): string => {
  const [size, unit] = units.find(([size]) => ms >= size) ?? [1_000, "s"];
  return `${Math.floor(ms / size)} ${unit}`;
};
