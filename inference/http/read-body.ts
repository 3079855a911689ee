import { countJsonTokens } from "#model-folder/rows/count-json-tokens.ts";
import { BodyUnreadable } from "./body-unreadable.ts";
import { createProblem } from "./create-problem.ts";
import { findDuplicateKey } from "./find-duplicate-key.ts";
import type { HttpProblem } from "./http-problem.ts";
import type { HttpRequest } from "./http-request.ts";
import { type ModelInputs, maxJsonValues } from "./max-json-values.ts";

/** Lambda carries 6 MB in and out. Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const maxBodyBytes = 6 * 1_024 * 1_024;
/** A compressed body may hold more than Lambda carries, and never enough to fill the memory. */
const maxDecompressedBytes = 32 * 1_024 * 1_024;
/** Rows as JSON or CSV become a tenth; 30 KB of gzip can hold 30 MB of spaces. */
const maxRatio = 100;

/** The bytes that a packed body may hold: as many as could come unpacked, and beyond that by its own size. */
const calculateDecompressedLimit = (packed: number): number =>
  Math.min(maxDecompressedBytes, Math.max(maxBodyBytes, maxRatio * packed));

const utf8 = new TextDecoder("utf-8", { fatal: true });

const tooLargeProblem = (limit: number): HttpProblem =>
  createProblem("too-large", `A body has at most ${limit} bytes: send fewer rows at a time.`);

/** What the sender of a body that could not be read is told. */
const toBodyProblem = (error: unknown): HttpProblem => {
  const reason = error instanceof BodyUnreadable ? error.reason : "broken";
  switch (reason) {
    case "no-room":
      return createProblem(
        "overloaded",
        "Other requests take all the memory there is for bodies: send it again.",
      );
    case "fragmented":
      return createProblem(
        "broken-encoding",
        "The body came in chunks of a few bytes each: send larger ones.",
      );
    case "broken":
      // The connection broke, or what it carried was no HTTP: whom that is told is gone, and it is no failure of ours.
      return createProblem("broken-encoding", "The body ended before it was whole.");
    default:
      return reason satisfies never;
  }
};

/** A request's body as bytes, unpacked where it came as gzip or deflate; or why it cannot be had (413, 415, 400, 503). */
export const readBody = async (request: HttpRequest): Promise<Uint8Array | HttpProblem> => {
  const encoding = (request.header("content-encoding") ?? "").trim().toLowerCase();
  const packed = encoding === "gzip" || encoding === "deflate";
  if (!packed && encoding !== "" && encoding !== "identity")
    return createProblem(
      "wrong-content-type",
      "Send the body as it is, or with content-encoding gzip or deflate.",
    );
  const bytes = await request.body(maxBodyBytes).catch(toBodyProblem);
  if (bytes && !(bytes instanceof Uint8Array)) return bytes;
  if (!bytes) return tooLargeProblem(maxBodyBytes);
  if (!packed) return bytes;
  // Most bodies come as they are, and Node's zlib takes a cold start 5 ms.
  const { decompressBody } = await import("./decompress-body.ts");
  const most = calculateDecompressedLimit(bytes.length);
  try {
    return decompressBody(encoding, bytes, most);
  } catch (error) {
    return error instanceof RangeError
      ? tooLargeProblem(most)
      : createProblem("broken-encoding", `The body is no ${encoding}, or is cut off.`);
  }
};

/** Bytes as text, or a problem where they are not UTF-8. */
export const readText = (bytes: Uint8Array): string | HttpProblem => {
  try {
    return utf8.decode(bytes);
  } catch {
    return createProblem("broken-encoding", "The body is not UTF-8.");
  }
};

/** What a body with more values than this model's largest request is answered. */
const tooManyValuesProblem = (most: number): HttpProblem =>
  createProblem("too-large", `A body holds at most ${most} values: send fewer rows at a time.`);

/** Bytes as the JSON of a request to this model, or a problem that says where it breaks off. */
export const readJson = (
  bytes: Uint8Array,
  manifest: ModelInputs,
): { readonly json: unknown } | HttpProblem => {
  const { keys, marks } = countJsonTokens(bytes);
  const most = maxJsonValues(manifest);
  if (marks > most) return tooManyValuesProblem(most);
  const text = readText(bytes);
  if (typeof text !== "string") return text;
  try {
    const json: unknown = JSON.parse(text);
    const pointer = findDuplicateKey(bytes, keys, json);
    return pointer === undefined
      ? { json }
      : createProblem("duplicate-key", "1 key stands twice in its object.", [
          { pointer, detail: "stands twice" },
        ]);
  } catch (error) {
    // The parser's own words may quote the body; its position does not.
    const position = error instanceof SyntaxError ? error.message.match(/ at position \d+/)?.[0] : undefined;
    return createProblem("broken-json", `The body cannot be read${position ?? ""}.`);
  }
};
