import type { HttpRequest } from "./http-request.ts";
import { type HttpResponse, withHeaders } from "./http-response.ts";

/** Smaller bodies are not worth compressing. */
const minCompressedBytes = 1_024;
const compressibleTypes = /^(text\/|application\/(json|javascript|[\w.+-]+\+json)\b)/;

/** Whether an Accept-Encoding header accepts gzip: it names gzip or `*` with a weight above 0 (RFC 9110, 12.5.3). */
export const acceptsGzip = (acceptEncoding: string): boolean => {
  let acceptsAny = false;
  for (const part of acceptEncoding.toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim());
    const weight = parameters.find((text) => text.startsWith("q="))?.slice(2);
    const accepts = weight === undefined || Number(weight) > 0;
    if (name === "gzip") return accepts;
    if (name === "*") acceptsAny = accepts;
  }
  return acceptsAny;
};

const gzipResponse = async (response: HttpResponse): Promise<HttpResponse> => {
  // Loading Node's zlib adds 5 ms to a cold start, and most responses are short.
  const { gzipBody } = await import("./gzip-body.ts");
  const { etag } = response.headers;
  return {
    ...withHeaders(response, {
      "content-encoding": "gzip",
      // The tag was computed from the uncompressed bytes, so it is only a weak one.
      ...(etag?.startsWith('"') ? { etag: `W/${etag}` } : {}),
    }),
    body: await gzipBody(response.body),
  };
};

/** Compresses a response with gzip if that is worth it and the client accepts it; a small one is returned at once. */
export const compressResponse = (
  request: HttpRequest,
  response: HttpResponse,
): HttpResponse | Promise<HttpResponse> => {
  const { body, headers } = response;
  if (body.length < minCompressedBytes || request.method === "HEAD") return response;
  if (headers["content-encoding"] !== undefined || !compressibleTypes.test(headers["content-type"] ?? ""))
    return response;
  if (headers["cache-control"]?.includes("no-transform")) return response;
  const varied = withHeaders(response, { vary: "accept-encoding" });
  return acceptsGzip(request.header("accept-encoding") ?? "") ? gzipResponse(varied) : varied;
};
