import { isArrayInput } from "#model-folder/manifest/array-shape.ts";
import type { Manifest, Row } from "#model-folder/manifest/manifest.ts";
import type { SmallBlobs } from "#platform/blobs/blobs.ts";
import type { Entry, Store, WriteBatch } from "#platform/store/store.ts";
import { appendInParallel } from "./append-in-parallel.ts";
import type { ColumnsHead } from "./column-format.ts";
import { countLabels } from "./count-labels.ts";
import { createRequestCounter, type RequestCounts } from "./count-request.ts";
import type { RequestColumns } from "./pack-columns.ts";
import { indexSortKey, recordPartitions, requestSortKey, rowsBlobKey, toExpiry } from "./record-keys.ts";
import type { PredictedRequest, Recorder } from "./records.ts";
import type { StoredRequest, StoredRow } from "./stored-request.ts";
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

const requestId = /^[A-Za-z0-9_-]{1,64}$/;

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

const blobForms = {
  rows: { suffix: "jsonl.zst", contentType: "application/zstd" },
  columns: { suffix: "columns", contentType: "application/octet-stream" },
} as const;

/** The rows of a request as JSON that fits into an item, or as what packs them into a blob. */
type EncodedRows = { readonly json: string } | { readonly pack: () => Promise<Uint8Array> };

const isSmall = (json: string): boolean =>
  json.length <= itemLimits.length || Buffer.byteLength(json) <= itemLimits.bytes;

/** Encodes the rows once: from their text if there is one, otherwise from their objects. */
const encodeRows = async (
  request: PredictedRequest,
  prepareRows: ReturnType<typeof createRowMapper>,
  withInputs: boolean | undefined,
): Promise<EncodedRows> => {
  const text = withInputs === undefined ? undefined : request.columns?.text(withInputs);
  if (countRows(request) <= itemLimits.rows) {
    const json = text ? text.toJson() : JSON.stringify(await toStoredRows(prepareRows, request));
    if (isSmall(json)) return { json };
  }
  return {
    pack: async () => {
      const { packLines, packRows } = await import("./pack-rows.ts");
      return text?.toLines ? packLines(text.toLines()) : packRows(await toStoredRows(prepareRows, request));
    },
  };
};

/** The JSON of StoredRequest; `rows` is JSON already. */
const formatStoredRequest = (
  { at, modelVersion: version, digest, latencyMs }: PredictedRequest,
  rows: string,
): string => {
  const origin: Omit<StoredRequest, "rows"> = { at, version, digest, latencyMs };
  return `${JSON.stringify(origin).slice(0, -1)},"rows":${rows}}`;
};

/** The JSON of IndexEntry. @param request the JSON of the request, if the index holds it */
const formatIndexEntry = (rows: number, { labels }: RequestCounts, request: string | undefined): string =>
  `{"rows":${rows}${labels === undefined ? "" : `,"labels":${labels}`}${request === undefined ? "" : `,"request":${request}`}}`;

const loadPackers = async (ttlDays: number) => {
  const [{ createColumnPacker }, { createRequestPacker }] = await Promise.all([
    import("./pack-columns.ts"),
    import("./pack-request.ts"),
  ]);
  return { packColumns: createColumnPacker(), packRequest: createRequestPacker(ttlDays) };
};

/** Writes the record of a request: first its blob, if any, then its items and what it adds to the hour's counters. */
const createWriter = (dependencies: Dependencies) => {
  const { store, blobs, manifest, append = appendInParallel(store) } = dependencies;
  const { ttlDays, inputs: policy } = manifest.records;
  const prepareRows = createRowMapper(dependencies);
  const counter = createRequestCounter(ttlDays);
  const isIndexed = dependencies.append !== undefined;
  const needsObjects = policy === "hashed" || (manifest.inputs ?? []).some(isArrayInput);
  /** Whether records have the caller's inputs; undefined: only objects tell what they have. */
  const withInputs = needsObjects ? undefined : policy === "full";

  /** Writes the rows as a blob; returns the JSON of what names it. */
  const writeBlob = async (
    request: PredictedRequest,
    form: keyof typeof blobForms,
    bytes: Uint8Array,
  ): Promise<string> => {
    const { suffix, contentType } = blobForms[form];
    const blob = rowsBlobKey(request, { at: request.at, id: request.id, ttlDays }, suffix);
    await blobs.put(blob, bytes, { contentType });
    return JSON.stringify({ blob });
  };

  /** The items of a request: one if it is so small that the index can hold it, otherwise one more. */
  const listEntries = (
    request: PredictedRequest,
    counts: RequestCounts,
    json: string,
    maxLength: number,
  ): Entry[] => {
    const { at, id } = request;
    const partitions = recordPartitions(request);
    const expiresAt = toExpiry(at, ttlDays);
    const rows = countRows(request);
    const indexKey = { partition: partitions.index, sort: indexSortKey(at, id) };
    if (isIndexed && json.length <= maxLength && readUuidV7Time(id) === at)
      return [{ key: indexKey, json: formatIndexEntry(rows, counts, json), expiresAt }];
    return [
      { key: { partition: partitions.request(id), sort: requestSortKey(at) }, json, expiresAt },
      { key: indexKey, json: formatIndexEntry(rows, counts, undefined), expiresAt },
    ];
  };

  const countRequest = (request: PredictedRequest): RequestCounts =>
    counter.count(
      request,
      countRows(request),
      request.columns?.countLabels() ?? countLabels(request.predictions),
    );

  /** A request with a blob has its own item, from which the blob is found when old traffic is deleted. */
  const writeWithBlob = async (
    request: PredictedRequest,
    form: keyof typeof blobForms,
    bytes: Uint8Array,
  ): Promise<void> => {
    const counts = countRequest(request);
    const json = formatStoredRequest(request, await writeBlob(request, form, bytes));
    await append({ entries: listEntries(request, counts, json, 0), additions: [counts.addition] });
  };

  const writeRows = async (request: PredictedRequest): Promise<void> => {
    const encoded = await encodeRows(request, prepareRows, withInputs);
    if ("pack" in encoded) return writeWithBlob(request, "rows", await encoded.pack());
    const counts = countRequest(request);
    const json = formatStoredRequest(request, encoded.json);
    const entries = listEntries(request, counts, json, maxIndexedLength.rows);
    return append({ entries, additions: [counts.addition] });
  };

  type Packers = Awaited<ReturnType<typeof loadPackers>>;
  const writeColumns = (
    { packColumns, packRequest }: Packers,
    request: PredictedRequest,
    columns: RequestColumns,
  ): Promise<void> => {
    const { names, bytes } = packColumns(columns);
    const { count } = columns.table;
    if (bytes.length > maxColumnBytes) {
      const head: ColumnsHead = { rows: count, ...names };
      return writeWithBlob(
        request,
        "columns",
        Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), bytes]),
      );
    }
    const { labels, labelNames } = columns.scores;
    const counts =
      count === 1
        ? counter.countSingle(request, labels && labelNames[labels[0] ?? -1])
        : countRequest(request);
    const { json, entries: forms, written } = packRequest(request, names, count, bytes);
    const entries = listEntries(request, counts, json, maxIndexedLength.columns);
    const additions = [counts.addition];
    if (forms.length === 0) return append({ entries, additions });
    return append({ entries: [...forms, ...entries], additions }).then(written);
  };

  let packers: Packers | undefined;
  const write = (request: PredictedRequest): Promise<void> => {
    const columns = packers && withInputs !== undefined ? request.columns?.numbers(withInputs) : undefined;
    return packers && columns ? writeColumns(packers, request, columns) : writeRows(request);
  };
  const record = async (request: PredictedRequest): Promise<void> => {
    if (!requestId.test(request.id)) throw new RangeError("the request's id is not valid for records");
    if (countRows(request) === 0) return;
    if (isIndexed && !packers) packers = await loadPackers(ttlDays);
    return write(request);
  };
  return { record, readsText: !isIndexed && withInputs !== undefined };
};

class RecordTooSlow extends Error {
  override readonly name = "RecordTooSlow";
}

/** Rejects with RecordTooSlow after the limit; the work itself goes on. */
const withTimeLimit = (limitMs: number, work: Promise<void>): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new RecordTooSlow(`not written within ${limitMs} ms`)), limitMs);
    work.then(
      () => {
        clearTimeout(timer);
        resolve();
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });

/**
 * Records every predicted row for the manifest's `records.ttlDays`. A request with any number of rows costs one batch of two
 * items and, in parallel, one addition to the hour's counters; with `append`, one call for both, and one item if it is small
 * and its id has the time of its arrival. With `append`, rows in columns are recorded as lists of numbers, and what they mean once an hour. Above 100 rows or
 * about 100 KB of JSON, or 75 KB of such lists, the rows are first written as one blob.
 */
export const createRecorder = (dependencies: Dependencies): Recorder => {
  const { log, limitMs = 1_000, hashKey, manifest } = dependencies;
  const { record, readsText } = createWriter(dependencies);
  if (manifest.records.inputs === "hashed" && hashKey === undefined)
    log("records have no inputs: the manifest says records.inputs: hashed, but there is no hash key");
  return {
    readsText,
    async record(request) {
      try {
        await withTimeLimit(limitMs, record(request));
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
