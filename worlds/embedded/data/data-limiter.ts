import { setImmediate } from "node:timers/promises";
import type { Database } from "#platform/store/open-database.ts";
import type { Log } from "#worlds/embedded/capabilities.ts";
import type { DataFolder } from "./data-folder.ts";
import { deleteExpiredRows } from "./delete-expired-rows.ts";
import { measureDataSize } from "./measure-data-size.ts";
import { trimTraffic } from "./trim-traffic.ts";

type Needs = {
  readonly folder: DataFolder;
  readonly database: Database;
  /** Bytes of all blobs that this process has written. */
  readonly blobsWritten: () => number;
  readonly limitBytes: number;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly log: Log;
  /** Moves deleted pages out of the write-ahead log, where they are until a checkpoint. Default: at once. */
  readonly checkpoint?: () => void;
};

/** Free pages that one step returns to the disk. */
const pagesAtOnce = 500;
const checkIntervalMs = 5_000;
const walkIntervalMs = 3_600_000;

const gigabyte = 1_024 ** 3;
const formatBytes = (bytes: number): string =>
  bytes >= gigabyte ? `${(bytes / gigabyte).toFixed(1)} GB` : `${Math.ceil(bytes / 1_024 ** 2)} MB`;

/**
 * Keeps a data folder within its limit: deletes the oldest traffic. A check costs three pragmas and a walk over the few
 * files that are not blobs. There are as many blobs as large requests, so it walks over them once per hour, deletes
 * expired ones, and counts changes in between. Over the limit it deletes batch after batch, with a turn of the event loop
 * between them. Later requests reuse free pages; beyond a twentieth of the limit they return to the disk.
 */
export const createDataLimiter = ({
  folder,
  database,
  blobsWritten,
  limitBytes,
  clock,
  log,
  checkpoint = () => void database.prepare("PRAGMA wal_checkpoint(PASSIVE)").all(),
}: Needs) => {
  // The write-ahead log, which is truncated to 64 MB, adds to the pages.
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

  const returnFreePages = async (): Promise<void> => {
    const before = pages();
    // An older database has no incremental vacuum; it keeps its free pages and reuses them.
    if (before.free * before.bytes < limitBytes / 20 || pragma("auto_vacuum") !== 2) return;
    for (let remaining = before.free; remaining > 0 && !stopping; remaining -= pagesAtOnce) {
      database.prepare(`PRAGMA incremental_vacuum(${pagesAtOnce})`).all();
      await setImmediate();
    }
    checkpoint();
  };

  /** The blobs' bytes at the last walk, the bytes that this process had written until then, and the time. */
  let lastWalk: { readonly bytes: number; readonly written: number; readonly at: number } | undefined;
  let removed = 0;
  const blobBytes = async (): Promise<number> => {
    const now = clock();
    if (!lastWalk || Math.abs(now - lastWalk.at) >= walkIntervalMs) {
      const written = blobsWritten();
      lastWalk = { bytes: await deleteExpiredRows(folder.blobs, now, () => stopping), written, at: now };
      removed = 0;
    }
    return Math.max(0, lastWalk.bytes + blobsWritten() - lastWalk.written - removed);
  };

  let isLogged = false;
  let stopping = false;
  /** Checks the size once; returns the number of deleted requests. */
  const checkSize = async (): Promise<number> => {
    // Count the database's used pages, not its file, because later requests reuse free pages.
    const others = () =>
      measureDataSize(folder.root, (path) => path.startsWith(folder.database) || path === folder.blobs);
    let rest = (await others()) + (await blobBytes());
    let deleted = 0;
    while (!stopping && usedBytes() + rest > target) {
      const { requests, fileBytes } = await trim();
      if (requests === 0) {
        if (!isLogged)
          log(
            `${folder.root} has ${formatBytes(usedBytes() + rest)} without any traffic (limit ${formatBytes(limitBytes)}): raise --data-limit, or start over with --fresh`,
          );
        isLogged = true;
        break;
      }
      deleted += requests;
      removed += fileBytes;
      rest -= fileBytes;
      if (deleted % 2_000 < requests) checkpoint();
      await setImmediate();
    }
    if (usedBytes() + rest <= target) isLogged = false;
    if (deleted > 0) await returnFreePages();
    return deleted;
  };

  let running: Promise<unknown> | undefined;
  /** Skips a check while the previous one still runs. */
  const checkInBackground = () => {
    running ??= checkSize()
      .catch((error: unknown) => log("old traffic could not be deleted", error))
      .finally(() => {
        running = undefined;
      });
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    look: checkSize,
    /** Checks now and every 5 s. */
    start: () => {
      checkInBackground();
      timer = setInterval(checkInBackground, checkIntervalMs).unref();
    },
    /** Stops after the present batch. */
    stop: async () => {
      clearInterval(timer);
      stopping = true;
      await running;
    },
  };
};
