/** The time is over, whatever the call does. */
export const timedOut = Symbol("the call took too long");

/** Throws `timedOut` after so many milliseconds; the call goes on, and its later error is nobody's. */
export const withinTime = async <T>(ms: number, call: Promise<T>): Promise<T> => {
  const limit = Promise.withResolvers<never>();
  call.catch(() => undefined);
  const timer = setTimeout(() => limit.reject(timedOut), ms);
  try {
    return await Promise.race([call, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
};
