import type { HttpRequest } from "./http-request.ts";
import { type HttpResponse, withHeaders } from "./http-response.ts";

/** Bytes below which packing saves nothing worth its work. */
const minCompressedBytes = 1_024;
const compressibleTypes = /^(text\/|application\/(json|javascript|[\w.+-]+\+json)\b)/;

/** Whether an Accept-Encoding names gzip, or anything, without a weight of 0 (RFC 9110, 12.5.3). */
export const acceptsGzip = (accepted: string): boolean => {
  let any = false;
  for (const part of accepted.toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim());
    const weight = parameters.find((text) => text.startsWith("q="))?.slice(2);
    const accepts = weight === undefined || Number(weight) > 0;
    if (name === "gzip") return accepts;
    if (name === "*") any = accepts;
  }
  return any;
};

/** The answer as gzip where that saves something and the caller accepts it. */
export const compressResponse = async (request: HttpRequest, reply: HttpResponse): Promise<HttpResponse> => {
  const { body, headers } = reply;
  if (body.length < minCompressedBytes || request.method === "HEAD") return reply;
  if (headers["content-encoding"] !== undefined || !compressibleTypes.test(headers["content-type"] ?? ""))
    return reply;
  if (headers["cache-control"]?.includes("no-transform")) return reply;
  const varied = withHeaders(reply, { vary: "accept-encoding" });
  if (!acceptsGzip(request.header("accept-encoding") ?? "")) return varied;
  // Node's zlib takes a cold start 5 ms, and most answers are short.
  const { gzipBody } = await import("./gzip-body.ts");
  const { etag } = headers;
  return {
    ...withHeaders(varied, {
      "content-encoding": "gzip",
      // Other bytes than the tag was made of.
      ...(etag?.startsWith('"') ? { etag: `W/${etag}` } : {}),
    }),
    body: await gzipBody(body),
  };
};
