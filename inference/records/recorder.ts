import type { Manifest } from "#model-folder/manifest/manifest.ts";
import type { Blobs } from "#platform/blobs/blobs.ts";
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

type Needs = {
  readonly store: Pick<Store, "putAll" | "add">;
  readonly blobs: Pick<Blobs, "put">;
  readonly manifest: Pick<Manifest, "records">;
  /** Reads what inputs are hashed under, 32 to 64 bytes. Without it a manifest's `hashed` keeps no inputs at all. */
  readonly hashKey?: (() => Promise<Uint8Array>) | undefined;
  /** Told what went wrong; holds no inputs. */
  readonly log: (line: string) => void;
  /** How long the answer waits for its record. What takes longer counts as failed, and may still be written. */
  readonly limitMs?: number;
};

/**
 * A request of more rows, or of JSON longer than `length` characters, becomes one blob. In UTF-8 that length is at most
 * 300 KB, which an item holds; what cannot have more `bytes` than that is not measured.
 */
const itemLimits = { rows: 100, length: 100_000, bytes: 300_000 };
const hourMs = 3_600_000;

const requestId = /^[A-Za-z0-9_-]{1,64}$/;

/** Epoch seconds at which what happened at `at` is forgotten. */
const toExpiry = (at: number, ttlDays: number): number => Math.ceil(at / 1_000) + ttlDays * 86_400;

const createHasher = async (key: Uint8Array, model: string) => {
  // Node's crypto is 6 ms of a cold start; most manifests hash nothing.
  const { hashInputs } = await import("./hash-inputs.ts");
  return hashInputs(key, model);
};

const toStoredRows = async (
  { manifest, hashKey }: Needs,
  answered: PredictedRequest,
): Promise<readonly StoredRow[]> => {
  const { rows, predictions, model } = answered;
  if (rows.length !== predictions.length) throw new RangeError("there are not as many rows as predictions");
  const { inputs } = manifest.records;
  const hashed =
    inputs === "hashed" && hashKey !== undefined ? await createHasher(await hashKey(), model) : undefined;
  return predictions.map((prediction, index) => {
    const row = rows[index] ?? {};
    if (inputs === "full") return { inputs: row, prediction };
    return hashed ? { hash: hashed(row), prediction } : { prediction };
  });
};

/** No fewer than the bytes of this as JSON: an escape has six for one character, a number at most 25. */
const estimateMaxBytes = (value: unknown): number => {
  if (typeof value === "string") return 6 * value.length + 3;
  if (typeof value !== "object" || value === null) return 26;
  let bytes = 3;
  for (const [key, one] of Object.entries(value)) bytes += 6 * key.length + 4 + estimateMaxBytes(one);
  return bytes;
};

/** Most requests are so far below what an item holds that a glance tells it; only the others are written to be measured. */
const isSmall = (rows: readonly StoredRow[]): boolean =>
  rows.length <= itemLimits.rows &&
  (estimateMaxBytes(rows) <= itemLimits.bytes || JSON.stringify(rows).length <= itemLimits.length);

/** Writes all that is kept of a request: its items and the hour's counters at the same time, after its blob. */
const createWriter = (needs: Needs) => {
  const { store, blobs, manifest } = needs;
  const { ttlDays } = manifest.records;

  const addTo = batchCounters(store);
  const count = (answered: PredictedRequest, labels: ReadonlyMap<string, number>): Promise<void> => {
    const key = { partition: recordPartitions(answered).counts, sort: formatHour(answered.at) };
    const expiresAt = toExpiry(startOfHour(answered.at) + hourMs, ttlDays);
    const amounts = new Map([["rows", answered.predictions.length]]);
    for (const [label, rows] of labels) amounts.set(`label:${label}`, rows);
    return addTo({ key, amounts, expiresAt });
  };

  const keep = async (answered: PredictedRequest, labels: ReadonlyMap<string, number>): Promise<void> => {
    const { at, id, modelVersion: version, digest, latencyMs } = answered;
    const rows = await toStoredRows(needs, answered);
    const blob = isSmall(rows) ? undefined : rowsBlobKey(answered, { at, id, ttlDays });
    if (blob !== undefined) {
      const { packRows, rowLinesType } = await import("./pack-rows.ts");
      await blobs.put(blob, await packRows(rows), { contentType: rowLinesType });
    }
    const kept: StoredRequest = { at, version, digest, latencyMs, rows: blob ? { blob } : [...rows] };
    const index: IndexEntry = {
      rows: rows.length,
      ...(labels.size > 0 ? { labels: Object.fromEntries(labels) } : {}),
    };
    const expiresAt = toExpiry(at, ttlDays);
    const places = recordPartitions(answered);
    const entries: readonly Entry[] = [
      { key: { partition: places.request(id), sort: requestSortKey(at) }, value: kept, expiresAt },
      { key: { partition: places.index, sort: indexSortKey(at, id) }, value: index, expiresAt },
    ];
    await store.putAll(entries);
  };

  return async (answered: PredictedRequest): Promise<void> => {
    if (!requestId.test(answered.id))
      throw new RangeError("the request's id is none that records are kept by");
    if (answered.predictions.length === 0) return;
    const labels = countLabels(answered.predictions);
    await Promise.all([keep(answered, labels), count(answered, labels)]);
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
 * Keeps every answered row for the manifest's `records.ttlDays`. A request costs one batch of two items and one
 * addition to the hour's counters, at the same time, however many rows it has; beyond 100 rows or about 100 KB its rows
 * go as one blob before that.
 */
export const createRecorder = (needs: Needs): Recorder => {
  const { log, limitMs = 1_000, hashKey, manifest } = needs;
  const write = createWriter(needs);
  if (manifest.records.inputs === "hashed" && hashKey === undefined)
    log("records are kept without inputs: the manifest has them hashed, and there is no key to hash under");
  return {
    async record(answered) {
      try {
        await withTimeLimit(limitMs, write(answered));
        return "written";
      } catch (error) {
        const reason =
          error instanceof Error ? `${error.name}: ${error.message.slice(0, 300)}` : typeof error;
        log(`the record of request ${answered.id.slice(0, 64)} was not kept: ${reason}`);
        return "failed";
      }
    },
  };
};
