import { setImmediate } from "node:timers/promises";
import type { Database } from "#platform/store/open-database.ts";
import type { Log } from "#worlds/embedded/world.ts";
import type { DataFolder } from "./data-folder.ts";
import { deleteExpiredRows } from "./delete-expired-rows.ts";
import { measureDataSize } from "./measure-data-size.ts";
import { trimTraffic } from "./trim-traffic.ts";

type Needs = {
  readonly folder: DataFolder;
  readonly database: Database;
  /** Bytes of all objects that this process has put. */
  readonly blobsWritten: () => number;
  readonly limitBytes: number;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly log: Log;
};

/** Free pages of the file that go back to the disk in one step. */
const pagesAtOnce = 500;
const checkIntervalMs = 5_000;
const walkIntervalMs = 3_600_000;

const gigabyte = 1_024 ** 3;
const formatBytes = (bytes: number): string =>
  bytes >= gigabyte ? `${(bytes / gigabyte).toFixed(1)} GB` : `${Math.ceil(bytes / 1_024 ** 2)} MB`;

/**
 * Keeps a data folder within its limit by forgetting the oldest traffic. A look costs three pragmas and a walk over the
 * few files that are no objects. Objects are as many as there were large requests: they are walked over once an hour,
 * when those past their days go too, and counted in between. Where the folder is over its limit, batch after batch goes,
 * with a turn of the event loop between. Pages that are free are used again by the next requests; where they are more
 * than a twentieth of the limit, they go back to the disk.
 */
export const createDataLimiter = ({ folder, database, blobsWritten, limitBytes, clock, log }: Needs) => {
  // Beside its pages stands the log of writes, which is cut back to 64 MB.
  const target = limitBytes - Math.min(64 * 1_024 ** 2, limitBytes / 10);
  const pragma = (name: string): number => {
    const row = database.prepare(`PRAGMA ${name}`).get();
    return Number(Object.values(row ?? {})[0] ?? 0);
  };
  const trim = trimTraffic({ database, blobs: folder.blobs });
  const pages = () => ({
    all: pragma("page_count"),
    free: pragma("freelist_count"),
    bytes: pragma("page_size"),
  });
  const usedBytes = (): number => {
    const { all, free, bytes } = pages();
    return (all - free) * bytes;
  };

  const giveBack = async (): Promise<void> => {
    const before = pages();
    // A file from before this rule keeps its pages, and uses them again.
    if (before.free * before.bytes < limitBytes / 20 || pragma("auto_vacuum") !== 2) return;
    for (let left = before.free; left > 0 && !stopping; left -= pagesAtOnce) {
      database.prepare(`PRAGMA incremental_vacuum(${pagesAtOnce})`).all();
      await setImmediate();
    }
    database.prepare("PRAGMA wal_checkpoint(PASSIVE)").all();
  };

  /** The objects' bytes as they were walked over, what this process had written then, and what was removed since. */
  let walked: { readonly bytes: number; readonly written: number; readonly at: number } | undefined;
  let removed = 0;
  const blobBytes = async (): Promise<number> => {
    const now = clock();
    if (!walked || Math.abs(now - walked.at) >= walkIntervalMs) {
      const written = blobsWritten();
      walked = { bytes: await deleteExpiredRows(folder.blobs, now, () => stopping), written, at: now };
      removed = 0;
    }
    return Math.max(0, walked.bytes + blobsWritten() - walked.written - removed);
  };

  let told = false;
  let stopping = false;
  /** Looks once: how many requests were forgotten. */
  const look = async (): Promise<number> => {
    // The database's used pages are counted instead of its file, which keeps free ones for the next requests.
    const others = () =>
      measureDataSize(folder.root, (path) => path.startsWith(folder.database) || path === folder.blobs);
    let rest = (await others()) + (await blobBytes());
    let forgotten = 0;
    while (!stopping && usedBytes() + rest > target) {
      const { requests, fileBytes } = await trim();
      if (requests === 0) {
        if (!told)
          log(
            `${folder.root} holds ${formatBytes(usedBytes() + rest)} without any traffic, the limit is ${formatBytes(limitBytes)}: raise --data-limit, or start over with --fresh`,
          );
        told = true;
        break;
      }
      forgotten += requests;
      removed += fileBytes;
      rest -= fileBytes;
      // What was deleted stands in the log until it is written back.
      if (forgotten % 2_000 < requests) database.prepare("PRAGMA wal_checkpoint(PASSIVE)").all();
      await setImmediate();
    }
    if (usedBytes() + rest <= target) told = false;
    if (forgotten > 0) await giveBack();
    return forgotten;
  };

  let looking: Promise<unknown> | undefined;
  /** A look may take longer than the time to the next one, which is then left out. */
  const lookInBackground = () => {
    looking ??= look()
      .catch((fault: unknown) => log("old traffic could not be forgotten", fault))
      .finally(() => {
        looking = undefined;
      });
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    look,
    /** Looks now and every five seconds. */
    start: () => {
      lookInBackground();
      timer = setInterval(lookInBackground, checkIntervalMs).unref();
    },
    /** Ends after the batch that is under way. */
    stop: async () => {
      clearInterval(timer);
      stopping = true;
      await looking;
    },
  };
};
