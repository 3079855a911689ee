import { countJsonTokens } from "#model-folder/rows/count-json-tokens.ts";
import { parseJson } from "#untrusted/parse-json.ts";
import { BodyUnreadable } from "./body-unreadable.ts";
import { createProblem } from "./create-problem.ts";
import { findDuplicateKey } from "./find-duplicate-key.ts";
import type { HttpProblem } from "./http-problem.ts";
import type { HttpRequest } from "./http-request.ts";
import { type ModelInputs, maxJsonValues } from "./max-json-values.ts";

/** Lambda's limit for requests and responses. Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const maxBodyBytes = 6 * 1_024 * 1_024;
/** A compressed body may expand beyond Lambda's limit, but must not fill the memory. */
const maxDecompressedBytes = 32 * 1_024 * 1_024;
/** Rows as JSON or CSV compress to about a tenth, but 30 KB of gzip can hold 30 MB of spaces. */
const maxRatio = 100;

/** The limit for a decompressed body: that of an uncompressed one, or a multiple of its compressed size. */
const calculateDecompressedLimit = (compressedBytes: number): number =>
  Math.min(maxDecompressedBytes, Math.max(maxBodyBytes, maxRatio * compressedBytes));

const utf8 = new TextDecoder("utf-8", { fatal: true });

const tooLargeProblem = (limit: number): HttpProblem =>
  createProblem("too-large", `The limit is ${limit} bytes: send fewer rows at a time.`);

const toBodyProblem = (error: unknown): HttpProblem => {
  const reason = error instanceof BodyUnreadable ? error.reason : "broken";
  switch (reason) {
    case "no-room":
      return createProblem("overloaded", "Other requests use all the memory for bodies: try again.");
    case "fragmented":
      return createProblem(
        "broken-encoding",
        "The body came in chunks of a few bytes each: send larger chunks.",
      );
    case "broken":
      // The client has probably gone. A 4xx, so that it does not count as a server error.
      return createProblem("broken-encoding", "The connection ended before the body was complete.");
    default:
      return reason satisfies never;
  }
};

/** Reads a request's body and decompresses gzip or deflate; returns a problem if it cannot (413, 415, 400, 503). */
export const readBody = async (request: HttpRequest): Promise<Uint8Array | HttpProblem> => {
  const encoding = (request.header("content-encoding") ?? "").trim().toLowerCase();
  const isCompressed = encoding === "gzip" || encoding === "deflate";
  if (!isCompressed && encoding !== "" && encoding !== "identity")
    return createProblem(
      "wrong-content-type",
      "Send the body uncompressed, or with content-encoding gzip or deflate.",
    );
  let bytes: Uint8Array | undefined;
  try {
    bytes = await request.body(maxBodyBytes);
  } catch (error) {
    return toBodyProblem(error);
  }
  if (!bytes) return tooLargeProblem(maxBodyBytes);
  if (!isCompressed) return bytes;
  // Loading Node's zlib adds 5 ms to a cold start, and most bodies are uncompressed.
  const { decompressBody } = await import("./decompress-body.ts");
  const limit = calculateDecompressedLimit(bytes.length);
  try {
    return decompressBody(encoding, bytes, limit);
  } catch (error) {
    return error instanceof RangeError
      ? createProblem(
          "too-large",
          `Decompressed, the body has more than ${limit} bytes: send fewer rows at a time.`,
        )
      : createProblem("broken-encoding", `The body is not valid ${encoding}, or is truncated.`);
  }
};

/** Decodes UTF-8, or returns a problem. */
export const readText = (bytes: Uint8Array): string | HttpProblem => {
  try {
    return utf8.decode(bytes);
  } catch {
    return createProblem("broken-encoding", "The body is not UTF-8.");
  }
};

const tooManyValuesProblem = (limit: number): HttpProblem =>
  createProblem("too-large", `The limit is ${limit} values: send fewer rows at a time.`);

/** Parses the JSON of a request to this model, or returns a problem with the position of the error. */
export const readJson = (
  bytes: Uint8Array,
  manifest: ModelInputs,
): { readonly json: unknown } | HttpProblem => {
  const { keys, marks } = countJsonTokens(bytes);
  const limit = maxJsonValues(manifest);
  if (marks > limit) return tooManyValuesProblem(limit);
  const text = readText(bytes);
  if (typeof text !== "string") return text;
  try {
    const json = parseJson(text);
    const pointer = findDuplicateKey(bytes, keys, json);
    return pointer === undefined
      ? { json }
      : createProblem("duplicate-key", "An object has the same key twice.", [
          { pointer, detail: "duplicate key" },
        ]);
  } catch (error) {
    // The parser's message may quote the body, so only its position is used.
    const position = error instanceof SyntaxError ? error.message.match(/ at position \d+/)?.[0] : undefined;
    return createProblem("broken-json", `The body cannot be parsed${position ?? ""}.`);
  }
};
