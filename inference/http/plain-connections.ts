import type { Socket } from "node:net";
import type { App } from "./app.ts";
import { BodyUnreadable } from "./body-unreadable.ts";
import { freeMemory } from "./free-memory.ts";
import type { HttpRequest } from "./http-request.ts";
import type { HttpResponse } from "./http-response.ts";
import { findBodyStart, type PlainHead, readPlainHead } from "./plain-head.ts";
import { withSecurityHeaders } from "./security-headers.ts";
import { writePlainResponse } from "./write-plain-response.ts";

type Needs = {
  readonly app: App;
  readonly limits: {
    /** The deadline for a first request, and for the rest of one. */
    readonly headersMs: number;
    readonly keepAliveMs: number;
    /** How long a client may stop reading its response. */
    readonly unreadMs: number;
  };
  /** Gives a connection to node:http, for good; calls `begun` when a request of it has begun there. */
  readonly serveOther: (socket: Socket, begun: () => void) => void;
  /** Called when a request is complete, and when it has its response or its connection is closed. */
  readonly begin: (socket: Socket) => void;
  readonly end: (socket: Socket) => void;
};

/** A body that comes in more pieces is node:http's, which limits what a slow client costs. */
const maxPieces = 4;
const requestTimeout = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";

/** @param body undefined: the client ended before it */
const toHttpRequest = ({ path, query, headers }: PlainHead, body: Uint8Array | undefined): HttpRequest => ({
  method: "POST",
  path,
  query,
  header: (name) => headers.get(name),
  body: async (limit) => {
    if (!body) throw new BodyUnreadable("broken", "the connection ended before the body did");
    return body.length > limit ? undefined : body;
  },
});

/** A connection's state; all times in milliseconds. */
type Connection = {
  readonly socket: Socket;
  /** The latest head, whose request may still be on its way. */
  head: PlainHead | undefined;
  /** What has arrived and is not answered by a run of the app. */
  pieces: Buffer[];
  bytes: number;
  /** Requests so far. */
  requests: number;
  /** Whether a request has no response yet. */
  isBusy: boolean;
  isClosed: boolean;
  /** Whether the client sends no more. */
  hasEnded: boolean;
  timeoutMs: number;
};

/**
 * Serves connections while their requests are plain (plain-head.ts): each request is read from its bytes and answered by one write,
 * without the streams and objects of node:http, which cost more than a prediction. With the first request that is not
 * plain, and with the first byte that comes before a response, a connection goes to node:http, with what has arrived.
 */
export const createPlainConnections = ({ app, limits, serveOther, begin, end }: Needs) => {
  const keepAliveSeconds = Math.floor(limits.keepAliveMs / 1_000);
  /** One entry for each connection, with what closes it. */
  const connections = new Map<Connection, () => void>();
  let isDraining = false;
  let whenEmpty: (() => void) | undefined;

  /** Every byte starts the time anew; setting it costs more, so it is set only where it changes. */
  const setTimeoutMs = (connection: Connection, ms: number): void => {
    if (connection.timeoutMs === ms) return;
    connection.timeoutMs = ms;
    connection.socket.setTimeout(ms);
  };

  const accept = (socket: Socket): void => {
    const connection: Connection = {
      ...{ socket, head: undefined, pieces: [], bytes: 0, requests: 0, timeoutMs: 0 },
      ...{ isBusy: false, isClosed: false, hasEnded: false },
    };

    const forget = (): void => {
      connections.delete(connection);
      if (connections.size === 0) whenEmpty?.();
    };
    const stopListening = (): void => {
      socket
        .off("data", read)
        .off("end", finish)
        .off("timeout", expire)
        .off("close", close)
        .off("error", close);
    };
    const handOver = (): void => {
      stopListening();
      // It counts here until it counts there: a drain must not end in between.
      socket.once("close", forget);
      socket.setTimeout(0);
      socket.pause();
      if (connection.bytes > 0) socket.unshift(Buffer.concat(connection.pieces));
      serveOther(socket, forget);
      // By then node:http has its listeners.
      process.nextTick(() => socket.resume());
    };
    const close = (): void => {
      if (connection.isClosed) return;
      connection.isClosed = true;
      stopListening();
      forget();
      if (connection.isBusy) end(socket);
      // The reason of an error is told by its close event; a second error must not end the process.
      socket.on("error", () => undefined).destroy();
    };
    /** Closes when the client has read what was written, or does not read it in time. */
    const closeSoon = (): void => {
      connection.isClosed = true;
      stopListening();
      const destroy = () => void socket.destroy();
      connections.set(connection, destroy);
      socket.on("error", () => undefined).once("close", forget);
      socket.setTimeout(limits.unreadMs, destroy).destroySoon();
    };
    /** The client has read its response, or the system holds all of it. */
    const proceed = (): void => {
      if (connection.isClosed || connection.isBusy) return;
      if (isDraining) {
        closeSoon();
        return;
      }
      setTimeoutMs(connection, limits.keepAliveMs);
      if (connection.bytes > 0) handOver();
    };
    const respond = (response: HttpResponse): void => {
      if (connection.isClosed) return;
      connection.isBusy = false;
      end(socket);
      const isLast = isDraining || connection.hasEnded;
      writePlainResponse(socket, withSecurityHeaders(response), isLast ? undefined : keepAliveSeconds);
      if (isLast) closeSoon();
      else if (socket.writableLength === 0) proceed();
      else {
        setTimeoutMs(connection, limits.unreadMs);
        // Called behind the response; a drain event comes only behind a large one.
        socket.write("", proceed);
      }
    };
    const respondOrClose = (response: HttpResponse): void => {
      try {
        respond(response);
      } catch {
        close();
      }
    };
    const takeBody = (head: PlainHead): Uint8Array => {
      const [first = Buffer.alloc(0)] = connection.pieces;
      const bytes = connection.pieces.length === 1 ? first : Buffer.concat(connection.pieces);
      return bytes.subarray(findBodyStart(head));
    };
    const handle = (head: PlainHead, body: Uint8Array | undefined): void => {
      const { pieces } = connection;
      connection.pieces = [];
      connection.bytes = 0;
      connection.requests++;
      connection.isBusy = true;
      setTimeoutMs(connection, limits.keepAliveMs);
      begin(socket);
      const request = toHttpRequest(head, body);
      // Under an overload most requests are refused: nothing is created for them that only an answer needs.
      const refused = app.refuse?.(request);
      if (refused) {
        for (const piece of pieces) freeMemory(piece);
        respondOrClose(refused);
      } else app.handle(request).then(respondOrClose, close);
    };
    const read = (bytes: Buffer): void => {
      const isFirst = connection.bytes === 0;
      connection.pieces.push(bytes);
      connection.bytes += bytes.length;
      if (connection.isBusy || socket.writableLength > 0) {
        socket.pause();
        return;
      }
      if (isFirst) connection.head = readPlainHead(bytes);
      const { head } = connection;
      const missing = head ? findBodyStart(head) + head.bodyBytes - connection.bytes : -1;
      if (head && missing === 0) handle(head, takeBody(head));
      else if (missing < 0 || connection.pieces.length >= maxPieces) handOver();
      else setTimeoutMs(connection, limits.headersMs);
    };
    const finish = (): void => {
      connection.hasEnded = true;
      if (connection.isBusy) return;
      const { head, bytes } = connection;
      if (head && bytes > 0) handle(head, undefined);
      else closeSoon();
    };
    const expire = (): void => {
      if (connection.isBusy) return;
      if (socket.writableLength > 0) {
        close();
        return;
      }
      if (connection.requests === 0 || connection.bytes > 0) socket.write(requestTimeout);
      closeSoon();
    };

    connections.set(connection, close);
    socket.on("data", read).on("end", finish).on("timeout", expire).on("close", close).on("error", close);
    setTimeoutMs(connection, limits.headersMs);
  };

  return {
    accept,
    /** Connections whose latest request is not answered, and until the end of a drain's grace those that wait for one. */
    count: (): number => connections.size,
    /**
     * Closes each connection with its next response, and after the grace those that have none; then calls `done`, once or
     * more often.
     * @param graceMs for requests that were on their way: a connection that is closed under them looks like an error
     */
    drain(done: () => void, graceMs: number): void {
      isDraining = true;
      whenEmpty = done;
      setTimeout(() => {
        for (const [{ isBusy, bytes, socket }, close] of connections)
          if (!isBusy && bytes === 0 && socket.writableLength === 0) close();
      }, graceMs).unref();
    },
    closeAll(): void {
      for (const close of connections.values()) close();
    },
  };
};

export type PlainConnections = ReturnType<typeof createPlainConnections>;
