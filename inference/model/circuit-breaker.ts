const stopsBeforePause = 3;
const maxPauseMs = 60_000;

/**
 * A circuit breaker for runs that must be stopped. From the third consecutive stop on, requests are refused for 1, 2, 4, …
 * at most 60 s, so that a client that repeats such a request does not block all others.
 * @param tick milliseconds of a monotonic clock
 */
export const createCircuitBreaker = (tick: () => number) => {
  let stops = 0;
  let pausedUntil = 0;
  return {
    /** Records a stopped run and returns the number of consecutive stops. */
    recordStop: (): number => {
      stops++;
      if (stops >= stopsBeforePause)
        pausedUntil = tick() + Math.min(maxPauseMs, 1_000 * 2 ** (stops - stopsBeforePause));
      return stops;
    },
    /** Records a run that ended by itself. */
    recordEnd: (): void => {
      stops = 0;
    },
    consecutiveStops: (): number => stops,
    /** Seconds until requests are accepted again; undefined: now. */
    retryAfter: (): number | undefined => {
      const ms = pausedUntil - tick();
      return ms > 0 ? Math.ceil(ms / 1_000) : undefined;
    },
  };
};
