import type { HttpRequest } from "./http-request.ts";
import type { HttpResponse } from "./http-response.ts";

const preservedHeaders = ["cache-control", "vary"] as const;

/** Tags are compared weakly: a proxy may have packed the body (RFC 9110, 13.1.2). */
const matchesEntityTag = (tag: string, ifNoneMatch: string): boolean =>
  ifNoneMatch.trim() === "*" || (ifNoneMatch.match(/"[^"]*"/g)?.includes(tag) ?? false);

/** The tag of a body, by its content. */
const computeEntityTag = async (body: HttpResponse["body"]): Promise<string> => {
  // The global is loaded when it is first needed; node:crypto would be with the service.
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(Buffer.from(body)));
  return `"${Buffer.from(digest).toString("base64url")}"`;
};

/** An answer that stays as it is while the service runs: made, and its tag, once. */
export const cacheResponse = (
  make: () => Promise<HttpResponse>,
): ((request: HttpRequest) => Promise<HttpResponse>) => {
  let made: Promise<{ readonly reply: HttpResponse; readonly etag: string }> | undefined;
  const both = async () => {
    const reply = await make();
    return { reply, etag: await computeEntityTag(reply.body) };
  };
  return async (request) => {
    made ??= both();
    const { reply, etag } = await made;
    return applyEntityTag(request, reply, etag);
  };
};

/** The answer with an ETag of its body, or 304 for a caller who holds that already. */
export const withEntityTag = async (request: HttpRequest, reply: HttpResponse): Promise<HttpResponse> =>
  applyEntityTag(request, reply, await computeEntityTag(reply.body));

const applyEntityTag = (request: HttpRequest, reply: HttpResponse, etag: string): HttpResponse => {
  const ifNoneMatch = request.header("if-none-match");
  if (ifNoneMatch === undefined || !matchesEntityTag(etag, ifNoneMatch))
    return { ...reply, headers: { ...reply.headers, etag } };
  const headers = Object.fromEntries(
    preservedHeaders.flatMap((name) =>
      reply.headers[name] === undefined ? [] : [[name, reply.headers[name]]],
    ),
  );
  return { status: 304, headers: { ...headers, etag }, body: "" };
};
