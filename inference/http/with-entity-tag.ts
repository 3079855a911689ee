import type { HttpReply } from "./http-reply.ts";
import type { HttpRequest } from "./http-request.ts";

const kept = ["cache-control", "vary"] as const;

/** Tags are compared weakly: a proxy may have packed the body (RFC 9110, 13.1.2). */
const isHeld = (tag: string, ifNoneMatch: string): boolean =>
  ifNoneMatch.trim() === "*" || (ifNoneMatch.match(/"[^"]*"/g)?.includes(tag) ?? false);

/** The tag of a body, by its content. */
const entityTag = async (body: HttpReply["body"]): Promise<string> => {
  // The global is loaded when it is first needed; node:crypto would be with the service.
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(Buffer.from(body)));
  return `"${Buffer.from(digest).toString("base64url")}"`;
};

/** An answer that stays as it is while the service runs: made, and its tag, once. */
export const keptReply = (make: () => Promise<HttpReply>): ((request: HttpRequest) => Promise<HttpReply>) => {
  let made: Promise<{ readonly reply: HttpReply; readonly etag: string }> | undefined;
  const both = async () => {
    const reply = await make();
    return { reply, etag: await entityTag(reply.body) };
  };
  return async (request) => {
    made ??= both();
    const { reply, etag } = await made;
    return tagged(request, reply, etag);
  };
};

/** The answer with an ETag of its body, or 304 for a caller who holds that already. */
export const withEntityTag = async (request: HttpRequest, reply: HttpReply): Promise<HttpReply> =>
  tagged(request, reply, await entityTag(reply.body));

const tagged = (request: HttpRequest, reply: HttpReply, etag: string): HttpReply => {
  const ifNoneMatch = request.header("if-none-match");
  if (ifNoneMatch === undefined || !isHeld(etag, ifNoneMatch))
    return { ...reply, headers: { ...reply.headers, etag } };
  const headers = Object.fromEntries(
    kept.flatMap((name) => (reply.headers[name] === undefined ? [] : [[name, reply.headers[name]]])),
  );
  return { status: 304, headers: { ...headers, etag }, body: "" };
};
