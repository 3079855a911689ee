import { countJson } from "../http/count-json.ts";
import type { HttpReply } from "../http/http-reply.ts";
import type { HttpRequest } from "../http/http-request.ts";
import { maxBodyBytes } from "../http/read-body.ts";
import type { ServiceProcess } from "./service-process.ts";

/** Where a request is answered: here, by `answer`, or elsewhere. */
export type Offload = (
  request: HttpRequest,
  answer: (request: HttpRequest) => HttpReply | Promise<HttpReply>,
) => Promise<HttpReply>;

/**
 * Up to where a body is answered on the event loop, so that none holds it longer than 5 ms (`npm run bench:parts`). Each
 * value takes about 1 µs to read, check and record, beside what the model takes (limits-in-budget.ts).
 */
export const largestHere = {
  /** Of JSON, whose rows repeat their names. */
  bytes: 64 * 1_024,
  /** Of CSV, of tensors, and of texts, whose bytes are all for the tokenizer. */
  otherBytes: 16 * 1_024,
  values: 3_072,
} as const;

const isPredict = (path: string): boolean =>
  /^\/(v1\/predict|invocations|endpoints\/[^/]+\/invocations|v2\/models\/.+\/infer)$/.test(path);

const carried = [
  "accept",
  "accept-encoding",
  "content-encoding",
  "content-type",
  "inference-header-content-length",
  "x-request-id",
] as const;

const packedAs = (request: HttpRequest): "gzip" | "deflate" | undefined => {
  const encoding = (request.header("content-encoding") ?? "").trim().toLowerCase();
  return encoding === "gzip" || encoding === "deflate" ? encoding : undefined;
};

const kindOf = (request: HttpRequest): "json" | "csv" | "tensors" => {
  const type = request.header("content-type") ?? "json";
  if (request.header("inference-header-content-length") !== undefined) return "tensors";
  return /json/i.test(type) ? "json" : /csv/i.test(type) ? "csv" : "tensors";
};

const comma = 0x2c;
const newline = 0x0a;
/** The least that a value of a tensor takes where there are many, an FP32. */
const tensorValueBytes = 4;

/** About as many values as the rows in a body have; of JSON at most twice as many. */
const valuesIn = (body: Uint8Array, kind: ReturnType<typeof kindOf>): number => {
  if (kind === "json") return countJson(body).marks;
  if (kind === "tensors") return body.length / tensorValueBytes;
  let values = 0;
  for (const byte of body) if (byte === comma || byte === newline) values++;
  return values;
};

type Limits = {
  /** Whether the model takes texts. */
  readonly texts: boolean;
  /** Bytes and values up to which this model's rows are answered on the event loop. */
  readonly most: { readonly bytes: number; readonly values: number };
};

/**
 * Whether reading and answering a body would hold the event loop. A packed one is unpacked no further than it takes to
 * tell; what is no such body is not large.
 */
const isLarge = async (request: HttpRequest, body: Uint8Array, { texts, most }: Limits): Promise<boolean> => {
  const kind = kindOf(request);
  const bytes = kind === "json" && !texts ? most.bytes : Math.min(most.bytes, largestHere.otherBytes);
  const plainIsLarge = (plain: Uint8Array) =>
    plain.length > bytes || (!texts && valuesIn(plain, kind) > most.values);
  if (body.length > bytes) return true;
  const encoding = packedAs(request);
  if (!encoding) return plainIsLarge(body);
  const { unpackBody } = await import("../http/unpack-body.ts");
  try {
    return plainIsLarge(unpackBody(encoding, body, bytes));
  } catch (error) {
    return error instanceof RangeError;
  }
};

/**
 * Sends requests whose bodies would hold the event loop to the same service in another process, as bytes. Whatever a
 * body holds, its answer is the same there as here.
 * @param which `large`: bodies past the limits; `all`: every prediction, for a model that this process must not run
 */
export const offload = (
  { answer: answerElsewhere }: Pick<ServiceProcess, "answer">,
  {
    which = "large",
    texts = false,
    most = largestHere,
  }: Partial<Limits> & { readonly which?: "large" | "all" } = {},
): Offload => {
  // Fewer bytes hold no more values than that, whatever they are.
  const surelySmall = Math.min(most.bytes, most.values);
  return async (request, answer) => {
    if (request.method !== "POST" || !isPredict(request.path)) return answer(request);
    const announced = Number(request.header("content-length") ?? Number.NaN);
    if (which === "large" && !packedAs(request) && announced <= surelySmall) return answer(request);
    const reading = request.body(maxBodyBytes);
    const body = await reading.catch(() => undefined);
    const here = (): HttpReply | Promise<HttpReply> => answer({ ...request, body: () => reading });
    // What could not be read is refused in its protocol's words, here.
    if (!body) return here();
    if (which === "large" && !(await isLarge(request, body, { texts, most }))) return here();
    const headers: Record<string, string> = {};
    for (const name of carried) {
      const value = request.header(name);
      if (value !== undefined) headers[name] = value;
    }
    const { method, path, query } = request;
    return answerElsewhere({ method, path, query, headers }, body);
  };
};
