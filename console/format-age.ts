const units = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
] as const;

/** How far a time is from now, in its largest unit: `3 min ago`, `in 2 h`, `just now`. */
export const formatAge = (at: number, now: number): string => {
  const distance = Math.abs(now - at);
  const [size, unit] = units.find(([size]) => distance >= size) ?? [1_000, "s"];
  if (distance < 1_000) return "just now";
  const amount = `${Math.floor(distance / size)} ${unit}`;
  return at > now ? `in ${amount}` : `${amount} ago`;
};
