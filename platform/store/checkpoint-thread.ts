/**
 * One checkpoint, in a thread that background-checkpoints.ts starts: `workerData` is the path of the database. An error
 * ends the thread, and its owner gets it.
 */
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { workerData } from "node:worker_threads";

/** What was written during a pass needs another one. */
const mostPasses = 3;

const makeCheckpoint = (path: string): void => {
  const file = pathToFileURL(path);
  // A checkpoint creates no database.
  file.searchParams.set("mode", "rw");
  const database = new DatabaseSync(file);
  // PASSIVE waits for nobody, and nobody waits for it.
  const pass = database.prepare("PRAGMA wal_checkpoint(PASSIVE)");
  for (let passes = 1; passes <= mostPasses; passes += 1) {
    const progress = pass.get();
    if (progress === undefined || Number(progress.checkpointed) >= Number(progress.log)) break;
  }
  database.close();
};

// Imported outside of such a thread it does nothing.
if (typeof workerData === "string") makeCheckpoint(workerData);
