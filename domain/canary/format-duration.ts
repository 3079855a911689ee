const units = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
] as const;

/**
 * `2 h 5 min`, `45 s`: two units at most, of the nearest second. A hold is stored a few milliseconds after its end was
 * computed, so an hour must not become 59 min 59 s.
 */
export const formatDuration = (ms: number): string => {
  const whole = Math.max(0, Math.round(ms / 1_000) * 1_000);
  const index = units.findIndex(([size]) => whole >= size);
  const [size, unit] = units[index] ?? [1_000, "s"];
  const first = `${Math.floor(whole / size)} ${unit}`;
  const [nextSize, nextUnit] = units[index + 1] ?? [1_000, "s"];
  const rest = Math.floor((whole % size) / nextSize);
  return index < 0 || rest === 0 ? first : `${first} ${rest} ${nextUnit}`;
};
