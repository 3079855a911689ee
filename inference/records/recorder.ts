import { isArrayInput } from "#model-folder/manifest/array-shape.ts";
import type { Manifest, Row } from "#model-folder/manifest/manifest.ts";
import type { SmallBlobs } from "#platform/blobs/blobs.ts";
import type { Entry, Store } from "#platform/store/store.ts";
import { batchCounters } from "./batch-counters.ts";
import { countLabels } from "./count-labels.ts";
import {
  formatHour,
  indexSortKey,
  recordPartitions,
  requestSortKey,
  rowsBlobKey,
  startOfHour,
} from "./record-keys.ts";
import type { PredictedRequest, Recorder } from "./records.ts";
import type { IndexEntry, StoredRequest, StoredRow } from "./stored-request.ts";

type Dependencies = {
  readonly store: Pick<Store, "putAll" | "add">;
  readonly blobs: Pick<SmallBlobs, "put">;
  readonly manifest: Pick<Manifest, "records"> & Partial<Pick<Manifest, "inputs">>;
  /** Returns the hash key for inputs, 32 to 64 bytes. Without it, `records.inputs: hashed` stores no inputs at all. */
  readonly hashKey?: (() => Promise<Uint8Array>) | undefined;
  /** Gets errors, without inputs. */
  readonly log: (line: string) => void;
  /** How long the response waits for its record. A slower write counts as failed, but may still succeed. */
  readonly limitMs?: number;
};

/**
 * A request with more rows, or with JSON longer than `length` characters, is stored as a blob. In UTF-8 that length is at
 * most 300 KB, which fits in an item. `bytes` is the limit for the cheap estimate.
 */
const itemLimits = { rows: 100, length: 100_000, bytes: 300_000 };
const hourMs = 3_600_000;

const requestId = /^[A-Za-z0-9_-]{1,64}$/;

/** Epoch seconds at which a record of the time `at` expires. */
const toExpiry = (at: number, ttlDays: number): number => Math.ceil(at / 1_000) + ttlDays * 86_400;

const createHasher = async (key: Uint8Array, model: string) => {
  // Loading Node's crypto adds 6 ms to a cold start, and most manifests hash nothing.
  const { hashInputs } = await import("./hash-inputs.ts");
  return hashInputs(key, model);
};

const createArrayHasher = async ({ inputs = [] }: Dependencies["manifest"]): Promise<(row: Row) => Row> => {
  const names = inputs.filter(isArrayInput).map(({ name }) => name);
  if (names.length === 0) return (row) => row;
  const { hashLargeArrays } = await import("./hash-large-arrays.ts");
  return hashLargeArrays(names);
};

const toStoredRows = async (
  { manifest, hashKey }: Dependencies,
  { rows, predictions, model }: PredictedRequest,
): Promise<readonly StoredRow[]> => {
  if (rows.length !== predictions.length)
    throw new RangeError(`${predictions.length} predictions for ${rows.length} rows`);
  const { inputs } = manifest.records;
  const hashArrays = await createArrayHasher(manifest);
  const hashRow =
    inputs === "hashed" && hashKey !== undefined ? await createHasher(await hashKey(), model) : undefined;
  return predictions.map((prediction, index) => {
    const row = rows[index] ?? {};
    if (inputs === "full") return { inputs: hashArrays(row), prediction };
    return hashRow ? { hash: hashRow(row), prediction } : { prediction };
  });
};

/** An upper bound for the size as JSON: an escaped character has six bytes, a number at most 25. */
const estimateMaxBytes = (value: unknown): number => {
  if (typeof value === "string") return 6 * value.length + 3;
  if (typeof value !== "object" || value === null) return 26;
  let bytes = 3;
  for (const [key, child] of Object.entries(value)) bytes += 6 * key.length + 4 + estimateMaxBytes(child);
  return bytes;
};

/** The estimate is enough for most requests; only the others are serialized to measure them. */
const isSmall = (rows: readonly StoredRow[]): boolean =>
  rows.length <= itemLimits.rows &&
  (estimateMaxBytes(rows) <= itemLimits.bytes || JSON.stringify(rows).length <= itemLimits.length);

/** Writes the record of a request: first its blob, if any, then its items; the hour's counters in parallel. */
const createWriter = (dependencies: Dependencies) => {
  const { store, blobs, manifest } = dependencies;
  const { ttlDays } = manifest.records;

  const addToCounters = batchCounters(store);
  const writeCounts = (request: PredictedRequest, labels: ReadonlyMap<string, number>): Promise<void> => {
    const key = { partition: recordPartitions(request).counts, sort: formatHour(request.at) };
    const expiresAt = toExpiry(startOfHour(request.at) + hourMs, ttlDays);
    const amounts = new Map([["rows", request.predictions.length]]);
    for (const [label, rows] of labels) amounts.set(`label:${label}`, rows);
    return addToCounters({ key, amounts, expiresAt });
  };

  const writeRows = async (request: PredictedRequest, labels: ReadonlyMap<string, number>): Promise<void> => {
    const { at, id, modelVersion: version, digest, latencyMs } = request;
    const rows = await toStoredRows(dependencies, request);
    const blob = isSmall(rows) ? undefined : rowsBlobKey(request, { at, id, ttlDays });
    if (blob !== undefined) {
      const { packRows, rowLinesType } = await import("./pack-rows.ts");
      await blobs.put(blob, await packRows(rows), { contentType: rowLinesType });
    }
    const stored: StoredRequest = { at, version, digest, latencyMs, rows: blob ? { blob } : [...rows] };
    const index: IndexEntry = {
      rows: rows.length,
      ...(labels.size > 0 ? { labels: Object.fromEntries(labels) } : {}),
    };
    const expiresAt = toExpiry(at, ttlDays);
    const partitions = recordPartitions(request);
    const entries: readonly Entry[] = [
      { key: { partition: partitions.request(id), sort: requestSortKey(at) }, value: stored, expiresAt },
      { key: { partition: partitions.index, sort: indexSortKey(at, id) }, value: index, expiresAt },
    ];
    await store.putAll(entries);
  };

  return async (request: PredictedRequest): Promise<void> => {
    if (!requestId.test(request.id)) throw new RangeError("the request's id is not valid for records");
    if (request.predictions.length === 0) return;
    const labels = countLabels(request.predictions);
    await Promise.all([writeRows(request, labels), writeCounts(request, labels)]);
  };
};

class RecordTooSlow extends Error {
  override readonly name = "RecordTooSlow";
}

const withTimeLimit = async (limitMs: number, work: Promise<void>): Promise<void> => {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => limit.reject(new RecordTooSlow(`not written within ${limitMs} ms`)),
    limitMs,
  );
  try {
    await Promise.race([work, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * Records every predicted row for the manifest's `records.ttlDays`. A request with any number of rows costs one batch of two
 * items and, in parallel, one addition to the hour's counters. Above 100 rows or about 100 KB, the rows are first written
 * as one blob.
 */
export const createRecorder = (dependencies: Dependencies): Recorder => {
  const { log, limitMs = 1_000, hashKey, manifest } = dependencies;
  const write = createWriter(dependencies);
  if (manifest.records.inputs === "hashed" && hashKey === undefined)
    log("records have no inputs: the manifest says records.inputs: hashed, but there is no hash key");
  return {
    async record(request) {
      try {
        await withTimeLimit(limitMs, write(request));
        return "written";
      } catch (error) {
        const reason =
          error instanceof Error ? `${error.name}: ${error.message.slice(0, 300)}` : typeof error;
        log(`the record of request ${request.id.slice(0, 64)} was not stored: ${reason}`);
        return "failed";
      }
    },
  };
};
