import { createUuidV7 } from "#inference/records/uuid-v7.ts";

/** Time and ids of this process: epoch milliseconds, milliseconds that never go back, and ids in the order of time. */
export const processClock = {
  now: Date.now,
  tick: () => performance.now(),
  // The global is loaded with the first id; node:crypto would be with the function.
  newId: () => createUuidV7(Date.now(), crypto.randomUUID()),
};
