import type { Offload } from "#inference/http/app.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import type { HttpResponse } from "#inference/http/http-response.ts";
import { maxBodyBytes } from "#inference/http/read-body.ts";
import type { WorkQueue } from "#inference/http/work-queue.ts";
import type { ScannedRows } from "#inference/model/predict-columns.ts";
import { countJsonTokens } from "#model-folder/rows/count-json-tokens.ts";
import type { RowValues } from "./count-row-values.ts";
import type { OffloadProcess } from "./create-offload-process.ts";
import type { OffloadThreshold } from "./measure-offload-threshold.ts";
import { queueFullResponse } from "./queue-full-response.ts";

/**
 * The largest body that is handled on the event loop, so that none blocks it longer than 5 ms (`npm run bench:parts`). Each
 * value takes about 1 µs to read, check and record, plus the model's own time (measure-offload-threshold.ts).
 */
export const defaultOffloadThreshold = {
  /** For JSON, which repeats the names in every row. */
  bytes: 64 * 1_024,
  /** For CSV, tensors and texts, whose bytes are all data. */
  otherBytes: 16 * 1_024,
  values: 3_072,
} as const;

/** For texts: only the number of bytes determines the tokenizer's work. */
export const textOffloadThreshold: OffloadThreshold = {
  bytes: defaultOffloadThreshold.otherBytes,
  values: Number.POSITIVE_INFINITY,
};

export const isPredictPath = (path: string): boolean =>
  /^\/(v1\/predict|invocations|endpoints\/[^/]+\/invocations|v2\/models\/.+\/infer)$/.test(path);

const tensorHeader = "inference-header-content-length";

const forwardedHeaders = [
  "accept",
  "accept-encoding",
  "content-encoding",
  "content-type",
  tensorHeader,
  "x-request-id",
] as const;

const readCompression = (request: HttpRequest): "gzip" | "deflate" | undefined => {
  const encoding = (request.header("content-encoding") ?? "").trim().toLowerCase();
  return encoding === "gzip" || encoding === "deflate" ? encoding : undefined;
};

/** Returns the kind of a body. The tensor header counts only on the paths of its protocol. */
const detectBodyKind = (request: HttpRequest): "json" | "csv" | "tensors" => {
  if (request.header(tensorHeader) !== undefined && /\/infer$/.test(request.path)) return "tensors";
  return /csv/i.test(request.header("content-type") ?? "") ? "csv" : "json";
};

const comma = 0x2c;
const newline = 0x0a;

/** Returns the fewest bytes per value for the tensor types that the JSON header names. */
const readValueBytes = (head: string): number =>
  /"(BOOL|U?INT8)"/.test(head) ? 1 : /"(B?FP?16|U?INT16)"/.test(head) ? 2 : 4;

/**
 * Counts at least the values of the body's rows, and the elements of arrays in their predictions. A row with omitted
 * optional inputs counts as many values as the model has inputs.
 */
const countValues = (
  body: Uint8Array,
  request: HttpRequest,
  { inputs, hasArrays, outputs }: RowValues,
): number => {
  switch (detectBodyKind(request)) {
    case "json": {
      const { keys, marks, openings } = countJsonTokens(body);
      if (!hasArrays) return Math.max(marks, openings * inputs) + openings * outputs;
      // A row is an object, which has keys, or a nested array, which has an element's mark for each of its elements.
      return marks + (keys + Math.ceil(marks / inputs)) * outputs;
    }
    case "tensors": {
      const length = Number(request.header(tensorHeader));
      const head = Buffer.from(body.buffer, body.byteOffset, body.length).toString("latin1", 0, length || 0);
      const values = body.length / readValueBytes(head);
      return values + Math.ceil(values / inputs) * outputs;
    }
    default: {
      let separators = 0;
      let rows = 0;
      for (const byte of body) {
        if (byte === newline) rows++;
        else if (byte === comma) separators++;
      }
      return Math.max(separators + rows, rows * inputs) + rows * outputs;
    }
  }
};

type OffloadModel = {
  readonly row: RowValues;
  readonly threshold: OffloadThreshold;
};

/** What reads the rows of Slipway's own protocol (ColumnPath.scan), whose result the route takes over. */
type Scan = (body: Uint8Array) => ScannedRows | undefined;

/**
 * The rows of a body that takes no longer than the threshold. Scanning them takes less than counting the body's values, and is
 * necessary anyway. Undefined for any other body: its values are to be counted.
 */
const scanSmall = (
  scan: Scan | undefined,
  request: HttpRequest,
  body: Uint8Array,
  { row, threshold }: OffloadModel,
): ScannedRows | undefined => {
  if (!scan || request.path !== "/v1/predict" || body.length > threshold.bytes) return undefined;
  if (readCompression(request) || detectBodyKind(request) !== "json") return undefined;
  const scanned = scan(body);
  return scanned && scanned.count * (row.inputs + row.outputs) <= threshold.values ? scanned : undefined;
};

/**
 * Whether a body would block the event loop. A compressed body is decompressed only up to the threshold; an invalid one is
 * not large.
 */
const isLarge = async (
  request: HttpRequest,
  body: Uint8Array,
  { row, threshold }: OffloadModel,
): Promise<boolean> => {
  const maxBytes =
    detectBodyKind(request) === "json"
      ? threshold.bytes
      : Math.min(threshold.bytes, defaultOffloadThreshold.otherBytes);
  const exceeds = (content: Uint8Array) =>
    content.length > maxBytes || countValues(content, request, row) > threshold.values;
  if (body.length > maxBytes) return true;
  const encoding = readCompression(request);
  if (!encoding) return exceeds(body);
  const { decompressBody } = await import("#inference/http/decompress-body.ts");
  try {
    return exceeds(decompressBody(encoding, body, maxBytes));
  } catch (error) {
    return error instanceof RangeError;
  }
};

/**
 * Sends requests that would block the event loop to the same service in another process. The response is the same there as
 * here.
 * @param queue bounds the requests that are handled here; absent: no bound
 * @param scan reads the rows of a body that needs no count then; absent: the model has no path through columns
 * @param which `large`: bodies above the threshold; `all`: every prediction, for a model that this process must not run
 */
export const createOffload = (
  { handle }: Pick<OffloadProcess, "handle">,
  {
    which = "large",
    row,
    threshold = defaultOffloadThreshold,
    queue,
    scan,
  }: Pick<OffloadModel, "row"> &
    Partial<OffloadModel> & {
      readonly which?: "large" | "all";
      readonly scan?: Scan | undefined;
      readonly queue?: WorkQueue | undefined;
    },
): Offload => {
  // A row has at least two bytes.
  const alwaysSmallBytes = Math.min(threshold.bytes, (2 * threshold.values) / (row.inputs + row.outputs));
  return async (request, next) => {
    if (request.method !== "POST" || !isPredictPath(request.path)) return next(request);
    const announced = Number(request.header("content-length") ?? Number.NaN);
    const isSmall = which === "large" && !readCompression(request) && announced <= alwaysSmallBytes;
    if (isSmall && !queue) return next(request);
    const reading = request.body(maxBodyBytes);
    const body = await reading.catch(() => undefined);
    /** Counts only from here on, so that a client that sends its body slowly keeps no other request out. */
    const handleHere = async (scanned?: ScannedRows): Promise<HttpResponse> => {
      const leave = queue?.enter(body?.length ?? 0);
      if (queue && !leave) return queueFullResponse(queue.retryAfter());
      try {
        return await next({ ...request, body: () => reading, scanned });
      } finally {
        leave?.();
      }
    };
    // The route reads the failed body again and responds in its protocol's error format.
    if (!body || isSmall) return handleHere();
    if (which === "large") {
      const scanned = scanSmall(scan, request, body, { row, threshold });
      if (scanned || !(await isLarge(request, body, { row, threshold }))) return handleHere(scanned);
    }
    const headers: Record<string, string> = {};
    for (const name of forwardedHeaders) {
      const value = request.header(name);
      if (value !== undefined) headers[name] = value;
    }
    const { method, path, query } = request;
    return handle({ method, path, query, headers }, body);
  };
};
