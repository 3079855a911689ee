import type { HttpRequest } from "./http-request.ts";
import type { HttpResponse } from "./http-response.ts";

const preservedHeaders = ["cache-control", "vary"] as const;

/** Compares weakly, because a proxy may have compressed the body (RFC 9110, 13.1.2). */
const matchesEntityTag = (tag: string, ifNoneMatch: string): boolean =>
  ifNoneMatch.trim() === "*" || (ifNoneMatch.match(/"[^"]*"/g)?.includes(tag) ?? false);

const computeEntityTag = async (body: HttpResponse["body"]): Promise<string> => {
  // Node loads the global crypto on first use; an import of node:crypto would slow each cold start.
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(Buffer.from(body)));
  return `"${Buffer.from(digest).toString("base64url")}"`;
};

/** Caches a response that never changes while the service runs: body and tag are computed once. */
export const cacheResponse = (
  createResponse: () => Promise<HttpResponse>,
): ((request: HttpRequest) => Promise<HttpResponse>) => {
  let cached: Promise<{ readonly response: HttpResponse; readonly etag: string }> | undefined;
  const createCached = async () => {
    const response = await createResponse();
    return { response, etag: await computeEntityTag(response.body) };
  };
  return async (request) => {
    cached ??= createCached();
    const { response, etag } = await cached;
    return applyEntityTag(request, response, etag);
  };
};

/** Adds an ETag of the body; returns 304 if the client already has this body. */
export const withEntityTag = async (request: HttpRequest, response: HttpResponse): Promise<HttpResponse> =>
  applyEntityTag(request, response, await computeEntityTag(response.body));

const applyEntityTag = (request: HttpRequest, response: HttpResponse, etag: string): HttpResponse => {
  const ifNoneMatch = request.header("if-none-match");
  if (ifNoneMatch === undefined || !matchesEntityTag(etag, ifNoneMatch))
    return { ...response, headers: { ...response.headers, etag } };
  const headers = Object.fromEntries(
    preservedHeaders.flatMap((name) =>
      response.headers[name] === undefined ? [] : [[name, response.headers[name]]],
    ),
  );
  return { status: 304, headers: { ...headers, etag }, body: "" };
};
