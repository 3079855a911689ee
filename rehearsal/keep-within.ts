import { setImmediate } from "node:timers/promises";
import type { Database } from "../platform/store/open-database.ts";
import type { DataFolder } from "./data-folder.ts";
import { dataSize } from "./data-size.ts";
import { forgetExpiredRows } from "./forget-expired-rows.ts";
import { trimTraffic } from "./trim-traffic.ts";
import type { Log } from "./world.ts";

type Needs = {
  readonly folder: DataFolder;
  readonly database: Database;
  readonly limitBytes: number;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly log: Log;
};

/** Free pages of the file that go back to the disk in one step. */
const pagesAtOnce = 500;
const lookEveryMs = 5_000;

const gigabyte = 1_024 ** 3;
const inWords = (bytes: number): string =>
  bytes >= gigabyte ? `${(bytes / gigabyte).toFixed(1)} GB` : `${Math.ceil(bytes / 1_024 ** 2)} MB`;

/**
 * Keeps a data folder within its limit by forgetting the oldest traffic. A look costs three pragmas and a walk over the
 * other files; where it is over the limit, batch after batch goes, with a turn of the event loop between. Pages that are
 * free are used again by the next requests; where they are more than a twentieth of the limit, they go back to the disk.
 */
export const keepWithin = ({ folder, database, limitBytes, clock, log }: Needs) => {
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
    for (let left = before.free; left > 0; left -= pagesAtOnce) {
      database.prepare(`PRAGMA incremental_vacuum(${pagesAtOnce})`).all();
      await setImmediate();
    }
    database.prepare("PRAGMA wal_checkpoint(PASSIVE)").all();
  };

  let told = false;
  /** Looks once: how many requests were forgotten. */
  const look = async (): Promise<number> => {
    // The database's used pages are counted instead of its file, which keeps free ones for the next requests.
    const others = () => dataSize(folder.root, (path) => path.startsWith(folder.database));
    await forgetExpiredRows(folder.blobs, clock());
    let rest = await others();
    let forgotten = 0;
    while (usedBytes() + rest > target) {
      const batch = await trim();
      if (batch === 0) {
        if (!told)
          log(
            `${folder.root} holds ${inWords(usedBytes() + rest)} without any traffic, the limit is ${inWords(limitBytes)}: raise --data-limit, or start over with --fresh`,
          );
        told = true;
        break;
      }
      forgotten += batch;
      // Blobs went, and what was deleted stands in the log until it is written back.
      if (forgotten % 2_000 < batch) {
        database.prepare("PRAGMA wal_checkpoint(PASSIVE)").all();
        rest = await others();
      }
      await setImmediate();
    }
    if (usedBytes() + rest <= target) told = false;
    if (forgotten > 0) await giveBack();
    return forgotten;
  };

  let looking: Promise<unknown> = Promise.resolve();
  const lookInBackground = () => {
    looking = looking.then(look).catch((fault: unknown) => log("old traffic could not be forgotten", fault));
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    look,
    /** Looks now and every five seconds. */
    start: () => {
      lookInBackground();
      timer = setInterval(lookInBackground, lookEveryMs).unref();
    },
    stop: async () => {
      clearInterval(timer);
      await looking;
    },
  };
};
