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
 * most 300 KB, which fits in an item.
 */
const itemLimits = { rows: 100, length: 100_000 };
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

const countRows = (request: PredictedRequest): number => request.columns?.count ?? request.predictions.length;

/** The rows of a request as JSON, or as what packs them into a blob. */
type EncodedRows = { readonly json: string } | { readonly pack: () => Promise<Uint8Array> };

const loadPacker = () => import("./pack-rows.ts");

/** Encodes the rows once: from their text if there is one, otherwise from their objects. */
const encodeRows = async (dependencies: Dependencies, request: PredictedRequest): Promise<EncodedRows> => {
  const { records, inputs = [] } = dependencies.manifest;
  const needsObjects = records.inputs === "hashed" || inputs.some(isArrayInput);
  const text = needsObjects ? undefined : request.columns?.text(records.inputs === "full");
  if (countRows(request) <= itemLimits.rows) {
    const json = text ? text.toJson() : JSON.stringify(await toStoredRows(dependencies, request));
    if (json.length <= itemLimits.length) return { json };
  }
  return {
    pack: async () => {
      const { packLines, packRows } = await loadPacker();
      return text?.toLines ? packLines(text.toLines()) : packRows(await toStoredRows(dependencies, request));
    },
  };
};

/** A request's item; `rows` is JSON already. */
const formatStoredRequest = (request: Omit<StoredRequest, "rows">, rows: string): string =>
  `${JSON.stringify(request).slice(0, -1)},"rows":${rows}}`;

/** Writes the record of a request: first its blob, if any, then its items; the hour's counters in parallel. */
const createWriter = (dependencies: Dependencies) => {
  const { store, blobs, manifest } = dependencies;
  const { ttlDays } = manifest.records;

  const addToCounters = batchCounters(store);
  const writeCounts = (request: PredictedRequest, labels: ReadonlyMap<string, number>): Promise<void> => {
    const key = { partition: recordPartitions(request).counts, sort: formatHour(request.at) };
    const expiresAt = toExpiry(startOfHour(request.at) + hourMs, ttlDays);
    const amounts = new Map([["rows", countRows(request)]]);
    for (const [label, rows] of labels) amounts.set(`label:${label}`, rows);
    return addToCounters({ key, amounts, expiresAt });
  };

  const writeRows = async (request: PredictedRequest, labels: ReadonlyMap<string, number>): Promise<void> => {
    const { at, id, modelVersion: version, digest, latencyMs } = request;
    const encoded = await encodeRows(dependencies, request);
    const blob = "json" in encoded ? undefined : rowsBlobKey(request, { at, id, ttlDays });
    if (blob !== undefined && "pack" in encoded) {
      const { rowLinesType } = await loadPacker();
      await blobs.put(blob, await encoded.pack(), { contentType: rowLinesType });
    }
    const json = formatStoredRequest(
      { at, version, digest, latencyMs },
      "json" in encoded ? encoded.json : JSON.stringify({ blob }),
    );
    const index: IndexEntry = {
      rows: countRows(request),
      ...(labels.size > 0 ? { labels: Object.fromEntries(labels) } : {}),
    };
    const expiresAt = toExpiry(at, ttlDays);
    const partitions = recordPartitions(request);
    const entries: readonly Entry[] = [
      { key: { partition: partitions.request(id), sort: requestSortKey(at) }, json, expiresAt },
      { key: { partition: partitions.index, sort: indexSortKey(at, id) }, value: index, expiresAt },
    ];
    await store.putAll(entries);
  };

  return async (request: PredictedRequest): Promise<void> => {
    if (!requestId.test(request.id)) throw new RangeError("the request's id is not valid for records");
    if (countRows(request) === 0) return;
    const labels = request.columns?.labels ?? countLabels(request.predictions);
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
