import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "#inference/app.ts";
import type { Service } from "#inference/service.ts";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createChurnService } from "#test/support/onnx/churn-service.ts";
import { createTestService } from "#test/support/onnx/create-test-service.ts";
import { startHttpServer } from "./http-server.ts";

// Requests that fetch cannot send: broken HTTP, bodies that end early, many connections with compressed bodies at once.
const logged: string[] = [];
const failed: boolean[] = [];
let service: Service;
let server: Awaited<ReturnType<typeof startHttpServer>>;
let port: number;
/** Called after each prediction. */
let onPrediction: () => void = () => undefined;

beforeAll(async () => {
  const { model } = await createChurnService();
  const testService = createTestService(model, (line) => logged.push(line));
  const predict: Service["predict"] = async (read) => {
    const result = await testService.predict(read);
    failed.push(result.status === "refused" && result.problem.status >= 500);
    onPrediction();
    return result;
  };
  service = { ...testService, predict };
  server = await startHttpServer(0);
  server.serve(createApp(service));
  port = Number(new URL(server.url).port);
});
afterAll(async () => {
  await server.close();
  await service.model.release();
});

/** Everything that a connection returns until the server closes it or `ends` matches. */
const exchange = async (write: (socket: Socket) => void, ends?: RegExp): Promise<string> => {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  await new Promise<void>((resolve) => {
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
    socket.on("data", (bytes) => {
      received += bytes.toString("latin1");
      if (ends?.test(received)) resolve();
    });
    socket.once("connect", () => write(socket));
  });
  socket.destroy();
  return received;
};
const readStatuses = (received: string): number[] =>
  [...received.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status));

const post = (headers: string, body = ""): string =>
  `POST /v1/predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${headers}\r\n${body}`;
const body = JSON.stringify({ rows: readChurnGolden().rows.slice(0, 1) });
const validRequest = post(`connection: close\r\ncontent-length: ${body.length}\r\n`, body);
const expectToWork = async (): Promise<void> =>
  expect(readStatuses(await exchange((socket) => socket.write(validRequest)))).toEqual([200]);

/** Bytes for a connection, and the statuses that come back; none: the server closes it without a response. */
const brokenRequests: readonly (readonly [string, string | Buffer, readonly number[]])[] = [
  [
    "a length and chunks at once",
    post("content-length: 5\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"),
    [400],
  ],
  ["two lengths", post("content-length: 5\r\ncontent-length: 6\r\n", "000000"), [400]],
  ["a negative length", post("content-length: -5\r\n"), [400]],
  ["a length that is too small", post("content-length: 2\r\n", "{}}}}}\r\n\r\n"), [400]],
  ["a broken chunk", post("transfer-encoding: chunked\r\n", "zz\r\n"), [400]],
  ["bytes that are not HTTP", Buffer.from([0x16, 3, 1, 0, 255, 13, 10, 13, 10]), [400]],
  ["HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]],
  ["no host", "GET /health HTTP/1.1\r\n\r\n", [400]],
  ["an invalid host", "GET /health HTTP/1.1\r\nhost: a b/../<>\r\nconnection: close\r\n\r\n", [400]],
  [
    "another server's full address",
    "GET http://evil:99999/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    [400],
  ],
  ["a star as the address", "OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", [400]],
  ["TRACE", "TRACE /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", [405]],
  ["CONNECT", "CONNECT evil:1 HTTP/1.1\r\nhost: x\r\n\r\n", []],
  ["an unknown method", "EVIL /health HTTP/1.1\r\nhost: x\r\n\r\n", [400]],
  [
    "a line feed in a header",
    "GET /health HTTP/1.1\r\nhost: x\r\nx-request-id: a\nset-cookie: b\r\n\r\n",
    [400],
  ],
  ["NUL in a header", "GET /health HTTP/1.1\r\nhost: x\r\nx-request-id: a\0b\r\n\r\n", [400]],
  ["a header of 20 KB", `GET /health HTTP/1.1\r\nhost: x\r\nx: ${"a".repeat(20_000)}\r\n\r\n`, [431]],
  [
    "a query of 100 KB",
    `GET /v1/predictions?cursor=${"a".repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
    [431],
  ],
  [
    "latin-1 in a header",
    Buffer.from(
      "GET /health HTTP/1.1\r\nhost: x\r\nx-request-id: \xe9\r\nconnection: close\r\n\r\n",
      "latin1",
    ),
    [200],
  ],
  [
    "broken escapes in a path",
    "GET /v2/models/%zz%/ready HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    [404],
  ],
  ["7 MB that are only announced", post("connection: close\r\ncontent-length: 7340032\r\n"), [413]],
];

describe("a broken request", () => {
  test.each(brokenRequests)("%s is refused, and the next connection works", async (_, bytes, expected) => {
    expect(readStatuses(await exchange((socket) => socket.write(bytes)))).toEqual(expected);
    await expectToWork();
  });

  test("7 MB are refused, and the next connection works", async () => {
    const received = await exchange((socket) => {
      socket.write(post("content-length: 7340032\r\n"));
      socket.write(Buffer.alloc(7_340_032, " "));
      socket.write(validRequest);
    });
    // The server may respond to the next request on this connection, or close the connection first.
    expect(readStatuses(received)[0]).toBe(413);
    await expectToWork();
  });

  test("an endless chunked body is cut off", async () => {
    const chunk = `100000\r\n${" ".repeat(1_048_576)}\r\n`;
    const received = await exchange((socket) => {
      socket.write(post("transfer-encoding: chunked\r\n"));
      const more = () => {
        if (!socket.destroyed) socket.write(chunk, more);
      };
      more();
    });
    expect(readStatuses(received).slice(0, 1)).not.toEqual([200]);
    await expectToWork();
  });
});

test("a caller who disconnects while sending does not count as a failure of the service", async () => {
  for (const headers of ["content-length: 1000\r\n", "transfer-encoding: chunked\r\n"]) {
    const predicted = new Promise<void>((resolve) => {
      onPrediction = resolve;
    });
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    await new Promise((resolve) =>
      socket.write(post(headers, headers.startsWith("c") ? "{" : "5\r\n{"), resolve),
    );
    socket.end();
    socket.resume();
    await predicted;
    socket.destroy();
  }
  await expectToWork();
  expect(failed).not.toContain(true);
  expect(logged).toEqual([]);
});

test("simultaneous gzip bombs are unpacked one after the other, each to at most 6 MB", async () => {
  const bomb = gzipSync(Buffer.alloc(32 * 1_024 * 1_024, " "));
  const before = process.memoryUsage().rss;
  let most = 0;
  onPrediction = () => {
    most = Math.max(most, process.memoryUsage().rss);
  };
  const received = await Promise.all(
    Array.from({ length: 16 }, () =>
      exchange((socket) => {
        socket.write(
          post(`content-encoding: gzip\r\nconnection: close\r\ncontent-length: ${bomb.length}\r\n`),
        );
        socket.write(bomb);
      }),
    ),
  );
  expect(received.map((text) => readStatuses(text))).toEqual(Array(16).fill([413]));
  // In parallel they took 600 MB.
  expect((most - before) / 1_024 / 1_024).toBeLessThan(400);
  await expectToWork();
});
