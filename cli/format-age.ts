const units = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
] as const;

/** How long ago a time was, in its largest unit: `3 min ago`. */
export const formatAge = (at: number, now: number): string => {
  const age = Math.max(0, now - at);
  const [size, unit] = units.find(([size]) => age >= size) ?? [1_000, "s"];
  return `${Math.floor(age / size)} ${unit} ago`;
};
