import { isArrayInput } from "#model-folder/manifest/array-shape.ts";
import type { Manifest, Row } from "#model-folder/manifest/manifest.ts";
import type { SmallBlobs } from "#platform/blobs/blobs.ts";
import type { CounterAddition, Entry, Key, Store, WriteBatch } from "#platform/store/store.ts";
import { appendInParallel } from "./append-in-parallel.ts";
import { countLabels } from "./count-labels.ts";
import type { createColumnPacker, RequestColumns } from "./pack-columns.ts";
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
import { readUuidV7Time } from "./uuid-v7.ts";

type Dependencies = {
  readonly store: Pick<Store, "putAll" | "add">;
  readonly blobs: Pick<SmallBlobs, "put">;
  /** Writes a request's items and counters together; absent: by `putAll` and `add` in parallel. */
  readonly append?: ((batch: WriteBatch) => Promise<void>) | undefined;
  readonly manifest: Pick<Manifest, "records"> & Partial<Pick<Manifest, "inputs">>;
  /** Returns the hash key for inputs, 32 to 64 bytes. Without it, `records.inputs: hashed` stores no inputs at all. */
  readonly hashKey?: (() => Promise<Uint8Array>) | undefined;
  /** Gets errors, without inputs. */
  readonly log: (line: string) => void;
  /** How long the response waits for its record. A slower write counts as failed, but may still succeed. */
  readonly limitMs?: number;
};

/**
 * A request with more rows or bytes of JSON is stored as a blob. JSON of at most `length` characters has at most `bytes`, so
 * that only longer JSON must be measured.
 */
const itemLimits = { rows: 100, length: 100_000, bytes: 300_000 };
/** Up to this size the index holds the request itself, where each write costs processor time: pages with a label scan it. */
const maxIndexedLength = { rows: 4_000, columns: 10_000 };
/** Columns of more bytes are a blob. */
const maxColumnBytes = 75_000;
const hourMs = 3_600_000;

const requestId = /^[A-Za-z0-9_-]{1,64}$/;

/** Epoch seconds at which a record of the time `at` expires. */
const toExpiry = (at: number, ttlDays: number): number => Math.ceil(at / 1_000) + ttlDays * 86_400;

type ColumnPacker = ReturnType<typeof createColumnPacker>;

type MapRow = (row: Row) => Pick<StoredRow, "inputs" | "hash">;

/** Loading Node's crypto adds 6 ms to a cold start, and most manifests hash nothing: only rows that need it load it. */
const createRowMapper = ({
  manifest,
  hashKey,
}: Dependencies): ((model: string) => MapRow | Promise<MapRow>) => {
  const { inputs } = manifest.records;
  if (inputs === "hashed" && hashKey !== undefined)
    return async (model) => {
      const { hashInputs } = await import("./hash-inputs.ts");
      const hash = hashInputs(await hashKey(), model);
      return (row) => ({ hash: hash(row) });
    };
  const arrays = (manifest.inputs ?? []).filter(isArrayInput).map(({ name }) => name);
  if (inputs !== "full") return () => () => ({});
  if (arrays.length === 0) return () => (row) => ({ inputs: row });
  return async () => {
    const { hashLargeArrays } = await import("./hash-large-arrays.ts");
    const hashArrays = hashLargeArrays(arrays);
    return (row) => ({ inputs: hashArrays(row) });
  };
};

const toStoredRows = async (
  prepareRows: ReturnType<typeof createRowMapper>,
  { rows, predictions, model }: PredictedRequest,
): Promise<readonly StoredRow[]> => {
  if (rows.length !== predictions.length)
    throw new RangeError(`${predictions.length} predictions for ${rows.length} rows`);
  const mapRow = await prepareRows(model);
  return predictions.map((prediction, index) => ({ ...mapRow(rows[index] ?? {}), prediction }));
};

const countRows = (request: PredictedRequest): number => request.columns?.count ?? request.predictions.length;

/** The rows of a request as JSON that fits into an item, or as what packs them into a blob. */
type EncodedRows =
  | { readonly json: string; readonly form: keyof typeof maxIndexedLength }
  | { readonly pack: () => Promise<Uint8Array>; readonly form: keyof typeof blobForms };

const loadPacker = () => import("./pack-rows.ts");

const blobForms = {
  rows: { suffix: "jsonl.zst", contentType: "application/zstd" },
  columns: { suffix: "columns", contentType: "application/octet-stream" },
} as const;

const isSmall = (json: string): boolean =>
  json.length <= itemLimits.length || Buffer.byteLength(json) <= itemLimits.bytes;

/** Encodes the columns of a request; undefined for a request without, or with so few rows that JSON takes less. */
const encodeColumns = (pack: ColumnPacker, columns: RequestColumns | undefined): EncodedRows | undefined => {
  const packed = columns && pack(columns);
  if (!packed) return undefined;
  const { head, bytes } = packed;
  if (bytes.length <= maxColumnBytes)
    return { form: "columns", json: `{"columns":${head},"numbers":"${bytes.toString("base64")}"}` };
  const blob = Buffer.concat([Buffer.from(`${head}\n`), bytes]);
  return { form: "columns", pack: async () => blob };
};

/** Encodes the rows once: from their columns or their text if there is one, otherwise from their objects. */
const encodeRows = async (
  { records, inputs = [] }: Dependencies["manifest"],
  prepareRows: ReturnType<typeof createRowMapper>,
  packColumns: ColumnPacker | undefined,
  request: PredictedRequest,
): Promise<EncodedRows> => {
  const needsObjects = records.inputs === "hashed" || inputs.some(isArrayInput);
  const withInputs = records.inputs === "full";
  if (packColumns && !needsObjects) {
    const encoded = encodeColumns(packColumns, request.columns?.numbers(withInputs));
    if (encoded) return encoded;
  }
  const text = needsObjects ? undefined : request.columns?.text(withInputs);
  if (countRows(request) <= itemLimits.rows) {
    const json = text ? text.toJson() : JSON.stringify(await toStoredRows(prepareRows, request));
    if (isSmall(json)) return { json, form: "rows" };
  }
  return {
    form: "rows",
    pack: async () => {
      const { packLines, packRows } = await loadPacker();
      return text?.toLines ? packLines(text.toLines()) : packRows(await toStoredRows(prepareRows, request));
    },
  };
};

/** The JSON of a request's item; `rows` is JSON already. */
const formatStoredRequest = (origin: Omit<StoredRequest, "rows">, rows: string): string =>
  `${JSON.stringify(origin).slice(0, -1)},"rows":${rows}}`;

/**
 * What a request adds to the counters of its hour. The item's key is kept for the requests of the same hour: formatting it
 * takes longer than encoding a small record.
 */
const createAdditions = (ttlDays: number) => {
  let last: { readonly model: string; readonly start: number; readonly key: Key } | undefined;
  return (request: PredictedRequest, labels: ReadonlyMap<string, number>): CounterAddition => {
    const { model, environment, at } = request;
    const start = startOfHour(at);
    if (last?.model !== model || last.start !== start) {
      const key = { partition: recordPartitions({ model, environment }).counts, sort: formatHour(at) };
      last = { model, start, key };
    }
    const amounts = Object.fromEntries([
      ["rows", countRows(request)],
      ...[...labels].map(([label, rows]) => [`label:${label}`, rows] as const),
    ]);
    return { key: last.key, amounts, expiresAt: toExpiry(start + hourMs, ttlDays) };
  };
};

/** The JSON of an index entry with the JSON of its request, which is not encoded again. */
const addRequest = (index: IndexEntry, json: string): string =>
  `${JSON.stringify(index).slice(0, -1)},"request":${json}}`;

/** Writes the record of a request: first its blob, if any, then its items and what it adds to the hour's counters. */
const createWriter = (dependencies: Dependencies) => {
  const { store, blobs, manifest, append = appendInParallel(store) } = dependencies;
  const { ttlDays } = manifest.records;
  const prepareRows = createRowMapper(dependencies);
  const toAddition = createAdditions(ttlDays);
  const isIndexed = dependencies.append !== undefined;
  let packColumns: ColumnPacker | undefined;

  /** Writes the rows as a blob; returns the JSON of what names it. */
  const writeBlob = async (
    request: PredictedRequest,
    { form, pack }: Extract<EncodedRows, { pack: unknown }>,
  ): Promise<string> => {
    const { suffix, contentType } = blobForms[form];
    const blob = rowsBlobKey(request, { at: request.at, id: request.id, ttlDays }, suffix);
    await blobs.put(blob, await pack(), { contentType });
    return JSON.stringify({ blob });
  };

  const writeRows = async (
    request: PredictedRequest,
    labels: ReadonlyMap<string, number>,
  ): Promise<readonly Entry[]> => {
    const { at, id, modelVersion: version, digest, latencyMs } = request;
    if (isIndexed) packColumns ??= (await import("./pack-columns.ts")).createColumnPacker();
    const encoded = await encodeRows(manifest, prepareRows, packColumns, request);
    const rows = "json" in encoded ? encoded.json : await writeBlob(request, encoded);
    const json = formatStoredRequest({ at, version, digest, latencyMs }, rows);
    const partitions = recordPartitions(request);
    const expiresAt = toExpiry(at, ttlDays);
    const index: IndexEntry = {
      rows: countRows(request),
      ...(labels.size > 0 ? { labels: Object.fromEntries(labels) } : {}),
    };
    const indexKey = { partition: partitions.index, sort: indexSortKey(at, id) };
    // A request with a blob has its own item, from which the blob is found when old traffic is deleted.
    if (
      isIndexed &&
      "json" in encoded &&
      json.length <= maxIndexedLength[encoded.form] &&
      readUuidV7Time(id) === at
    )
      return [{ key: indexKey, json: addRequest(index, json), expiresAt }];
    return [
      { key: { partition: partitions.request(id), sort: requestSortKey(at) }, json, expiresAt },
      { key: indexKey, json: JSON.stringify(index), expiresAt },
    ];
  };

  return async (request: PredictedRequest): Promise<void> => {
    if (!requestId.test(request.id)) throw new RangeError("the request's id is not valid for records");
    if (countRows(request) === 0) return;
    const labels = request.columns?.labels ?? countLabels(request.predictions);
    const entries = await writeRows(request, labels);
    await append({ entries, additions: [toAddition(request, labels)] });
  };
};

class RecordTooSlow extends Error {
  override readonly name = "RecordTooSlow";
}

/** Rejects with RecordTooSlow after the limit; the work itself goes on. */
const withTimeLimit = (limitMs: number, work: Promise<void>): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new RecordTooSlow(`not written within ${limitMs} ms`)), limitMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });

/**
 * Records every predicted row for the manifest's `records.ttlDays`. A request with any number of rows costs one batch of two
 * items and, in parallel, one addition to the hour's counters; with `append`, one call for both, and one item if it is small
 * and its id has the time of its arrival. With `append`, rows in columns are recorded as lists of numbers. Above 100 rows or
 * about 100 KB of JSON, or 75 KB of such lists, the rows are first written as one blob.
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
