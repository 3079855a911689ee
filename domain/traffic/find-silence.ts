/** Hours of the history that `findSilence` needs: the week that it judges, and the two weeks before. */
export const historyHours = 3 * 7 * 24;

/**
 * So many calls must be missing. If calls arrive independently at an unchanged rate, the probability of none where 20 are
 * expected is e^-20, about one in 500 million.
 * https://en.wikipedia.org/wiki/Poisson_distribution
 */
const minExpectedCalls = 20;

const dayHours = 24;
const weekHours = 7 * dayHours;

export type Silence = {
  /** Complete hours since the last call. */
  readonly hours: number;
  /** Calls that the same hours had before. */
  readonly expectedCalls: number;
};

/**
 * Whether a model that usually has calls has none any more. The hours since its last call, at most a week of them, are
 * compared with the same hours of the same weekday one and two weeks before (the smaller count), so that nights and weekends
 * are no silence. A model younger than a week is compared with its last day with calls. It stays silent until its next call,
 * but ends in the second week: then silence is what these hours had before.
 * @param hourly calls of each complete hour, oldest first
 * @returns undefined: not silent, or with too few calls to say
 */
export const findSilence = (hourly: readonly number[]): Silence | undefined => {
  const first = hourly.findIndex((calls) => calls > 0);
  const last = hourly.findLastIndex((calls) => calls > 0);
  const hours = hourly.length - 1 - last;
  if (first < 0 || hours === 0) return undefined;
  /** The counts of these hours; nothing is known of the time before the first call. */
  const read = (...atHours: readonly number[]): readonly number[] =>
    atHours.filter((hour) => hour >= first).map((hour) => hourly[hour] ?? 0);
  const expectAt = (hour: number): number => {
    const weeksBefore = read(hour - weekHours, hour - 2 * weekHours);
    if (weeksBefore.length > 0) return Math.min(...weeksBefore);
    const daysSince = Math.ceil((hour - last) / dayHours);
    return read(hour - daysSince * dayHours)[0] ?? 0;
  };
  let expectedCalls = 0;
  for (let hour = Math.max(last + 1, hourly.length - weekHours); hour < hourly.length; hour++)
    expectedCalls += expectAt(hour);
  return expectedCalls >= minExpectedCalls ? { hours, expectedCalls } : undefined;
};
