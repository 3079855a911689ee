/**
 * Load in a separate process: `{ url, body, seconds, perSecond | connections }` as JSON on standard input. With
 * `perSecond` requests are sent on schedule, whether or not earlier ones have a response (an open loop); with `connections`
 * each connection sends its next request after the response. Prints a LoadReport.
 *
 * It writes and reads sockets itself: Node's HTTP client takes more processor time for a request than `slipway serve`, so it
 * would measure itself. It understands only what serve writes: a status line and a content-length.
 */
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";

type Load = {
  readonly url: string;
  readonly body: string;
  readonly seconds: number;
  readonly perSecond?: number;
  readonly connections?: number;
};
export type LoadReport = {
  /** Responses with 200, in total and per second. */
  readonly answered: number;
  readonly perSecond: number;
  /** Of those, from the send on. */
  readonly medianMs: number;
  readonly p99Ms: number;
  /** 429 with Retry-After. */
  readonly refused: number;
  /** All other responses and errors. */
  readonly failed: number;
  /** The most that a request of an open loop was sent behind its schedule, ms: large values are the generator's own. */
  readonly behindMs: number;
};

/** More than a server admits; a request beyond it waits for a connection. */
const mostConnections = 512;

const load: Load = JSON.parse(await text(process.stdin));
const { hostname, port, pathname, host } = new URL(load.url);
const request = Buffer.from(
  `POST ${pathname} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(load.body)}\r\n\r\n${load.body}`,
);
const times: number[] = [];
let refused = 0;
let failed = 0;
let behindMs = 0;

type Connection = { readonly send: () => void };
/** The length of the response at the start of these bytes, once its head is complete. */
const measureResponse = (bytes: Buffer): number | undefined => {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const length = /\r\ncontent-length: (\d+)/i.exec(bytes.toString("latin1", 0, end))?.[1];
  if (length === undefined) throw new Error("a response without content-length");
  return end + 4 + Number(length);
};

/** @param onResponse called after each response, when the connection takes its next request; never after an error */
const openConnection = (onResponse: (connection: Connection) => void): Promise<Connection> =>
  new Promise((resolve, reject) => {
    const socket: Socket = connect({ host: hostname, port: Number(port), noDelay: true });
    let sentAt = 0;
    let isOpen = false;
    let head = "";
    let pieces: Buffer[] = [];
    let received = 0;
    let expected: number | undefined;
    const connection: Connection = {
      send: () => {
        sentAt = performance.now();
        socket.write(request);
      },
    };
    socket.once("connect", () => {
      isOpen = true;
      resolve(connection);
    });
    socket.on("error", (error) => void (isOpen || reject(error)));
    // Serve closes none of these: whatever the reason, the figures would not be those of this load.
    socket.once("close", () => {
      if (isOpen) throw new Error("the server closed a connection");
    });
    socket.on("data", (chunk: Buffer) => {
      received += chunk.length;
      if (expected === undefined) {
        pieces.push(chunk);
        const bytes = pieces.length === 1 ? chunk : Buffer.concat(pieces);
        expected = measureResponse(bytes);
        if (expected === undefined) return;
        head = bytes.toString("latin1", 0, Math.min(bytes.length, 1_024));
      }
      if (received < expected) return;
      const tookMs = performance.now() - sentAt;
      if (head.startsWith("HTTP/1.1 200")) times.push(tookMs);
      else if (head.startsWith("HTTP/1.1 429") && /\r\nretry-after: [1-9]\d*\r\n/i.test(head)) refused += 1;
      else failed += 1;
      pieces = [];
      received = 0;
      expected = undefined;
      onResponse(connection);
    });
  });

const runClosedLoop = async (connections: number): Promise<void> => {
  const until = performance.now() + load.seconds * 1_000;
  const done = Array.from({ length: connections }, async () => {
    const ended = Promise.withResolvers<void>();
    const { send } = await openConnection((connection) =>
      performance.now() < until ? connection.send() : ended.resolve(),
    );
    send();
    await ended.promise;
  });
  await Promise.all(done);
};

const runOpenLoop = async (perSecond: number): Promise<void> => {
  const idle: Connection[] = [];
  let sent = 0;
  const ended = Promise.withResolvers<void>();
  const total = Math.floor(load.seconds * perSecond);
  const connections = Math.min(mostConnections, Math.max(16, Math.ceil(perSecond / 10)));
  // Each has one response before the clock starts: a server accepts them one after another, and the first requests would wait for that.
  for (let count = 0; count < connections; count += 1) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { send } = await openConnection((connection) => {
      idle.push(connection);
      resolve();
      if (sent === total && idle.length === connections) ended.resolve();
    });
    send();
    await promise;
  }
  times.length = 0;
  refused = 0;
  failed = 0;
  const began = performance.now();
  // A timer comes up to a millisecond late, and then sends several at once: the turns of the loop are the clock.
  const tick = () => {
    const now = performance.now();
    const due = Math.min(total, Math.floor(((now - began) * perSecond) / 1_000));
    while (sent < due) {
      const connection = idle.shift();
      if (!connection) break;
      behindMs = Math.max(behindMs, now - began - (sent * 1_000) / perSecond);
      sent += 1;
      connection.send();
    }
    if (sent < total) setImmediate(tick);
  };
  tick();
  await ended.promise;
};

const began = performance.now();
await (load.perSecond === undefined ? runClosedLoop(load.connections ?? 1) : runOpenLoop(load.perSecond));
const tookMs = performance.now() - began;
times.sort((a, b) => a - b);
const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
const report: LoadReport = {
  answered: times.length,
  perSecond: (times.length / tookMs) * 1_000,
  medianMs: at(0.5),
  p99Ms: at(0.99),
  refused,
  failed,
  behindMs,
};
console.log(JSON.stringify(report));
process.exit(0);
