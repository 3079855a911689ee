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
 * Bytes up to which a body is answered on the event loop, so that none holds it longer than 5 ms: estimated from what
 * 10,000 rows take (11 ms to parse and pack as objects), not measured by itself. A row of JSON repeats its names and is some 400 bytes; in CSV and in tensors' bytes it
 * is 40 to 80, and a text's bytes are all for the tokenizer.
 */
const largestHere = { json: 64 * 1_024, other: 16 * 1_024 } as const;

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

const limitOf = (request: HttpRequest, texts: boolean): number =>
  !texts &&
  /json/i.test(request.header("content-type") ?? "json") &&
  request.header("inference-header-content-length") === undefined
    ? largestHere.json
    : largestHere.other;

/** Whether a packed body holds more than that: it is unpacked no further. What is no such body is not large. */
const holdsMore = async (encoding: "gzip" | "deflate", body: Uint8Array, most: number): Promise<boolean> => {
  const { unpackBody } = await import("../http/unpack-body.ts");
  try {
    unpackBody(encoding, body, most);
    return false;
  } catch (error) {
    return error instanceof RangeError;
  }
};

/**
 * Sends requests whose bodies would hold the event loop to the same service in another process, as bytes. Whatever a
 * body holds, its answer is the same there as here.
 * @param which `large`: bodies past the limit; `all`: every prediction, for a model that this process must not run
 * @param texts whether the model takes texts
 */
export const offload =
  (
    { answer: answerElsewhere }: Pick<ServiceProcess, "answer">,
    { which = "large", texts = false }: { readonly which?: "large" | "all"; readonly texts?: boolean } = {},
  ): Offload =>
  async (request, answer) => {
    if (request.method !== "POST" || !isPredict(request.path)) return answer(request);
    const most = limitOf(request, texts);
    const packed = packedAs(request);
    const announced = Number(request.header("content-length") ?? Number.NaN);
    if (which === "large" && !packed && announced <= most) return answer(request);
    const reading = request.body(maxBodyBytes);
    const body = await reading.catch(() => undefined);
    const here = (): HttpReply | Promise<HttpReply> => answer({ ...request, body: () => reading });
    // What could not be read is refused in its protocol's words, here.
    if (!body) return here();
    const large = body.length > most || (packed !== undefined && (await holdsMore(packed, body, most)));
    if (which === "large" && !large) return here();
    const headers: Record<string, string> = {};
    for (const name of carried) {
      const value = request.header(name);
      if (value !== undefined) headers[name] = value;
    }
    const { method, path, query } = request;
    return answerElsewhere({ method, path, query, headers }, body);
  };
