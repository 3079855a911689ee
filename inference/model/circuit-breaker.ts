/** Stops one after the other, without a run that ended, from which on new requests are refused for a while. */
const stopsBeforePause = 3;
const maxPauseMs = 60_000;

/**
 * Counts runs that had to be stopped one after the other, none ending between: from the third on requests are refused
 * for 1, 2, 4, … at most 60 s, so that who sends them again and again does not keep all others waiting.
 * @param tick milliseconds of a clock that never goes back
 */
export const createCircuitBreaker = (tick: () => number) => {
  let stopped = 0;
  let pausedUntil = 0;
  return {
    /** A run was stopped: how many in a row. */
    stopped: (): number => {
      stopped++;
      if (stopped >= stopsBeforePause)
        pausedUntil = tick() + Math.min(maxPauseMs, 1_000 * 2 ** (stopped - stopsBeforePause));
      return stopped;
    },
    /** A run came to its end. */
    ended: (): void => {
      stopped = 0;
    },
    /** How many were stopped in a row. */
    inARow: (): number => stopped,
    /** Seconds until requests are taken again; undefined where they are now. */
    retryAfter: (): number | undefined => {
      const ms = pausedUntil - tick();
      return ms > 0 ? Math.ceil(ms / 1_000) : undefined;
    },
  };
};
