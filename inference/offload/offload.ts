import type { Offload } from "#inference/http/app.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import type { HttpResponse } from "#inference/http/http-response.ts";
import { maxBodyBytes } from "#inference/http/read-body.ts";
import { countJsonTokens } from "#model-folder/rows/count-json-tokens.ts";
import type { OffloadProcess } from "./create-offload-process.ts";
import type { OffloadThreshold } from "./measure-offload-threshold.ts";

/**
 * Up to where a body is answered on the event loop, so that none holds it longer than 5 ms (`npm run bench:parts`). Each
 * value takes about 1 µs to read, check and record, beside what the model takes (measure-offload-threshold.ts).
 */
export const defaultOffloadThreshold = {
  /** Of JSON, whose rows repeat their names. */
  bytes: 64 * 1_024,
  /** Of CSV, of tensors, and of texts, whose bytes are all for the tokenizer. */
  otherBytes: 16 * 1_024,
  values: 3_072,
} as const;

/** Up to where a body of texts is: its bytes alone tell what the tokenizer has to do. */
export const textOffloadThreshold: OffloadThreshold = {
  bytes: defaultOffloadThreshold.otherBytes,
  values: Number.POSITIVE_INFINITY,
};

const isPredictPath = (path: string): boolean =>
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

/** In what form a body comes. The header that counts a tensor's JSON means something on its own path alone. */
const detectBodyKind = (request: HttpRequest): "json" | "csv" | "tensors" => {
  if (request.header(tensorHeader) !== undefined && /\/infer$/.test(request.path)) return "tensors";
  return /csv/i.test(request.header("content-type") ?? "") ? "csv" : "json";
};

const comma = 0x2c;
const newline = 0x0a;

/** The least bytes that a value takes in tensors of the types that the JSON before them names. */
const readValueBytes = (head: string): number =>
  /"(BOOL|U?INT8)"/.test(head) ? 1 : /"(B?FP?16|U?INT16)"/.test(head) ? 2 : 4;

/**
 * No fewer values than its rows have, whatever the body is: a row that leaves out what is optional is as many values as
 * the model has inputs.
 */
const countValues = (body: Uint8Array, request: HttpRequest, inputs: number): number => {
  switch (detectBodyKind(request)) {
    case "json": {
      const { marks, openings } = countJsonTokens(body);
      return Math.max(marks, openings * inputs);
    }
    case "tensors": {
      const length = Number(request.header(tensorHeader));
      const head = Buffer.from(body.buffer, body.byteOffset, body.length).toString("latin1", 0, length || 0);
      return body.length / readValueBytes(head);
    }
    default: {
      let separators = 0;
      let rows = 0;
      for (const byte of body) {
        if (byte === newline) rows++;
        else if (byte === comma) separators++;
      }
      return Math.max(separators + rows, rows * inputs);
    }
  }
};

type OffloadModel = {
  /** How many inputs it has. */
  readonly inputs: number;
  /** Up to where its rows are answered on the event loop. */
  readonly most: OffloadThreshold;
};

/**
 * Whether reading and answering a body would hold the event loop. A packed one is unpacked no further than it takes to
 * tell; what is no such body is not large.
 */
const isLarge = async (
  request: HttpRequest,
  body: Uint8Array,
  { inputs, most }: OffloadModel,
): Promise<boolean> => {
  const bytes =
    detectBodyKind(request) === "json"
      ? most.bytes
      : Math.min(most.bytes, defaultOffloadThreshold.otherBytes);
  const plainIsLarge = (plain: Uint8Array) =>
    plain.length > bytes || countValues(plain, request, inputs) > most.values;
  if (body.length > bytes) return true;
  const encoding = readCompression(request);
  if (!encoding) return plainIsLarge(body);
  const { decompressBody } = await import("#inference/http/decompress-body.ts");
  try {
    return plainIsLarge(decompressBody(encoding, body, bytes));
  } catch (error) {
    return error instanceof RangeError;
  }
};

/**
 * Sends requests whose bodies would hold the event loop to the same service in another process, as bytes. Whatever a
 * body holds, its answer is the same there as here.
 * @param which `large`: bodies past the limits; `all`: every prediction, for a model that this process must not run
 */
export const createOffload = (
  { answer: answerElsewhere }: Pick<OffloadProcess, "answer">,
  {
    which = "large",
    inputs,
    most = defaultOffloadThreshold,
  }: Pick<OffloadModel, "inputs"> & Partial<OffloadModel> & { readonly which?: "large" | "all" },
): Offload => {
  // A row is two bytes at least.
  const surelySmall = Math.min(most.bytes, (2 * most.values) / inputs);
  return async (request, answer) => {
    if (request.method !== "POST" || !isPredictPath(request.path)) return answer(request);
    const announced = Number(request.header("content-length") ?? Number.NaN);
    if (which === "large" && !readCompression(request) && announced <= surelySmall) return answer(request);
    const reading = request.body(maxBodyBytes);
    const body = await reading.catch(() => undefined);
    const here = (): HttpResponse | Promise<HttpResponse> => answer({ ...request, body: () => reading });
    // What could not be read is refused in its protocol's words, here.
    if (!body) return here();
    if (which === "large" && !(await isLarge(request, body, { inputs, most }))) return here();
    const headers: Record<string, string> = {};
    for (const name of forwardedHeaders) {
      const value = request.header(name);
      if (value !== undefined) headers[name] = value;
    }
    const { method, path, query } = request;
    return answerElsewhere({ method, path, query, headers }, body);
  };
};
