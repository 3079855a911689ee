import { Worker } from "node:worker_threads";
import { toDataFolderError } from "#platform/errors/data-folder-unusable.ts";
import { type Database, pagesBeforeCheckpoint } from "./open-database.ts";

/** Where the thread does not manage, the commit that reaches this size makes a checkpoint itself: 256 MB. */
const pagesBeforeOwnCheckpoint = 64_000;
/** The pause after a checkpoint that failed, or that could not pass what another process still reads. */
const retryAfterMs = 10_000;

export type BackgroundCheckpoints = {
  /** Starts a checkpoint if the log is large and none runs; costs microseconds, never throws. To be called after a transaction. */
  startIfLarge(): void;
  /** Starts one whatever the size of the log, for space that was freed: the file becomes shorter only then. */
  start(): void;
  /**
   * The end of the running checkpoint, which never rejects; undefined: none runs. Who can wait with writes until then lets
   * SQLite use its log from the start again: what is written meanwhile stays in it.
   */
  running(): Promise<void> | undefined;
  /** Waits for the running checkpoint. To be called before the database is closed. */
  close(): Promise<void>;
};

/** Before SQLite 3.51, which an older Node 24 has, the pragma takes NOOP for a word that it does not know, and makes a checkpoint. */
const canMeasureLog = (database: Database): boolean => {
  const version = String(database.prepare("SELECT sqlite_version() AS version").get()?.version);
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 3 || (major === 3 && minor >= 51);
};

/** SQLite makes checkpoints itself, in the commits that it chooses. */
const createOwnCheckpoints = (database: Database): BackgroundCheckpoints => ({
  startIfLarge: () => undefined,
  start: () => void database.prepare("PRAGMA wal_checkpoint(PASSIVE)").get(),
  running: () => undefined,
  close: async () => undefined,
});

/**
 * Makes the checkpoints of a database in a thread. A checkpoint copies the pages of the log into the database's file and
 * flushes both to the disk: 100 to 250 ms for 32 MB, for which the commit that SQLite chooses would block the event loop.
 * The thread exists for one checkpoint, because it would hold 10 MB.
 * @param log gets a sentence when checkpoints begin to fail; they are tried again
 */
export const createBackgroundCheckpoints = ({
  database,
  log,
  pages = pagesBeforeCheckpoint,
}: {
  readonly database: Database;
  readonly log: (sentence: string, error?: unknown) => void;
  /** The size of the log from which on a checkpoint is made. */
  readonly pages?: number;
}): BackgroundCheckpoints => {
  if (!canMeasureLog(database)) return createOwnCheckpoints(database);
  database.prepare(`PRAGMA wal_autocheckpoint = ${pagesBeforeOwnCheckpoint}`).get();
  // Changes nothing, and reads both numbers from shared memory.
  const measure = database.prepare("PRAGMA wal_checkpoint(NOOP)");
  const isLarge = (): boolean => {
    const progress = measure.get();
    return Number(progress?.log) - Number(progress?.checkpointed) >= pages;
  };
  let running: Promise<void> | undefined;
  let hasFailed = false;
  let notBefore = 0;
  let closed = false;

  const runThread = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const thread = new Worker(new URL("checkpoint-thread.ts", import.meta.url), {
        workerData: database.path,
        resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 },
      });
      thread.once("error", reject);
      thread.once("exit", () => resolve());
    });

  const pauseAfterFailure = (error: unknown): void => {
    notBefore = performance.now() + retryAfterMs;
    if (!hasFailed)
      log(
        `a checkpoint of ${database.path} failed, and is tried again`,
        toDataFolderError(database.path, error),
      );
    hasFailed = true;
  };

  const makeCheckpoint = async (): Promise<void> => {
    try {
      await runThread();
      if (isLarge()) notBefore = performance.now() + retryAfterMs;
      hasFailed = false;
    } catch (error) {
      pauseAfterFailure(error);
    }
    running = undefined;
  };

  const isPossible = (): boolean => !running && !closed && performance.now() >= notBefore;
  const start = (): void => {
    if (isPossible()) running = makeCheckpoint();
  };

  return {
    start,
    startIfLarge: () => {
      try {
        if (isPossible() && isLarge()) start();
      } catch (error) {
        pauseAfterFailure(error);
      }
    },
    running: () => running,
    close: async () => {
      closed = true;
      await running;
    },
  };
};
