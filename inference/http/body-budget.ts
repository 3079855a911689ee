/** Memory limits for request bodies, in bytes. */
type BodyLimits = {
  /** All bodies of requests without a response. */
  readonly total: number;
  /** All bodies of one connection, which can have several open requests (pipelining). */
  readonly perConnection: number;
  /**
   * The first bytes of each body do not count: the number of connections bounds them, and small bodies are accepted even
   * when large ones have used up the budget.
   */
  readonly free: number;
};

export const defaultBodyLimits: BodyLimits = {
  // Ten of the largest bodies. With their responses they stay below 150 MB.
  total: 64 * 1_024 * 1_024,
  perConnection: 8 * 1_024 * 1_024,
  free: 64 * 1_024,
};

/** The memory budget of one body. */
export type BodyLease = {
  /** Requests a buffer of this total size; false: the budget is used up. */
  resize(bytes: number): boolean;
  /** Returns all memory to the budget. May be called twice. */
  end(): void;
};

/**
 * Creates the memory budget for the request bodies of a server.
 * @param connection any object that identifies the connection
 */
export const createBodyBudget = (limits: BodyLimits = defaultBodyLimits) => {
  const perConnection = new WeakMap<object, number>();
  let total = 0;
  return {
    /** Bytes in use. */
    taken: () => total,
    lease(connection: object): BodyLease {
      let leased = 0;
      const setLeased = (bytes: number): void => {
        total += bytes - leased;
        perConnection.set(connection, (perConnection.get(connection) ?? 0) + bytes - leased);
        leased = bytes;
      };
      return {
        resize(bytes) {
          const needed = Math.max(0, bytes - limits.free);
          const growth = needed - leased;
          const fits =
            total + growth <= limits.total &&
            (perConnection.get(connection) ?? 0) + growth <= limits.perConnection;
          if (growth <= 0 || fits) setLeased(needed);
          return growth <= 0 || fits;
        },
        end: () => setLeased(0),
      };
    },
  };
};
export type BodyBudget = ReturnType<typeof createBodyBudget>;
