import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { App } from "./app.ts";
import { type BodyBudget, type BodyLease, createBodyBudget } from "./body-budget.ts";
import { collectBody } from "./collect-body.ts";
import { createProblem } from "./create-problem.ts";
import { freeMemory } from "./free-memory.ts";
import type { HttpRequest } from "./http-request.ts";
import { type HttpResponse, problemResponse } from "./http-response.ts";
import { isValidHost } from "./is-valid-host.ts";
import { withSecurityHeaders } from "./security-headers.ts";

/** Returns path and query, also of an absolute URL, which proxies send (RFC 9112, 3.2.2). */
const parseTarget = (url: string): string | undefined => {
  if (url.startsWith("/")) return url;
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return undefined;
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
};

/** How long a client may go on sending a refused body: enough to receive the response. */
const unreadBodyMs = 1_000;

/** Closes the connection if the client keeps sending a body that is not read. */
const limitUnreadBody = (incoming: IncomingMessage): void => {
  setTimeout(() => {
    if (!incoming.complete) incoming.socket.destroySoon();
  }, unreadBodyMs).unref();
};

const send = (incoming: IncomingMessage, outgoing: ServerResponse, response: HttpResponse): void => {
  if (outgoing.destroyed) return;
  const { status, headers, body, isOwned } = withSecurityHeaders(response);
  if (!incoming.complete) limitUnreadBody(incoming);
  outgoing.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  // The system has all of the body by then; a connection that ends before leaves it to the garbage collector.
  if (isOwned && body instanceof Uint8Array) outgoing.once("finish", () => freeMemory(body));
  outgoing.end(incoming.method === "HEAD" || status === 304 ? undefined : body);
};

const toHttpRequest = (incoming: IncomingMessage, target: string, lease: BodyLease): HttpRequest => {
  const { headers, method = "GET" } = incoming;
  const queryStart = target.indexOf("?");
  return {
    method,
    path: queryStart < 0 ? target : target.slice(0, queryStart),
    query: queryStart < 0 ? "" : target.slice(queryStart + 1),
    header: (name) => {
      const value = getOwnProperty(headers, name);
      return typeof value === "string" ? value : value?.join(", ");
    },
    body: (limit) => collectBody(incoming, limit, lease),
  };
};

/** Node takes the first of several; a proxy in front may have taken the last (RFC 9112, 3.2: they are to be refused). */
const hasSeveralHosts = (rawHeaders: readonly string[]): boolean =>
  rawHeaders.filter((name, at) => at % 2 === 0 && name.length === 4 && name.toLowerCase() === "host").length >
  1;

/** Runs the app on Node's HTTP server. @param budget the memory budget for all request bodies */
export const createNodeListener =
  (app: App, budget: BodyBudget = createBodyBudget()): RequestListener =>
  (incoming, outgoing) => {
    const target = parseTarget(incoming.url ?? "");
    const isHostValid = isValidHost(incoming.headers.host ?? "") && !hasSeveralHosts(incoming.rawHeaders);
    if (target === undefined || !isHostValid) {
      send(
        incoming,
        outgoing,
        problemResponse(createProblem("broken-request", "The URL or the Host header is invalid.")),
      );
      return;
    }
    const lease = budget.lease(incoming.socket);
    // The lease lasts until the response is sent, because parsed rows need at least as much memory as the body.
    outgoing.once("close", lease.end);
    void app
      .handle(toHttpRequest(incoming, target, lease))
      .then((response) => send(incoming, outgoing, response));
  };
