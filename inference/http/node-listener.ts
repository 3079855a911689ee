import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { App } from "./app.ts";
import { type BodyBudget, type BodyLease, createBodyBudget } from "./body-budget.ts";
import { collectBody } from "./collect-body.ts";
import { createProblem } from "./create-problem.ts";
import type { HttpRequest } from "./http-request.ts";
import { type HttpResponse, problemResponse } from "./http-response.ts";
import { withSecurityHeaders } from "./security-headers.ts";

/** RFC 9112, 3.2: a host that is none is refused. */
const hostPattern = /^(\[[0-9a-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(:\d{0,5})?$/i;

/** What stands behind the host: from a whole address too, as proxies ask (RFC 9112, 3.2.2). */
const parseTarget = (url: string): string | undefined => {
  if (url.startsWith("/")) return url;
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return undefined;
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
};

/** How long a body that nobody reads may go on after its answer: so long that its sender hears the answer. */
const unreadBodyMs = 1_000;

/** Node itself lets what nobody read go by; whoever sends on and on is cut off. */
const limitUnreadBody = (incoming: IncomingMessage): void => {
  setTimeout(() => {
    if (!incoming.complete) incoming.socket.destroySoon();
  }, unreadBodyMs).unref();
};

const send = (incoming: IncomingMessage, outgoing: ServerResponse, reply: HttpResponse): void => {
  if (outgoing.destroyed) return;
  const { status, headers, body } = withSecurityHeaders(reply);
  if (!incoming.complete) limitUnreadBody(incoming);
  outgoing.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  outgoing.end(incoming.method === "HEAD" || status === 304 ? undefined : body);
};

const toHttpRequest = (incoming: IncomingMessage, target: string, lease: BodyLease): HttpRequest => {
  const { headers, method = "GET" } = incoming;
  const question = target.indexOf("?");
  return {
    method,
    path: question < 0 ? target : target.slice(0, question),
    query: question < 0 ? "" : target.slice(question + 1),
    header: (name) => {
      const value = getOwnProperty(headers, name);
      return typeof value === "string" ? value : value?.join(", ");
    },
    body: (limit) => collectBody(incoming, limit, lease),
  };
};

/** The inference service on Node's own HTTP server. @param budget of the memory that all bodies may take */
export const createNodeListener =
  (app: App, budget: BodyBudget = createBodyBudget()): RequestListener =>
  (incoming, outgoing) => {
    const target = parseTarget(incoming.url ?? "");
    if (target === undefined || !hostPattern.test(incoming.headers.host ?? "")) {
      send(
        incoming,
        outgoing,
        problemResponse(createProblem("broken-request", "The address or its host is none.")),
      );
      return;
    }
    const lease = budget.lease(incoming.socket);
    // Whoever waits for its answer still has its body's memory: what was made of the body is no smaller.
    outgoing.once("close", lease.end);
    void app.answer(toHttpRequest(incoming, target, lease)).then((reply) => send(incoming, outgoing, reply));
  };
