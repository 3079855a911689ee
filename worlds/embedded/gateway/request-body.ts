import type { IncomingMessage } from "node:http";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { BodyLease } from "#inference/http/body-budget.ts";
import { BodyUnreadable } from "#inference/http/body-unreadable.ts";
import { collectBody } from "#inference/http/collect-body.ts";

const bodyLeases = new WeakMap<IncomingMessage, BodyLease>();

/** Lets `readRequestBody` read this request within its server's budget. */
export const setBodyLease = (incoming: IncomingMessage, lease: BodyLease): void =>
  void bodyLeases.set(incoming, lease);

const getIncomingMessage = (context: Context): IncomingMessage | undefined => context.env?.incoming;

/**
 * The body of a request, in one buffer and within the budget of the server; undefined where it is longer than `limit`
 * bytes. Rejects with BodyUnreadable.
 */
export const readRequestBody = async (context: Context, limit: number): Promise<Uint8Array | undefined> => {
  const incoming = getIncomingMessage(context);
  const lease = incoming && bodyLeases.get(incoming);
  if (incoming && lease) return collectBody(incoming, limit, lease);
  // Asked without a server between: the whole body is in memory already.
  const bytes = new Uint8Array(await context.req.raw.arrayBuffer());
  return bytes.length > limit ? undefined : bytes;
};

/** Reads bodies within a limit before a route does; a longer one is answered by `tooLarge`. */
export const limitBody = (limit: number, tooLarge: (context: Context) => Response) =>
  createMiddleware(async (context, next) => {
    const { method } = context.req;
    if (method === "GET" || method === "HEAD") return next();
    const bytes = await readRequestBody(context, limit);
    if (!bytes) return tooLarge(context);
    const { url, headers } = context.req.raw;
    context.req.raw = new Request(url, { method, headers, body: new Uint8Array(bytes) });
    return next();
  });

/** What the sender of a body that could not be read is told; undefined: the fault is another. */
export const describeBodyError = (
  fault: unknown,
): { readonly status: 400 | 503; readonly title: string } | undefined => {
  if (!(fault instanceof BodyUnreadable)) return undefined;
  return fault.reason === "no-room"
    ? { status: 503, title: "Too many requests are under way: send it again." }
    : { status: 400, title: `The body could not be read: ${fault.message}.` };
};
