import type { IncomingMessage, RequestListener, Server, ServerOptions } from "node:http";
import type { Socket } from "node:net";
import { retryAfterSeconds } from "./body-unreadable.ts";

type ConnectionLimits = {
  readonly connections: number;
  /** Of one address: behind a load balancer all connections are of one. */
  readonly perPeer: number;
  /** Requests of one connection without an answer (pipelining). */
  readonly pipelined: number;
  readonly headers: number;
  /** Bytes of a request's first line and headers, and again of its trailers. */
  readonly headerBytes: number;
  /** Within which the headers, and the whole request, have to be there. */
  readonly headersMs: number;
  readonly requestMs: number;
  /** How long a connection without a request stays open: longer than load balancers keep theirs (60 s). */
  readonly keepAliveMs: number;
  /** For how long a client may read nothing of its answer. */
  readonly unreadMs: number;
};

export const defaultConnectionLimits: ConnectionLimits = {
  connections: 1_024,
  perPeer: 768,
  pipelined: 64,
  headers: 100,
  headerBytes: 16 * 1_024,
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 65_000,
  unreadMs: 30_000,
};

/** The limits that Node's own server keeps: a request that is late is answered 408, headers that are too large 431. */
export const toServerOptions = (limits: ConnectionLimits): ServerOptions => ({
  maxHeaderSize: limits.headerBytes,
  headersTimeout: limits.headersMs,
  requestTimeout: limits.requestMs,
  keepAliveTimeout: limits.keepAliveMs,
  connectionsCheckingInterval: Math.min(1_000, limits.headersMs, limits.requestMs),
});

type Connection = { readonly peer: string; unanswered: number; latest: IncomingMessage | undefined };

/**
 * Whether nobody works for it: it has no request under way, or the one that it has is not there whole, or its client does
 * not read what was answered.
 */
const isWaiting = (socket: Socket, { unanswered, latest }: Connection): boolean =>
  unanswered === 0 || !latest?.complete || socket.writableLength > 0;

const formatRefusal = (status: string): string =>
  `HTTP/1.1 ${status}\r\nretry-after: ${retryAfterSeconds}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`;

/**
 * Keeps a server's connections within limits. Where there are too many, a new one takes the place of the one that has
 * waited longest for its own client (no request, one that does not arrive, or an answer that is not read), so that connections which do nothing
 * keep nobody out; where all are at work it is answered 503, or 429 where they are of the same address.
 * @returns the server's listener within these limits
 */
export const limitConnections = (
  server: Server,
  limits: ConnectionLimits,
  listener: RequestListener,
): RequestListener => {
  // The one that has been quiet for longest comes first.
  const connections = new Map<Socket, Connection>();
  const peers = new Map<string, number>();
  // What is above the limit for a moment is a connection that is told so.
  server.maxConnections = limits.connections + 64;
  // Node leaves headers beyond this unread, and does not say so: they are counted below.
  server.maxHeadersCount = limits.headers + 1;
  server.timeout = limits.unreadMs;
  // Whoever waits for an answer that is being made stays, however silent the connection is.
  server.on("timeout", (socket) => {
    const connection = connections.get(socket);
    if (!connection || isWaiting(socket, connection)) socket.destroy();
  });

  const forget = (socket: Socket): void => {
    const connection = connections.get(socket);
    if (!connection) return;
    connections.delete(socket);
    const left = (peers.get(connection.peer) ?? 1) - 1;
    if (left > 0) peers.set(connection.peer, left);
    else peers.delete(connection.peer);
  };
  /** Ends the connection that has waited longest, of one peer or of any; false: all are at work. */
  const makeRoom = (peer?: string): boolean => {
    for (const [socket, connection] of connections) {
      if ((peer !== undefined && connection.peer !== peer) || !isWaiting(socket, connection)) continue;
      forget(socket);
      socket.destroy();
      return true;
    }
    return false;
  };

  server.on("connection", (socket) => {
    const peer = socket.remoteAddress ?? "";
    const count = peers.get(peer) ?? 0;
    const busy =
      count >= limits.perPeer && !makeRoom(peer)
        ? "429 Too Many Requests"
        : connections.size >= limits.connections && !makeRoom()
          ? "503 Service Unavailable"
          : undefined;
    if (busy !== undefined) {
      socket.on("error", () => undefined);
      socket.end(formatRefusal(busy));
      socket.destroySoon();
      return;
    }
    connections.set(socket, { peer, unanswered: 0, latest: undefined });
    peers.set(peer, (peers.get(peer) ?? 0) + 1);
    socket.once("close", () => forget(socket));
  });

  return (incoming, outgoing) => {
    const { socket } = incoming;
    const connection = connections.get(socket);
    if (connection) {
      connections.delete(socket);
      connections.set(socket, connection);
      connection.unanswered++;
      connection.latest = incoming;
      outgoing.once("close", () => {
        connection.unanswered--;
      });
    }
    const refuse = (status: number, headers: Readonly<Record<string, string>> = {}) =>
      outgoing.writeHead(status, { ...headers, connection: "close", "content-length": 0 }).end();
    if (incoming.rawHeaders.length > 2 * limits.headers) return void refuse(431);
    if ((connection?.unanswered ?? 0) > limits.pipelined)
      return void refuse(429, { "retry-after": String(retryAfterSeconds) });
    listener(incoming, outgoing);
  };
};
