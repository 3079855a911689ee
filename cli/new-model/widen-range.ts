/**
 * The range of an input from its least and greatest value: adds half their span on both sides (but does not cross 0) and
 * rounds outward to two digits of the span.
 */
export const widenRange = (
  least: number,
  greatest: number,
  integral: boolean,
): { readonly min: number; readonly max: number } => {
  // A flag, written as a number, has no margin.
  if (integral && least === 0 && greatest === 1) return { min: 0, max: 1 };
  const span = greatest - least || Math.abs(least) || 1;
  const low = least >= 0 ? Math.max(0, least - span / 2) : least - span / 2;
  const high = greatest <= 0 && least < 0 ? Math.min(0, greatest + span / 2) : greatest + span / 2;
  const digit = 10 ** (Math.floor(Math.log10(high - low)) - 1);
  const step = integral ? Math.max(1, digit) : digit;
  // 4.3 - 1.8 is a little less than 2.5: a rounding error of binary fractions must not count as a step.
  const roundingError = 1e-9;
  const readable = (steps: number): number => Number((steps * step).toPrecision(12)) || 0;
  const most = integral ? Number.MAX_SAFE_INTEGER : Number.MAX_VALUE;
  // Near the largest number there is no margin; the data is always within the range.
  const within = (end: number, seen: number): number => (Math.abs(end) <= most ? end : seen);
  return {
    min: Math.min(least, within(readable(Math.floor(low / step + roundingError)), least)),
    max: Math.max(greatest, within(readable(Math.ceil(high / step - roundingError)), greatest)),
  };
};
