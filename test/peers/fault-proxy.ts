import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { createSeededRandom } from "#test/support/seeded-random.ts";

/** Faults that the proxy can inject into a call. */
type Fault =
  | "throttled"
  | "failed"
  /** The proxy cuts the connection before the service gets the call. */
  | "cut before"
  /** The service handles the call, and its response is lost. */
  | "cut after";

const kinds: readonly Fault[] = ["throttled", "failed", "cut before", "cut after"];

const readBody = async (message: IncomingMessage): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part);
  return Buffer.concat(parts);
};

/** The error responses of a failing service, in the caller's protocol. */
const sendError = (to: ServerResponse, from: IncomingMessage, fault: "throttled" | "failed"): void => {
  const isS3 = String(from.headers.authorization).includes("/s3/aws4_request");
  const code = fault === "throttled" ? (isS3 ? "SlowDown" : "ThrottlingException") : "InternalServerError";
  const status = fault === "failed" ? 500 : isS3 ? 503 : 400;
  if (isS3) {
    to.writeHead(status, { "content-type": "application/xml" });
    to.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>injected</Message></Error>`);
    return;
  }
  to.writeHead(status, { "content-type": "application/x-amz-json-1.0", "x-amzn-errortype": code });
  to.end(JSON.stringify({ __type: code, message: "injected" }));
};

export type FaultProxy = {
  readonly endpoint: string;
  /** How often each fault was injected. */
  readonly injected: ReadonlyMap<Fault, number>;
  /** Injects this fault into each later call, instead of a random one; `undefined`: random again. */
  force(fault: Fault | undefined): void;
  /** Injects this fault only into the next call. */
  next(fault: Fault): void;
  stop(): Promise<void>;
};

/**
 * A proxy to `target` that injects a fault into a `share` of the calls, drawn from `seed`. A call of an AWS client (its
 * `amz-sdk-invocation-id` stays over its retries) gets at most two, so that a client with three attempts succeeds; `force`
 * lifts that limit.
 */
export const startFaultProxy = async (options: {
  readonly target: string;
  readonly share: number;
  readonly seed: number;
}): Promise<FaultProxy> => {
  const { target, share } = options;
  const random = createSeededRandom(options.seed);
  const injected = new Map<Fault, number>();
  const counts = new Map<string, number>();
  let forced: Fault | undefined;
  let nextFault: Fault | undefined;

  const draw = (call: string): Fault | undefined => {
    if (nextFault !== undefined) {
      const fault = nextFault;
      nextFault = undefined;
      counts.set(call, 2);
      return fault;
    }
    if (forced !== undefined) return forced;
    const before = counts.get(call) ?? 0;
    if (before >= 2 || random() >= share) return undefined;
    counts.set(call, before + 1);
    return kinds[Math.floor(random() * kinds.length)];
  };

  const forward = async (from: IncomingMessage, body: Buffer): Promise<[IncomingMessage, Buffer]> => {
    const { method, url, headers } = from;
    const call = request(new URL(url ?? "/", target), {
      method,
      headers: { ...headers, connection: "close" },
    });
    call.end(body);
    const [response]: IncomingMessage[] = await once(call, "response");
    if (response === undefined) throw new Error("the service sent no response");
    return [response, await readBody(response)];
  };

  const server = createServer((from, to) => {
    const handle = async () => {
      const body = await readBody(from);
      const fault = draw(String(from.headers["amz-sdk-invocation-id"] ?? from.url));
      if (fault !== undefined) injected.set(fault, (injected.get(fault) ?? 0) + 1);
      switch (fault) {
        case "throttled":
        case "failed":
          sendError(to, from, fault);
          return;
        case "cut before":
          from.socket.destroy();
          return;
        case "cut after":
          await forward(from, body);
          from.socket.destroy();
          return;
        case undefined: {
          const [response, bytes] = await forward(from, body);
          to.writeHead(response.statusCode ?? 502, response.rawHeaders);
          to.end(bytes);
          return;
        }
        default:
          fault satisfies never;
      }
    };
    handle().catch(() => from.socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    injected,
    force: (fault) => {
      forced = fault;
    },
    next: (fault) => {
      nextFault = fault;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
};
