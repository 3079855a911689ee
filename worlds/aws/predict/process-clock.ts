import { createUuidV7 } from "#inference/records/uuid-v7.ts";

/**
 * A process that was restored from a snapshot shares its memory's past with others: no number may come from a buffer that was
 * filled before. https://nodejs.org/api/crypto.html#cryptorandomuuidoptions
 */
const drawUuid = (): string =>
  process.env.AWS_LAMBDA_INITIALIZATION_TYPE === "snap-start"
    ? process.getBuiltinModule("crypto").randomUUID({ disableEntropyCache: true })
    : // The global crypto is loaded with the first id; node:crypto would be loaded with the function.
      crypto.randomUUID();

/** Time and ids of this process: epoch milliseconds, milliseconds that never go back, and ids in time order. */
export const processClock = {
  now: Date.now,
  tick: () => performance.now(),
  newId: () => createUuidV7(Date.now(), drawUuid()),
};
