type WorkLimits = {
  /** Requests in work. */
  readonly requests: number;
  /** Always admitted, whatever they cost: one request may take long, and callers send a few at a time. */
  readonly alwaysAdmitted: number;
  /** Estimated milliseconds of work. */
  readonly workMs: number;
  /** Requests in work while an overload lasts. */
  readonly lastingRequests: number;
};

/**
 * Ten requests of equal cost that wait for each other take ten times as long as one, which is the most that an overload may
 * cost an admitted request. A burst gets more room than an overload that lasts: there, every place in the queue is taken, so
 * a longer queue gives no more responses and only later ones.
 */
export const defaultWorkLimits: WorkLimits = {
  requests: 32,
  alwaysAdmitted: 10,
  workMs: 12,
  lastingRequests: 14,
};

/** An overload lasts when it began so long ago, and was last seen not longer ago than the pause. */
const lasting = { afterMs: 100, pauseMs: 50 };

/** A request costs as much as this number of bytes, besides its own. */
const bytesPerUnit = 4_096;
/** The estimate before anything was measured; most models are faster. */
const firstMsPerUnit = 0.2;
/** After this time of work the older half of the measurement loses half its weight. */
const measuredMs = 200;

export type WorkQueue = {
  /** Whether a request with a body of this size is to be refused now; if so, it counts as refused. */
  isFull(bytes: number): boolean;
  /** Counts a request until the returned function is called; undefined: the queue is full. */
  enter(bytes: number): (() => void) | undefined;
  /** Whole seconds until the present work is done, at least 1. */
  retryAfter(): number;
};

/** Knows whether an overload lasts: whether, for some time, more requests have come at once than even a burst may. */
const createOverload = (tick: () => number, atNextTurn: (start: () => void) => void, limits: WorkLimits) => {
  /** In this turn of the event loop: a caller that is refused comes back in another one. */
  let refused = 0;
  let began = Number.NEGATIVE_INFINITY;
  let lastSeen = Number.NEGATIVE_INFINITY;
  const startTurn = (): void => {
    refused = 0;
  };
  return {
    limitRequests: (): number => {
      const now = tick();
      const lasts = now - began >= lasting.afterMs && now - lastSeen <= lasting.pauseMs;
      return lasts ? limits.lastingRequests : limits.requests;
    },
    countRefused: (inWork: number): void => {
      if (refused === 0) atNextTurn(startTurn);
      refused += 1;
      // A few callers more than the lower limit are refused by it alone; that must not go on for ever.
      if (inWork + refused <= limits.requests) return;
      const now = tick();
      if (now - lastSeen > lasting.pauseMs) began = now;
      lastSeen = now;
    },
  };
};

/**
 * Bounds the work that a process has admitted and not finished. Beyond the bound more requests would only wait: throughput
 * stays, and each response comes later. The cost of a request is estimated from the bytes of its body and from how long
 * the last ones took, so a slow model admits fewer requests, and large bodies count more.
 * @param tick milliseconds of a clock that never goes back
 * @param readWorkMs the same, or milliseconds of processor time of what does the work
 * @param atNextTurn calls a function when the event loop has read what arrived in this turn
 */
export const createWorkQueue = (
  {
    tick,
    readWorkMs = tick,
    atNextTurn = setImmediate,
  }: {
    readonly tick: () => number;
    readonly readWorkMs?: () => number;
    readonly atNextTurn?: (start: () => void) => void;
  },
  limits: WorkLimits = defaultWorkLimits,
): WorkQueue => {
  let requests = 0;
  let units = 0;
  /** Time in which there was work, and the units that were finished in it. */
  let busyMs = measuredMs / 4;
  let finished = busyMs / firstMsPerUnit;
  let countedUntil = 0;
  const overload = createOverload(tick, atNextTurn, limits);

  const countTime = (): void => {
    const now = readWorkMs();
    if (requests > 0) busyMs += Math.max(0, now - countedUntil);
    countedUntil = now;
    if (busyMs <= measuredMs) return;
    busyMs /= 2;
    finished /= 2;
  };
  const toUnits = (bytes: number): number => 1 + bytes / bytesPerUnit;
  const estimateMs = (more: number): number => (units + more) * (busyMs / Math.max(finished, 0.01));
  const isFull = (bytes: number): boolean => {
    if (requests < limits.alwaysAdmitted) return false;
    if (requests < overload.limitRequests() && estimateMs(toUnits(bytes)) <= limits.workMs) return false;
    overload.countRefused(requests);
    return true;
  };

  return {
    isFull,
    enter(bytes) {
      if (isFull(bytes)) return undefined;
      const cost = toUnits(bytes);
      countTime();
      requests += 1;
      units += cost;
      let isDone = false;
      return () => {
        if (isDone) return;
        isDone = true;
        countTime();
        requests -= 1;
        units = requests === 0 ? 0 : units - cost;
        finished += cost;
      };
    },
    retryAfter: () => Math.max(1, Math.ceil(estimateMs(0) / 1_000)),
  };
};
