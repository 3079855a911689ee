import type { IncomingMessage } from "node:http";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { BodyLease } from "#inference/http/body-budget.ts";
import { BodyUnreadable } from "#inference/http/body-unreadable.ts";
import { collectBody } from "#inference/http/collect-body.ts";

const bodyLeases = new WeakMap<IncomingMessage, BodyLease>();

/** Sets the share of the server's memory budget that `readRequestBody` may use for this request. */
export const setBodyLease = (incoming: IncomingMessage, lease: BodyLease): void =>
  void bodyLeases.set(incoming, lease);

const getIncomingMessage = (context: Context): IncomingMessage | undefined => context.env?.incoming;

/**
 * Reads a body into one buffer, within the server's memory budget; undefined: it is longer than `limit` bytes. Rejects with
 * BodyUnreadable.
 */
export const readRequestBody = async (context: Context, limit: number): Promise<Uint8Array | undefined> => {
  const incoming = getIncomingMessage(context);
  const lease = incoming && bodyLeases.get(incoming);
  if (incoming && lease) return collectBody(incoming, limit, lease);
  // A request without a server (in tests) is in memory already.
  const bytes = new Uint8Array(await context.req.raw.arrayBuffer());
  return bytes.length > limit ? undefined : bytes;
};

/** Middleware that limits bodies to `limit` bytes; `tooLarge` responds to a longer one. */
export const limitBody = (limit: number, tooLarge: (context: Context) => Response | Promise<Response>) =>
  createMiddleware(async (context, next) => {
    const { method } = context.req;
    if (method === "GET" || method === "HEAD") return next();
    const bytes = await readRequestBody(context, limit);
    if (!bytes) return tooLarge(context);
    const { url, headers } = context.req.raw;
    context.req.raw = new Request(url, { method, headers, body: new Uint8Array(bytes) });
    return next();
  });

/** The response to an unreadable body; undefined: the error has another cause. */
export const describeBodyError = (
  error: unknown,
): { readonly status: 400 | 503; readonly title: string } | undefined => {
  if (!(error instanceof BodyUnreadable)) return undefined;
  return error.reason === "no-room"
    ? { status: 503, title: "Too many requests at once: retry later." }
    : { status: 400, title: `The body could not be read: ${error.message}.` };
};
