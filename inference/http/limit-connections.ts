import type { IncomingMessage, RequestListener, Server, ServerOptions } from "node:http";
import type { Socket } from "node:net";
import { retryAfterSeconds } from "./body-unreadable.ts";

type ConnectionLimits = {
  readonly connections: number;
  /** Per client address: behind a load balancer all connections have the same one. */
  readonly perPeer: number;
  /** Open requests per connection (pipelining). */
  readonly pipelined: number;
  readonly headers: number;
  /** Bytes of a request's first line and headers; the same limit applies to its trailers. */
  readonly headerBytes: number;
  /** Deadlines for the headers and for the whole request. */
  readonly headersMs: number;
  readonly requestMs: number;
  /** How long an idle connection stays open: longer than at load balancers (60 s). */
  readonly keepAliveMs: number;
  /** How long a client may stop reading its response. */
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

/** The limits that Node's server enforces itself: 408 for a late request, 431 for large headers. */
export const toServerOptions = (limits: ConnectionLimits): ServerOptions => ({
  maxHeaderSize: limits.headerBytes,
  headersTimeout: limits.headersMs,
  requestTimeout: limits.requestMs,
  keepAliveTimeout: limits.keepAliveMs,
  connectionsCheckingInterval: Math.min(1_000, limits.headersMs, limits.requestMs),
});

type Connection = {
  readonly peer: string;
  openRequests: number;
  latest: Pick<IncomingMessage, "complete"> | undefined;
  /** The number of its last activity: the connection itself or its latest request. */
  activity: number;
};

const complete = { complete: true };

/** Whether the server waits for the client: no request, an incomplete request, or an unread response. */
const isWaiting = (socket: Socket, { openRequests, latest }: Connection): boolean =>
  openRequests === 0 || !latest?.complete || socket.writableLength > 0;

const formatRefusal = (status: string): string =>
  `HTTP/1.1 ${status}\r\nretry-after: ${retryAfterSeconds}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`;

/**
 * Limits a server's connections. If there are too many, a new connection replaces the one that has waited longest for its
 * client (no request, an incomplete one, or an unread response), so that idle connections keep no client out. If all
 * are busy, the new one gets 503, or 429 if its own address has too many.
 * @returns the listener for the server's requests; `begin` and `end` count those that the server does not see
 */
export const limitConnections = (
  server: Server,
  limits: ConnectionLimits,
  listener: RequestListener,
): {
  readonly listener: RequestListener;
  /** A request has arrived completely. */
  begin(socket: Socket): void;
  /** It has its response. */
  end(socket: Socket): void;
} => {
  // Numbers instead of an order in the map: V8 rebuilds a map that every request leaves and enters every few requests, and
  // each old copy keeps what it held, and the next copy, until the next large garbage collection.
  const connections = new Map<Socket, Connection>();
  let activities = 0;
  const peers = new Map<string, number>();
  // The reserve is for connections that are being refused.
  server.maxConnections = limits.connections + 64;
  // Node silently ignores headers beyond this, so they are counted below.
  server.maxHeadersCount = limits.headers + 1;
  server.timeout = limits.unreadMs;
  // A client that waits for its response stays connected, however long that takes.
  server.on("timeout", (socket) => {
    const connection = connections.get(socket);
    if (!connection || isWaiting(socket, connection)) socket.destroy();
  });

  const removeConnection = (socket: Socket): void => {
    const connection = connections.get(socket);
    if (!connection) return;
    connections.delete(socket);
    const remaining = (peers.get(connection.peer) ?? 1) - 1;
    if (remaining > 0) peers.set(connection.peer, remaining);
    else peers.delete(connection.peer);
  };
  /** Closes the connection that has waited longest, of one peer or of all; false: all are busy. */
  const makeRoom = (peer?: string): boolean => {
    let longest: { readonly socket: Socket; readonly activity: number } | undefined;
    for (const [socket, connection] of connections) {
      const { activity } = connection;
      if (longest !== undefined && longest.activity < activity) continue;
      if ((peer !== undefined && connection.peer !== peer) || !isWaiting(socket, connection)) continue;
      longest = { socket, activity };
    }
    if (longest === undefined) return false;
    removeConnection(longest.socket);
    longest.socket.destroy();
    return true;
  };

  server.on("connection", (socket) => {
    const peer = socket.remoteAddress ?? "";
    const count = peers.get(peer) ?? 0;
    const refusal =
      count >= limits.perPeer && !makeRoom(peer)
        ? "429 Too Many Requests"
        : connections.size >= limits.connections && !makeRoom()
          ? "503 Service Unavailable"
          : undefined;
    if (refusal !== undefined) {
      socket.on("error", () => undefined);
      socket.end(formatRefusal(refusal));
      socket.destroySoon();
      return;
    }
    connections.set(socket, { peer, openRequests: 0, latest: undefined, activity: activities++ });
    peers.set(peer, (peers.get(peer) ?? 0) + 1);
    socket.once("close", () => removeConnection(socket));
  });

  const count = (socket: Socket, latest: Connection["latest"]): Connection | undefined => {
    const connection = connections.get(socket);
    if (!connection) return undefined;
    connection.activity = activities++;
    connection.openRequests++;
    connection.latest = latest;
    return connection;
  };
  const limited: RequestListener = (incoming, outgoing) => {
    const connection = count(incoming.socket, incoming);
    if (connection)
      outgoing.once("close", () => {
        connection.openRequests--;
      });
    const refuse = (status: number, headers: Readonly<Record<string, string>> = {}) =>
      outgoing.writeHead(status, { ...headers, connection: "close", "content-length": 0 }).end();
    if (incoming.rawHeaders.length > 2 * limits.headers) return void refuse(431);
    if ((connection?.openRequests ?? 0) > limits.pipelined)
      return void refuse(429, { "retry-after": String(retryAfterSeconds) });
    listener(incoming, outgoing);
  };
  return {
    listener: limited,
    begin: (socket) => void count(socket, complete),
    end: (socket) => {
      const connection = connections.get(socket);
      if (connection) connection.openRequests--;
    },
  };
};
