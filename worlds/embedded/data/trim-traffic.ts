import { rm, stat } from "node:fs/promises";
import * as z from "zod";
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

/** Requests per transaction. It takes a few milliseconds, in which prod serves no request. */
export const trimBatchSize = 100;

const hourMs = 3_600_000;
const prefix = "predictions#";
/** The least text above all texts with the prefix. */
const prefixEnd = "predictions$";

const ItemKey = z.object({ partition: z.string(), sort: z.string() });
type ItemKey = z.infer<typeof ItemKey>;

const parseScope = (partition: string): RecordScope => {
  const [, environment, model] = partition.split("#");
  return { environment: environment === "prod" ? "prod" : "stage", model: model ?? "" };
};

/**
 * Deletes the oldest traffic: prediction records with their rows, and metrics of requests. It touches nothing else (ledger,
 * approvals, claims, keys, executions, images). Each call deletes one batch with its index entries, so its cost does not
 * grow with the folder.
 */
export const trimTraffic = ({ database, blobs }: { readonly database: Database; readonly blobs: string }) => {
  // Steps from partition to partition without reading items: there is one per model and environment.
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

  const listPartitions = (): string[] => {
    const partitions: string[] = [];
    for (let after = prefix; ; ) {
      const partition = nextPartition.get(after, prefixEnd)?.partition;
      if (typeof partition !== "string") return partitions;
      partitions.push(partition);
      after = partition;
    }
  };

  const oldestRecords = (): readonly ItemKey[] =>
    listPartitions()
      .flatMap((partition) => oldest.all(partition, trimBatchSize).map((row) => ItemKey.parse(row)))
      .toSorted((a, b) => (a.sort < b.sort ? -1 : 1))
      .slice(0, trimBatchSize);

  /** Deletes the items of a request; returns the key of the blob that holds its rows, if any. */
  const deleteRecord = ({ partition, sort }: ItemKey): string | undefined => {
    const { at, id } = parseIndexSortKey(sort);
    const request = recordPartitions(parseScope(partition)).request(id);
    const value = readItem.get(request, requestSortKey(at))?.value;
    const stored = typeof value === "string" ? StoredRequest.safeParse(JSON.parse(value)) : undefined;
    removeItem.run(request, requestSortKey(at));
    removeItem.run(partition, sort);
    return stored?.success && "blob" in stored.data.rows ? stored.data.rows.blob : undefined;
  };

  /** Deletes the counters of hours without any remaining record. */
  const deleteHours = (rows: readonly ItemKey[]): void => {
    for (const partition of new Set(rows.map((row) => row.partition))) {
      const [first] = oldest.all(partition, 1).map((row) => ItemKey.parse(row));
      const { counts } = recordPartitions(parseScope(partition));
      const last = rows.findLast((row) => row.partition === partition);
      const from = first ? parseIndexSortKey(first.sort).at : parseIndexSortKey(last?.sort ?? "").at + hourMs;
      removeHours.run(counts, formatHour(from));
    }
  };

  /** Deletes one batch; returns the number of requests (0: no traffic is left) and the bytes of their files. */
  return async (): Promise<{ readonly requests: number; readonly fileBytes: number }> => {
    const { deleted, keys } = database.write(() => {
      const rows = oldestRecords();
      const metricAt = oldestMetric.get()?.at;
      const recordAt = rows[0] && parseIndexSortKey(rows[0].sort).at;
      if (typeof metricAt === "number" && (recordAt === undefined || metricAt <= recordAt))
        return { deleted: removeMetrics.run(trimBatchSize), keys: [] };
      const keys = rows.flatMap((row) => deleteRecord(row) ?? []);
      deleteHours(rows);
      return { deleted: rows.length, keys };
    });
    // After the commit, because a file without an item only wastes space, but an item without a file is a broken record.
    let fileBytes = 0;
    for (const key of keys) {
      const path = toBlobPath(blobs, key);
      fileBytes += (await stat(path).catch(() => undefined))?.size ?? 0;
      await rm(path, { force: true });
    }
    return { requests: deleted, fileBytes };
  };
};
