import { rm, stat } from "node:fs/promises";
import { z } from "zod";
import {
  formatHour,
  parseIndexSortKey,
  type RecordScope,
  recordPartitions,
  requestSortKey,
} from "#inference/records/record-keys.ts";
import { StoredRequest } from "#inference/records/stored-request.ts";
import { toBlobPath } from "#platform/blobs/blob-file.ts";
import type { Database } from "#platform/store/open-database.ts";

/** So many requests are forgotten in one transaction: a few milliseconds, in which prod answers nobody. */
export const trimBatchSize = 100;

const hourMs = 3_600_000;
const prefix = "predictions#";
/** The least text above all that begin with the prefix. */
const prefixEnd = "predictions$";

const ItemKey = z.object({ partition: z.string(), sort: z.string() });
type ItemKey = z.infer<typeof ItemKey>;

const parseServed = (partition: string): RecordScope => {
  const [, environment, model] = partition.split("#");
  return { environment: environment === "prod" ? "prod" : "stage", model: model ?? "" };
};

/**
 * Forgets traffic, the oldest first: prediction records with their rows, and the metrics of requests. Nothing else is
 * touched: ledger, approvals, claims, keys, executions, images. Each call takes one batch, and the index of what it takes, so
 * that its cost does not grow with the folder.
 */
export const trimTraffic = ({ database, blobs }: { readonly database: Database; readonly blobs: string }) => {
  // From one partition to the next without reading what lies in them: there are as many as models and environments.
  const nextPartition = database.prepare(
    "SELECT min(partition) AS partition FROM items WHERE partition > ? AND partition < ?",
  );
  const oldest = database.prepare(
    "SELECT partition, sort FROM items WHERE partition = ? ORDER BY sort LIMIT ?",
  );
  const removeItem = database.prepare("DELETE FROM items WHERE partition = ? AND sort = ?");
  const readItem = database.prepare("SELECT value FROM items WHERE partition = ? AND sort = ?");
  const removeHours = database.prepare("DELETE FROM items WHERE partition = ? AND sort < ?");
  const oldestMetric = database.prepare("SELECT min(at) AS at FROM requests");
  const removeMetrics = database.prepare(
    "DELETE FROM requests WHERE rowid IN (SELECT rowid FROM requests ORDER BY at LIMIT ?)",
  );

  const partitions = (): string[] => {
    const found: string[] = [];
    for (let after = prefix; ; ) {
      const partition = nextPartition.get(after, prefixEnd)?.partition;
      if (typeof partition !== "string") return found;
      found.push(partition);
      after = partition;
    }
  };

  const oldestRecords = (): readonly ItemKey[] =>
    partitions()
      .flatMap((partition) => oldest.all(partition, trimBatchSize).map((row) => ItemKey.parse(row)))
      .toSorted((one, other) => (one.sort < other.sort ? -1 : 1))
      .slice(0, trimBatchSize);

  /** Removes the items of a request, and gives the key of its blob where its rows lie in one. */
  const forget = ({ partition, sort }: ItemKey): string | undefined => {
    const { at, id } = parseIndexSortKey(sort);
    const request = recordPartitions(parseServed(partition)).request(id);
    const kept = readItem.get(request, requestSortKey(at))?.value;
    const read = typeof kept === "string" ? StoredRequest.safeParse(JSON.parse(kept)) : undefined;
    removeItem.run(request, requestSortKey(at));
    removeItem.run(partition, sort);
    return read?.success && "blob" in read.data.rows ? read.data.rows.blob : undefined;
  };

  /** Counters of the hours of which nothing is left. */
  const forgetHours = (rows: readonly ItemKey[]): void => {
    for (const partition of new Set(rows.map((row) => row.partition))) {
      const [left] = oldest.all(partition, 1).map((row) => ItemKey.parse(row));
      const { counts } = recordPartitions(parseServed(partition));
      const last = rows.findLast((row) => row.partition === partition);
      const from = left ? parseIndexSortKey(left.sort).at : parseIndexSortKey(last?.sort ?? "").at + hourMs;
      removeHours.run(counts, formatHour(from));
    }
  };

  /** Forgets one batch: how many requests, 0 where no traffic is left, and the bytes of the files that went with them. */
  return async (): Promise<{ readonly requests: number; readonly fileBytes: number }> => {
    const { forgotten, keys } = database.write(() => {
      const rows = oldestRecords();
      const metricAt = oldestMetric.get()?.at;
      const recordAt = rows[0] && parseIndexSortKey(rows[0].sort).at;
      if (typeof metricAt === "number" && (recordAt === undefined || metricAt <= recordAt))
        return { forgotten: removeMetrics.run(trimBatchSize), keys: [] };
      const keys = rows.flatMap((row) => forget(row) ?? []);
      forgetHours(rows);
      return { forgotten: rows.length, keys };
    });
    // Behind the commit: a file without its item is lost space, an item without its file would be a broken record.
    let fileBytes = 0;
    for (const key of keys) {
      const path = toBlobPath(blobs, key);
      fileBytes += (await stat(path).catch(() => undefined))?.size ?? 0;
      await rm(path, { force: true });
    }
    return { requests: forgotten, fileBytes };
  };
};
