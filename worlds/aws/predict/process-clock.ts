import { createUuidV7 } from "#inference/records/uuid-v7.ts";

/** Time and ids of this process: epoch milliseconds, milliseconds that never go back, and ids in time order. */
export const processClock = {
  now: Date.now,
  tick: () => performance.now(),
  // The global crypto is loaded with the first id; node:crypto would be loaded with the function.
  newId: () => createUuidV7(Date.now(), crypto.randomUUID()),
};
