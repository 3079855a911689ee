import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import type { HttpResponse } from "./http-response.ts";
import { createNodeListener } from "./node-listener.ts";

/** More than the system holds for a client that does not read. */
const size = 40_000_000;
const createBody = (): Uint8Array => new Uint8Array(size).fill(7);

/** Serves one response to every request; returns its port, and a promise for the end of the first response. */
const serve = async (response: HttpResponse) => {
  const listener = createNodeListener({ handle: async () => response });
  const ended = Promise.withResolvers<void>();
  const server = createServer((incoming, outgoing) => {
    outgoing.once("close", ended.resolve);
    listener(incoming, outgoing);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { port, ended: ended.promise };
};

test("a body that is the response's own is freed when it was written, whole, and any other body stays", async () => {
  for (const isOwned of [true, false]) {
    const body = createBody();
    const { port, ended } = await serve({ status: 200, headers: {}, body, ...(isOwned ? { isOwned } : {}) });
    const received = new Uint8Array(await (await fetch(`http://127.0.0.1:${port}/`)).arrayBuffer());
    expect(Buffer.compare(received, createBody())).toBe(0);
    await ended;
    expect(body.length).toBe(isOwned ? 0 : size);
  }
});

test("a body stays while a client that does not read it is connected, and after the client has gone", async () => {
  const body = createBody();
  const { port, ended } = await serve({ status: 200, headers: {}, body, isOwned: true });
  const client = connect(port, "127.0.0.1");
  client.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await once(client, "readable");
  expect(body.length).toBe(size);
  client.resetAndDestroy();
  await ended;
  expect(body.length).toBe(size);
});

test("a request with two Host headers is refused, whatever they name", async () => {
  const { port } = await serve({ status: 200, headers: {}, body: "" });
  for (const [hosts, status] of [
    ["host: localhost\r\n", "200"],
    ["host: localhost\r\nHOST: evil.example\r\n", "400"],
    ["Host: localhost\r\nHost: localhost\r\n", "400"],
  ] as const) {
    const client = connect(port, "127.0.0.1");
    client.end(`GET / HTTP/1.1\r\n${hosts}connection: close\r\n\r\n`);
    expect((await text(client)).split(" ")[1]).toBe(status);
  }
});
