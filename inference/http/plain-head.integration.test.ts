import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findBodyStart, readPlainHead } from "./plain-head.ts";

/** What node:http makes of a request. */
type Read = { readonly url: string; readonly headers: object; readonly body: string };

let server: Server;
let latest: Read | undefined;
beforeAll(async () => {
  server = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming).catch(() => Buffer.from("broken"));
    latest = { url: incoming.url ?? "", headers: incoming.headers, body: body.toString("latin1") };
    outgoing.setHeader("connection", "close").end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const readByNode = async (bytes: Buffer): Promise<Read | undefined> => {
  latest = undefined;
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.on("error", () => undefined).resume();
  socket.end(bytes);
  await once(socket, "close");
  return latest;
};

const readPlain = (bytes: Buffer): Read | undefined => {
  const head = readPlainHead(bytes);
  if (!head) return undefined;
  const { path, query, headers } = head;
  const start = findBodyStart(head);
  return {
    url: head.text.split(" ")[1]?.includes("?") ? `${path}?${query}` : path,
    headers: Object.fromEntries(headers),
    body: bytes.toString("latin1", start, start + head.bodyBytes),
  };
};

const toBytes = (lines: readonly string[], body: string): Buffer =>
  Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`, "latin1");

const name = fc.constantFrom(
  "accept",
  "X-Request-Id",
  "content-type",
  "Host",
  "cookie",
  "x_1",
  "te",
  "a b",
  "",
);
const separator = fc.constantFrom(": ", ":", ":\t", " : ", ":  \t", "");
const value = fc.oneof(
  fc.constantFrom("", "application/json", "a, b", "\xe9\xa0 \x85", " both ", "keep-alive"),
  fc.string({ unit: fc.constantFrom("a", " ", "\t", "\r", "\n", ":", "\0", "\x7f", "\xa0", "\xff") }),
);
const plainHeader = fc.constantFrom("accept: */*", "X-Request-Id:  7\t", "cookie: a=\xe9", "a: b:c");
const header = fc.tuple(name, separator, value).map((parts) => parts.join(""));
const target = fc.oneof(
  fc.constantFrom("/v1/predict", "/v1/predict?a=1", "/?", "/a%20b;c", "http://x/y", "*", "/a#b", "//x", "/ü"),
  fc.string({ unit: fc.constantFrom("/", "a", "?", "%", "{", "|", " ", "\x01", "\xe9"), minLength: 1 }),
);

test("what is read as a plain request is read alike by node:http, with any target, headers and body", async () => {
  let plain = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.oneof({ weight: 2, arbitrary: fc.constant("/v1/predict") }, { weight: 1, arbitrary: target }),
      fc.array(fc.oneof(plainHeader, header), { maxLength: 4 }),
      fc.constantFrom("", "{}", '{"rows":[]}', "POST / HTTP/1.1\r\n\r\n"),
      fc.nat({ max: 1 }),
      async (url, headers, body, missing) => {
        const length = Math.max(0, body.length - missing);
        const lines = [`POST ${url} HTTP/1.1`, "Host: localhost", `Content-Length: ${length}`, ...headers];
        const bytes = toBytes(lines, body.slice(0, length));
        const read = readPlain(bytes);
        if (!read) return;
        plain++;
        expect(await readByNode(bytes)).toEqual(read);
      },
    ),
    { numRuns: 600 },
  );
  expect(plain).toBeGreaterThan(100);
});

const lines = ["POST /v1/predict HTTP/1.1", "host: localhost", "content-length: 2"];

test("a plain request has its path, query, headers by lower-case name, and the length of its body", () => {
  const text = ["POST /v1/predict?a=1 HTTP/1.1", "Host: localhost:80", "Content-Length: 2", "X-Id:  7 "];
  expect(readPlainHead(toBytes(text, "{}"))).toMatchObject({
    path: "/v1/predict",
    query: "a=1",
    headers: new Map([
      ["host", "localhost:80"],
      ["content-length", "2"],
      ["x-id", "7"],
    ]),
    bodyBytes: 2,
  });
});

test("few heads are kept, and no long one", () => {
  const long = [...lines, `x-id: ${"7".repeat(600)}`];
  const [first, firstLong] = [readPlainHead(toBytes(lines, "{}")), readPlainHead(toBytes(long, "{}"))];
  expect(firstLong).toBeDefined();
  expect(readPlainHead(toBytes(long, "{}"))).not.toBe(firstLong);
  for (let id = 0; id < 100; id++) readPlainHead(toBytes([...lines, `x-id: ${id}`], "{}"));
  expect(readPlainHead(toBytes(lines, "{}"))).not.toBe(first);
});

test("the same head again is not parsed again", () => {
  const first = readPlainHead(toBytes(lines, "{}"));
  expect(first).toBeDefined();
  expect(readPlainHead(toBytes(lines, "[]"))).toBe(first);
  expect(readPlainHead(toBytes([...lines, "x-id: 1"], "{}"))).not.toBe(first);
});

test.each([
  ["another method", ["GET / HTTP/1.1", "host: a", "content-length: 2"]],
  ["another version", ["POST / HTTP/1.0", "host: a", "content-length: 2"]],
  ["no length", ["POST / HTTP/1.1", "host: a"]],
  ["two lengths", [...lines, "Content-Length: 2"]],
  ["a length with a sign", ["POST / HTTP/1.1", "host: a", "content-length: +2"]],
  ["a large body", ["POST / HTTP/1.1", "host: a", "content-length: 65537"]],
  ["chunks", [...lines, "transfer-encoding: chunked"]],
  ["a length and chunks in one line", [...lines, "x: 1\ntransfer-encoding: chunked"]],
  ["an expectation", [...lines, "expect: 100-continue"]],
  ["an upgrade", [...lines, "upgrade: websocket"]],
  ["a connection that is to be closed", [...lines, "connection: close"]],
  ["no host", ["POST / HTTP/1.1", "content-length: 2"]],
  ["an invalid host", ["POST / HTTP/1.1", "host: a/b", "content-length: 2"]],
  ["a folded line", [...lines, "x: 1", " more"]],
  ["a space before the colon", [...lines, "x : 1"]],
  ["a repeated header", [...lines, "x: 1", "X: 2"]],
  ["a control character", [...lines, "x: \0"]],
  ["too many headers", [...lines, ...Array.from({ length: 48 }, (_, index) => `x-${index}: 1`)]],
  ["a long head", [...lines, `x: ${"a".repeat(4_096)}`]],
])("a request with %s is not plain", (_, head) => {
  expect(readPlainHead(toBytes(head, "{}"))).toBeUndefined();
});

test("a head that is not complete is not plain", () => {
  const bytes = toBytes(lines, "{}");
  const end = bytes.indexOf("\r\n\r\n");
  for (let length = 0; length < end + 4; length++)
    expect(readPlainHead(bytes.subarray(0, length))).toBeUndefined();
  expect(readPlainHead(bytes.subarray(0, end + 4))).toBeDefined();
});
