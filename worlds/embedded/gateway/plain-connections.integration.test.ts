import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import type { App } from "#inference/http/app.ts";
import { defaultConnectionLimits } from "#inference/http/limit-connections.ts";
import { startHttpServer } from "./http-server.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

/** Refuses a request with the header x-refuse, and responds to others with the request's method, path and body, in the order in which `release` is called if `waits`. */
const start = async ({ waits = false, body = "", limits = {} } = {}) => {
  const server = await startHttpServer(0, "127.0.0.1", {
    connections: { ...defaultConnectionLimits, ...limits },
  });
  cleanups.push(server.close);
  const waiting: (() => void)[] = [];
  let arrived = Promise.withResolvers<void>();
  const app: App = {
    refuse: (request) =>
      request.header("x-refuse") === undefined
        ? undefined
        : { status: 429, headers: { "content-type": "text/plain" }, body: "no time" },
    async handle(request) {
      const bytes = await request.body(1_000_000).catch((error: unknown) => Buffer.from(String(error)));
      if (waits) {
        const released = new Promise<void>((resolve) => void waiting.push(resolve));
        arrived.resolve();
        arrived = Promise.withResolvers<void>();
        await released;
      }
      const echo = `${request.method} ${request.path} ${Buffer.from(bytes ?? []).toString()}`;
      return { status: 200, headers: { "content-type": "text/plain" }, body: body || echo };
    },
  };
  server.serve(app);
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  cleanups.push(() => socket.destroy());
  socket.on("error", () => undefined);
  await once(socket, "connect");
  let received = "";
  let changed = Promise.withResolvers<void>();
  socket.on("data", (bytes) => {
    received += bytes.toString();
    changed.resolve();
    changed = Promise.withResolvers<void>();
  });
  socket.on("close", () => changed.resolve());
  return {
    server,
    socket,
    /** What the server has sent, once it has this or has closed the connection. */
    until: async (part: string): Promise<string> => {
      while (!received.includes(part) && !socket.closed) await changed.promise;
      return received;
    },
    closed: async (): Promise<string> => {
      while (!socket.closed) await changed.promise;
      return received;
    },
    /** Resolves when a request waits for `release`. */
    nextRequest: async (): Promise<void> => {
      while (waiting.length === 0) await arrived.promise;
    },
    release: () => waiting.shift()?.(),
  };
};

const post = (body: string, more = "") =>
  `POST /v1/predict HTTP/1.1\r\nhost: localhost\r\n${more}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const get = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";

test("a plain request gets its response with the headers of node:http, and the connection stays open", async () => {
  const { socket, until } = await start();
  socket.write(post("one"));
  const first = await until("POST /v1/predict one");
  expect(first).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(first).toMatch(/\r\ncontent-length: 20\r\n/);
  expect(first).toMatch(/\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/);
  expect(first).toMatch(/\r\nConnection: keep-alive\r\nKeep-Alive: timeout=65\r\n\r\n/);
  expect(first).toMatch(/\r\nx-content-type-options: nosniff\r\n/);
  socket.write(post("two"));
  expect(await until("POST /v1/predict two")).toContain("two");
});

test("a request for which there is no time is refused at once, and the connection takes the next one", async () => {
  const { socket, until, release, nextRequest } = await start({ waits: true });
  socket.write(post("refused", "x-refuse: yes\r\n"));
  const refused = await until("no time");
  expect(refused).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\n/);
  expect(refused).toMatch(/\r\nConnection: keep-alive\r\n/);
  socket.write(post("taken"));
  await nextRequest();
  release();
  expect((await until("predict taken")).match(/HTTP\/1\.1 \d{3}/g)?.at(-1)).toBe("HTTP/1.1 200");
});

test("requests of all kinds follow each other on one connection", async () => {
  const { socket, until } = await start();
  socket.write(post("one"));
  await until("POST /v1/predict one");
  socket.write(get);
  await until("GET /health");
  socket.write(post("two", "expect: 100-continue\r\n"));
  await until("POST /v1/predict two");
  socket.write(
    "POST /a HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n5\r\nthree\r\n0\r\n\r\n",
  );
  expect(await until("POST /a three")).toContain("three");
});

test("a request in many pieces is answered as in one", async () => {
  for (const step of [1, 7, 40, 90]) {
    const { socket, until } = await start();
    const bytes = post("é".repeat(40));
    for (let at = 0; at < bytes.length; at += step) {
      socket.write(bytes.slice(at, at + step));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await until("é".repeat(40))).toContain("HTTP/1.1 200");
  }
});

test("requests that do not wait for a response get theirs in their order", async () => {
  const { socket, until, nextRequest, release } = await start({ waits: true });
  socket.write(post("one"));
  await nextRequest();
  socket.write(post("two") + get);
  release();
  await until("predict one");
  for (let count = 0; count < 2; count++) {
    await nextRequest();
    release();
  }
  const received = await until("GET /health");
  expect(received.indexOf("predict one")).toBeLessThan(received.indexOf("predict two"));
  expect(received.indexOf("predict two")).toBeLessThan(received.indexOf("GET /health"));
});

test("two requests in one piece both get their response", async () => {
  const { socket, until } = await start();
  socket.write(post("one") + post("two"));
  expect(await until("predict two")).toContain("predict one");
});

test("a client that sends no more gets its response, and then the end", async () => {
  const { socket, closed, nextRequest, release } = await start({ waits: true });
  socket.end(post("last"));
  await nextRequest();
  release();
  expect(await closed()).toContain("POST /v1/predict last");
});

test("a client that ends within a request gets what the app says to that, and then the end", async () => {
  const { socket, closed } = await start();
  socket.end(post("complete").slice(0, -3));
  expect(await closed()).toContain("BodyUnreadable: the connection ended before the body did");
});

test("a client that leaves does not end the server", async () => {
  const { server, socket, nextRequest, release } = await start({ waits: true });
  socket.write(post("one"));
  await nextRequest();
  socket.resetAndDestroy();
  await once(socket, "close");
  release();
  const second = fetch(`${server.url}/v1/predict`, { method: "POST", body: "two" });
  await nextRequest();
  release();
  expect((await second).status).toBe(200);
});

test("a server that drains answers what has begun, says that it closes, and closes what has not", async () => {
  const { server, socket, closed, nextRequest, release } = await start({ waits: true });
  const idle = connect(Number(new URL(server.url).port), "127.0.0.1");
  idle.on("error", () => undefined);
  await once(idle, "connect");
  socket.write(post("one"));
  await nextRequest();
  const drained = server.drain(60_000);
  expect(await text(idle)).toBe("");
  release();
  expect(await closed()).toContain("\r\nConnection: close\r\n\r\nPOST /v1/predict one");
  expect(await drained).toBe(0);
});

test("a request that comes in pieces is answered, wherever among them the server begins to drain", async () => {
  const bytes = post("in many pieces");
  const size = Math.ceil(bytes.length / 6);
  for (let before = 1; before < 6; before++) {
    const { server, socket, closed } = await start();
    let drained: Promise<number> | undefined;
    for (let piece = 0; piece < 6; piece++) {
      if (piece === before) drained = server.drain(60_000);
      socket.write(bytes.slice(piece * size, (piece + 1) * size));
      // The server, in this process, reads each piece alone.
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await closed()).toContain("POST /v1/predict in many pieces");
    expect(await drained).toBe(0);
  }
});

test("a request that comes on an idle connection just after the server began to drain is answered", async () => {
  const { server, socket, until, closed } = await start();
  socket.write(post("one"));
  await until("predict one");
  const drained = server.drain(60_000);
  socket.write(post("two"));
  expect(await closed()).toContain("\r\nConnection: close\r\n\r\nPOST /v1/predict two");
  expect(await drained).toBe(0);
});

test("a server that drains cuts off what takes too long, and counts it", async () => {
  const { server, socket, nextRequest } = await start({ waits: true });
  socket.write(post("one"));
  await nextRequest();
  expect(await server.drain(1)).toBe(1);
});

test("a connection without a request gets 408, and one that is idle is closed without a word", async () => {
  const silent = await start({ limits: { headersMs: 50 } });
  expect(await silent.closed()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  const idle = await start({ limits: { keepAliveMs: 50 } });
  idle.socket.write(post("one"));
  const received = await idle.closed();
  expect(received).toContain("predict one");
  expect(received).not.toContain("408");
});

test("the rest of a request that does not come gets 408", async () => {
  const { socket, closed } = await start({ limits: { headersMs: 50 } });
  socket.write(post("complete").slice(0, -3));
  expect(await closed()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
});

test("a client that does not read its response is disconnected after a time", async () => {
  const { server, socket, nextRequest, release, closed } = await start({
    waits: true,
    body: "x".repeat(32 * 1_024 ** 2),
    limits: { unreadMs: 100 },
  });
  socket.pause().write(post("one"));
  await nextRequest();
  release();
  // Waits for the response, which has begun.
  expect(await server.drain(60_000)).toBe(0);
  socket.resume();
  expect((await closed()).length).toBeLessThan(32 * 1_024 ** 2);
});

test("a response that a client reads slowly is complete, also while the server drains", async () => {
  const { server, socket, nextRequest, release, closed } = await start({
    waits: true,
    body: "x".repeat(32 * 1_024 ** 2),
  });
  socket.pause().write(post("one"));
  await nextRequest();
  release();
  const drained = server.drain(60_000);
  socket.resume();
  expect((await closed()).length).toBeGreaterThan(32 * 1_024 ** 2);
  expect(await drained).toBe(0);
});

test("requests go on when a client reads again that had left the system's memory full", async () => {
  const { socket, until, nextRequest, release } = await start({ waits: true, body: "x".repeat(60_000) });
  let arrived = 0;
  const takeNext = async (): Promise<void> => {
    await nextRequest();
    arrived++;
    release();
  };
  /** Until the server takes no more, because it waits for the client: nothing else tells that than silence. */
  const fill = async (): Promise<void> => {
    for (let isTaken = true; isTaken; ) {
      socket.write(post("more"));
      const silence = new Promise<boolean>((resolve) => void setTimeout(() => resolve(false), 1_000).unref());
      isTaken = await Promise.race([takeNext().then(() => true), silence]);
    }
  };
  socket.pause();
  await fill();
  expect(arrived).toBeGreaterThan(10);
  const answered = arrived;
  socket.resume();
  while (arrived === answered) await new Promise((resolve) => setImmediate(resolve));
  socket.write(post("last", "x-last: 1\r\n"));
  await nextRequest();
  release();
  expect(await until("\r\nKeep-Alive: timeout=65\r\n")).toContain("HTTP/1.1 200");
}, 20_000);

test("texts beyond ASCII arrive, and so do bytes", async () => {
  const { socket, until } = await start();
  socket.write(post("grün ✓"));
  expect(await until("grün ✓")).toContain("\r\ncontent-length: 26\r\n");
});
