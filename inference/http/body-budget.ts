/** How much memory the bodies of requests may take, in bytes. */
type BodyLimits = {
  /** All bodies together, of requests that have no answer yet. */
  readonly total: number;
  /** The bodies of one connection, which can have several requests under way (pipelining). */
  readonly perConnection: number;
  /**
   * The beginning of each body, which nobody has to ask for: it is bounded by the number of connections, and so a
   * budget that large bodies have used up refuses no small one.
   */
  readonly free: number;
};

export const defaultBodyLimits: BodyLimits = {
  // Ten of the largest bodies. With their answers they stay below 150 MB.
  total: 64 * 1_024 * 1_024,
  perConnection: 8 * 1_024 * 1_024,
  free: 64 * 1_024,
};

/** The memory of one body. */
export type BodyLease = {
  /** Asks for a buffer of so many bytes in all; false: there is no room for it now. */
  resize(bytes: number): boolean;
  /** Gives everything back. May be called twice. */
  end(): void;
};

/**
 * One account of the memory that bodies take, for a whole server.
 * @param connection any object that stands for the connection
 */
export const createBodyBudget = (limits: BodyLimits = defaultBodyLimits) => {
  const perConnection = new WeakMap<object, number>();
  let total = 0;
  return {
    /** Bytes that are taken now. */
    taken: () => total,
    lease(connection: object): BodyLease {
      let mine = 0;
      const change = (bytes: number): void => {
        total += bytes - mine;
        perConnection.set(connection, (perConnection.get(connection) ?? 0) + bytes - mine);
        mine = bytes;
      };
      return {
        resize(bytes) {
          const wanted = Math.max(0, bytes - limits.free);
          const more = wanted - mine;
          const fits =
            total + more <= limits.total &&
            (perConnection.get(connection) ?? 0) + more <= limits.perConnection;
          if (more <= 0 || fits) change(wanted);
          return more <= 0 || fits;
        },
        end: () => change(0),
      };
    },
  };
};
export type BodyBudget = ReturnType<typeof createBodyBudget>;
