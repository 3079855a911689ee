import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { ownValue } from "../../platform/own-value.ts";
import type { App } from "../app.ts";
import { type HttpReply, refuse } from "./http-reply.ts";
import type { HttpRequest } from "./http-request.ts";
import { problem } from "./problem.ts";

/** RFC 9112, 3.2: a host that is none is refused. */
const host = /^(\[[0-9a-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(:\d{0,5})?$/i;

class BodyBroken extends Error {
  override readonly name = "BodyBroken";
}

/** What stands behind the host: from a whole address too, as proxies ask (RFC 9112, 3.2.2). */
const targetOf = (url: string): string | undefined => {
  if (url.startsWith("/")) return url;
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return undefined;
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
};

const readBody = (incoming: IncomingMessage, limit: number): Promise<Uint8Array | undefined> =>
  new Promise((resolve, reject) => {
    const broken = () => {
      // The end of every connection comes by here.
      if (!incoming.readableEnded) reject(new BodyBroken("the connection ended before the body did"));
    };
    if (Number(incoming.headers["content-length"] ?? 0) > limit) return resolve(undefined);
    // Whoever went away before anybody read tells nobody a second time.
    if (incoming.destroyed) return broken();
    let chunks: Uint8Array[] = [];
    let length = 0;
    incoming.on("data", (chunk: Uint8Array) => {
      length += chunk.length;
      if (length <= limit) chunks.push(chunk);
      else {
        chunks = [];
        resolve(undefined);
      }
    });
    incoming.on("end", () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    incoming.on("error", broken);
    incoming.on("close", broken);
  });

/** How long a body that nobody reads may go on after its answer: so long that its sender hears the answer. */
const restMs = 1_000;

/** Node itself lets what nobody read go by; whoever sends on and on is cut off. */
const limitRest = (incoming: IncomingMessage): void => {
  setTimeout(() => {
    if (!incoming.complete) incoming.socket.destroySoon();
  }, restMs).unref();
};

const send = (incoming: IncomingMessage, outgoing: ServerResponse, reply: HttpReply): void => {
  if (outgoing.destroyed) return;
  const { status, headers, body } = reply;
  if (!incoming.complete) limitRest(incoming);
  outgoing.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  outgoing.end(incoming.method === "HEAD" || status === 304 ? undefined : body);
};

const requestOf = (incoming: IncomingMessage, target: string): HttpRequest => {
  const { headers, method = "GET" } = incoming;
  const question = target.indexOf("?");
  return {
    method,
    path: question < 0 ? target : target.slice(0, question),
    query: question < 0 ? "" : target.slice(question + 1),
    header: (name) => {
      const value = ownValue(headers, name);
      return typeof value === "string" ? value : value?.join(", ");
    },
    body: (limit) => readBody(incoming, limit),
  };
};

/** The inference service on Node's own HTTP server. */
export const nodeListener =
  (app: App): RequestListener =>
  (incoming, outgoing) => {
    const target = targetOf(incoming.url ?? "");
    if (target === undefined || !host.test(incoming.headers.host ?? "")) {
      send(incoming, outgoing, refuse(problem("broken-request", "The address or its host is none.")));
      return;
    }
    void app.answer(requestOf(incoming, target)).then((reply) => send(incoming, outgoing, reply));
  };
