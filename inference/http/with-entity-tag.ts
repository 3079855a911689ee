import type { HttpReply } from "./http-reply.ts";
import type { HttpRequest } from "./http-request.ts";

const kept = ["cache-control", "vary"] as const;

/** Tags are compared weakly: a proxy may have packed the body (RFC 9110, 13.1.2). */
const isHeld = (tag: string, ifNoneMatch: string): boolean =>
  ifNoneMatch.trim() === "*" || (ifNoneMatch.match(/"[^"]*"/g)?.includes(tag) ?? false);

/** The answer with an ETag of its body, or 304 for a caller who holds that already. */
export const withEntityTag = async (request: HttpRequest, reply: HttpReply): Promise<HttpReply> => {
  // The global is loaded when it is first needed; node:crypto would be with the service.
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(Buffer.from(reply.body)));
  const etag = `"${Buffer.from(digest).toString("base64url")}"`;
  const ifNoneMatch = request.header("if-none-match");
  if (ifNoneMatch === undefined || !isHeld(etag, ifNoneMatch))
    return { ...reply, headers: { ...reply.headers, etag } };
  const headers = Object.fromEntries(
    kept.flatMap((name) => (reply.headers[name] === undefined ? [] : [[name, reply.headers[name]]])),
  );
  return { status: 304, headers: { ...headers, etag }, body: "" };
};
