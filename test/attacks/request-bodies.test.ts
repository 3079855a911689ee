import { createHmac } from "node:crypto";
import { request } from "node:http";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { App } from "#inference/http/app.ts";
import { createBodyBudget, defaultBodyLimits } from "#inference/http/body-budget.ts";
import { defaultConnectionLimits } from "#inference/http/limit-connections.ts";
import type { SlackCallback } from "#lambdas/answer-approval/answer-approval.ts";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { callbackPath, createSlackCallbackRoute } from "#worlds/embedded/desk/slack-callback-route.ts";
import { honoListener } from "#worlds/embedded/gateway/hono-listener.ts";
import { startHttpServer } from "#worlds/embedded/gateway/http-server.ts";
import { openRawConnection, parseStatuses, type RawConnection } from "./raw-connection.ts";
import { type ServeProcess, startModelServeProcess, startServeProcess } from "./serve-process.ts";

/** Requests take little memory and do not block others: the tests check counts and bytes, never times. */
const MB = 1_024 * 1_024;
const post = (path: string, headers: string) =>
  `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${headers}\r\n`;
const oneRow = JSON.stringify({ rows: readChurnGolden().rows.slice(0, 1) });

const connections: RawConnection[] = [];
const open = async (port: number): Promise<RawConnection> => {
  const connection = await openRawConnection(port);
  connections.push(connection);
  return connection;
};
afterEach(() => {
  for (const connection of connections.splice(0)) connection.end();
});

/**
 * The response to `attack`. Stops its worker process, where /proc shows it, during twenty calls of `sendOther`.
 */
const attackStoppedWorker = async (
  server: ServeProcess,
  attack: () => Promise<Response>,
  sendOther: () => Promise<void>,
): Promise<Response> => {
  const workers = server.children();
  for (const pid of workers ?? []) process.kill(pid, "SIGSTOP");
  let ended = false;
  const response = attack().finally(() => {
    ended = true;
  });
  for (let request = 0; request < 20; request++) await sendOther();
  if (workers) expect([workers.length, ended]).toEqual([1, false]);
  for (const pid of workers ?? []) process.kill(pid, "SIGCONT");
  return response;
};

describe("slipway serve", () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let server: ServeProcess;
  beforeAll(async () => {
    folder = await createTemporaryFolder();
    server = await startServeProcess(folder.path);
  });
  afterAll(async () => {
    await server.stop();
    await folder.remove();
  });

  /** Predictions during an attack. */
  const predictDuring = async (attack: Promise<unknown>): Promise<{ statuses: Set<number> }> => {
    let running = true;
    void attack.finally(() => {
      running = false;
    });
    const statuses = new Set<number>();
    do {
      const response = await fetch(`${server.url}/v1/predict`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: oneRow,
      });
      await response.arrayBuffer();
      statuses.add(response.status);
    } while (running);
    return { statuses };
  };

  test("a body in chunks of one byte is refused after some hundred chunks, and takes no memory", async () => {
    const before = server.peakMb() ?? 0;
    const connection = await open(server.port);
    const chunks = Buffer.from("1\r\n \r\n".repeat(16_384));
    const attack = (async () => {
      await connection.write(post("/v1/predict", "transfer-encoding: chunked\r\n"));
      for (let sent = 0; sent < 100 && !connection.socket.destroyed; sent++) await connection.write(chunks);
      return connection.until(/\r\n\r\n/);
    })();
    const { statuses } = await predictDuring(attack);
    expect(parseStatuses(await attack)).toEqual([400]);
    expect(statuses).toEqual(new Set([200]));
    // An earlier version took 400 bytes of memory for each byte sent.
    expect((server.peakMb() ?? 0) - before).toBeLessThan(100);
  });

  test("endless bodies take no more memory than the budget; small requests get a response, large ones get Retry-After", async () => {
    const before = server.peakMb() ?? 0;
    const part = Buffer.alloc(5 * MB, " ");
    const senders = await Promise.all(Array.from({ length: 30 }, () => open(server.port)));
    const attack = Promise.all(
      senders.map(async (sender) => {
        await sender.write(post("/v1/predict", `content-length: ${6 * MB}\r\n`));
        await sender.write(part);
      }),
    );
    const { statuses } = await predictDuring(attack);
    expect(statuses).toEqual(new Set([200]));
    const refused = senders.map((sender) => sender.until(/\r\n\r\n/));
    const first = await Promise.race(refused);
    expect(parseStatuses(first)).toEqual([503]);
    expect(first).toMatch(/^retry-after: \d+\r$/im);
    // Without a budget: 30 × 6 MB and as much for their pieces, 360 MB. The budget is 64 MB; a busy machine used 120 to
    // 170 MB, because V8's helper threads free memory late when the main thread is busy.
    expect((server.peakMb() ?? 0) - before).toBeLessThan((3 * defaultBodyLimits.total) / MB);
  });

  test.each([
    ["a gzip of ten million empty objects", gzipSync(`{"rows":[${"{},".repeat(10_000_000)}{}]}`), 413],
    ["a gzip of a hundred thousand wrong rows", gzipSync(`{"rows":[${'{"a":1},'.repeat(100_000)}{}]}`), 422],
    ["a gzip of a million brackets", gzipSync("[".repeat(1_000_000)), 413],
  ])("%s blocks no other request: another process reads it", async (_, body, status) => {
    const send = () =>
      fetch(`${server.url}/v1/predict`, {
        method: "POST",
        headers: { "content-type": "application/json", "content-encoding": "gzip" },
        body,
      });
    expect((await send()).status).toBe(status);
    const attack = await attackStoppedWorker(server, send, async () => {
      expect((await predictDuring(Promise.resolve())).statuses).toEqual(new Set([200]));
    });
    expect(attack.status).toBe(status);
  });
});

test("a hundred texts in a short body block no other request: the model runs in another process", async () => {
  const folder = await createTemporaryFolder();
  const server = await startModelServeProcess("review-sentiment", folder.path);
  try {
    const send = (texts: number) =>
      fetch(`${server.url}/v1/predict`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ rows: Array(texts).fill({ text: "not bad, not good, ".repeat(7) }) }),
      });
    expect((await send(1)).status).toBe(200);
    const attack = await attackStoppedWorker(
      server,
      () => send(100),
      async () => expect((await fetch(`${server.url}/health`)).status).toBe(200),
    );
    expect(attack.status).toBe(200);
  } finally {
    await server.stop();
    await folder.remove();
  }
});

const createApp = (handle: App["handle"]): App => ({ handle });
const echoApp = createApp(async (incoming) => {
  const body = await incoming.body(MB).catch(() => "unreadable");
  return { status: 200, headers: {}, body: String(body?.length) };
});

describe("a server's connections", () => {
  type Limits = NonNullable<Parameters<typeof startHttpServer>[2]>;
  let server: Awaited<ReturnType<typeof startHttpServer>>;
  const startServer = async (limits: Limits, app: App = echoApp): Promise<number> => {
    server = await startHttpServer(0, undefined, limits);
    server.serve(app);
    return Number(new URL(server.url).port);
  };
  afterEach(() => server.close());

  test("that are idle are closed for a new one, the longest idle first", async () => {
    const port = await startServer({ connections: { ...defaultConnectionLimits, connections: 3 } });
    const [first, second, third] = [await open(port), await open(port), await open(port)];
    await first.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await first.until(/200/);
    const fourth = await open(port);
    await second.closed();
    await fourth.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(parseStatuses(await fourth.until(/200/))).toEqual([200]);
    expect([first.socket.closed, third.socket.closed]).toEqual([false, false]);
  });

  test.each([
    ["connections", 503],
    ["perPeer", 429],
  ] as const)(
    "that are all busy (%s) refuse a new connection with %i and Retry-After",
    async (limit, status) => {
      const gate = Promise.withResolvers<void>();
      const port = await startServer(
        { connections: { ...defaultConnectionLimits, [limit]: 2 } },
        createApp(async () => {
          await gate.promise;
          return { status: 200, headers: {}, body: "" };
        }),
      );
      const working = [await open(port), await open(port)];
      for (const connection of working) await connection.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
      const third = await open(port);
      // If the server has not read the two requests when the third arrives, it closes one of their connections.
      const received = await Promise.race([third.closed(), ...working.map(({ closed }) => closed())]);
      if (received !== "") {
        expect(parseStatuses(received)).toEqual([status]);
        expect(received).toMatch(/retry-after: 1/);
      }
      gate.resolve();
    },
  );

  test("have a limit of requests in flight", async () => {
    const gate = Promise.withResolvers<void>();
    let requests = 0;
    const port = await startServer(
      { connections: { ...defaultConnectionLimits, pipelined: 4 } },
      createApp(async () => {
        requests++;
        await gate.promise;
        return { status: 200, headers: {}, body: "" };
      }),
    );
    const connection = await open(port);
    await connection.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100));
    const closed = connection.closed();
    // Responses have the order of their requests: the refusal waits for the four before it.
    while (requests < 4) await new Promise((resolve) => setImmediate(resolve));
    gate.resolve();
    const received = await closed;
    expect(parseStatuses(received)).toEqual([200, 200, 200, 200, 429]);
    expect(received).toMatch(/retry-after: 1/);
    expect(requests).toBe(4);
  });

  test.each([
    ["101 headers", `GET / HTTP/1.1\r\nhost: x\r\n${"a: b\r\n".repeat(100)}\r\n`, 431],
    ["headers without end", `GET / HTTP/1.1\r\nhost: x\r\n${"a: b\r\n".repeat(4_000)}`, 431],
    [
      "trailers without end",
      `${post("/", "transfer-encoding: chunked\r\n")}1\r\n \r\n0\r\n${"a: b\r\n".repeat(4_000)}`,
      431,
    ],
    [
      "a chunk's extensions without end",
      `${post("/", "transfer-encoding: chunked\r\n")}1;${"a=b;".repeat(12_000)}`,
      413,
    ],
  ])("with %s are refused", async (_, bytes, status) => {
    const connection = await open(await startServer({}));
    await connection.write(bytes);
    expect(parseStatuses(await connection.closed())).toEqual([status]);
  });

  test.each([
    ["headers", "GET / HTTP/1.1\r\nhost: x\r\n"],
    ["a body", post("/", "content-length: 10\r\n")],
  ])("that do not send the rest of %s get 408 and are closed", async (_, bytes) => {
    const port = await startServer({
      connections: { ...defaultConnectionLimits, headersMs: 50, requestMs: 100 },
    });
    const connection = await open(port);
    await connection.write(bytes);
    expect(parseStatuses(await connection.closed())).toContain(408);
  });

  test("that send byte by byte take the memory of what they sent, and free it", async () => {
    const budget = createBodyBudget({ total: MB, perConnection: MB, free: 1_024 });
    const port = await startServer(
      { budget },
      createApp(async (incoming) => {
        const body = await incoming.body(MB);
        return { status: 200, headers: {}, body: `${body?.length} of ${budget.taken()}` };
      }),
    );
    const received = await new Promise<string>((resolve, reject) => {
      const outgoing = request({ port, method: "POST", agent: false }, (response) =>
        response.setEncoding("utf8").on("data", resolve),
      ).on("error", reject);
      for (let at = 0; at < 5_000; at++) outgoing.write("a".repeat(40));
      outgoing.end();
    });
    // The buffer doubled to 256 KB; the first 1 KB is free.
    expect(received).toBe(`200000 of ${256 * 1_024 - 1_024}`);
    await server.close();
    expect(budget.taken()).toBe(0);
  });
});

describe("Slack's callback", () => {
  const now = Date.UTC(2026, 10, 28);
  const seconds = String(now / 1_000);
  const sign = (body: string) =>
    `v0=${createHmac("sha256", "secret").update(`v0:${seconds}:${body}`).digest("hex")}`;
  let server: Awaited<ReturnType<typeof startHttpServer>>;
  let callbacks: SlackCallback[] = [];
  const budget = createBodyBudget();
  beforeAll(async () => {
    server = await startHttpServer(0, undefined, { budget });
    const route = createSlackCallbackRoute(
      async (callback) => {
        callbacks.push(callback);
        return { status: 200, body: "" };
      },
      () => now,
    );
    server.serve(honoListener(route, () => undefined));
  });
  afterAll(() => server.close());
  afterEach(() => {
    callbacks = [];
  });
  const send = async (headers: string): Promise<string> => {
    const connection = await open(Number(new URL(server.url).port));
    await connection.write(post(callbackPath, `content-length: 1000000000\r\n${headers}`));
    await connection.write(Buffer.alloc(MB, "a"));
    return connection.until(/\r\n\r\n/);
  };

  test.each([
    ["without a signature", `x-slack-request-timestamp: ${seconds}\r\n`],
    ["with a malformed signature", `x-slack-request-timestamp: ${seconds}\r\nx-slack-signature: v0=1\r\n`],
    ["of another time", `x-slack-request-timestamp: 1000\r\nx-slack-signature: ${sign("")}\r\n`],
  ])("%s is refused before its body is read", async (_, headers) => {
    expect(parseStatuses(await send(headers))).toEqual([401]);
    expect([callbacks.length, budget.taken()]).toEqual([0, 0]);
  });

  test("with a gigabyte to come is refused by its Content-Length alone", async () => {
    const headers = `x-slack-request-timestamp: ${seconds}\r\nx-slack-signature: ${sign("")}\r\n`;
    expect(parseStatuses(await send(headers))).toEqual([413]);
    expect([callbacks.length, budget.taken()]).toEqual([0, 0]);
  });

  test("as Slack sends it reaches the step byte for byte", async () => {
    const body = "payload=%7B%7D";
    const response = await fetch(`${server.url}${callbackPath}`, {
      method: "POST",
      headers: { "x-slack-request-timestamp": seconds, "x-slack-signature": sign(body) },
      body,
    });
    expect(response.status).toBe(200);
    expect(Buffer.from(callbacks[0]?.rawBody ?? []).toString()).toBe(body);
  });
});
