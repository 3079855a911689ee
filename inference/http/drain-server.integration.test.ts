import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { prepareDrain } from "./drain-server.ts";

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

const start = async () => {
  const server = createServer();
  const drain = prepareDrain(server);
  const waiting: ServerResponse[] = [];
  server.on("request", (_, response) => waiting.push(response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return { server, drain, waiting, port };
};

test("a request that has begun gets its response, which closes the connection, and the server then ends", async () => {
  const { server, drain, waiting, port } = await start();
  const arrived = once(server, "request");
  const sent = request({ port, host: "127.0.0.1", headers: { connection: "keep-alive" } }).end();
  const responded = once(sent, "response");
  await arrived;
  const drained = drain(60_000);
  waiting[0]?.end("late");
  const [response] = (await responded) as [IncomingMessage];
  expect(response.headers.connection).toBe("close");
  expect(await text(response)).toBe("late");
  expect(await drained).toBe(0);
});

test("a new connection is refused while the server drains", async () => {
  const { server, drain, waiting, port } = await start();
  const arrived = once(server, "request");
  const sent = request({ port, host: "127.0.0.1" }).end();
  sent.on("error", () => undefined);
  await arrived;
  const drained = drain(60_000);
  const second = connect(port, "127.0.0.1");
  const [error] = await once(second, "error");
  expect(error).toMatchObject({ code: "ECONNREFUSED" });
  waiting[0]?.end();
  await drained;
});

test("connections without a request do not delay the end", async () => {
  const { server, drain, port } = await start();
  const silent = connect(port, "127.0.0.1");
  silent.on("error", () => undefined);
  await once(server, "connection");
  expect(await drain(60_000)).toBe(0);
});

test("a request that takes longer than the limit is cut off and counted", async () => {
  const { server, drain, port } = await start();
  const arrived = once(server, "request");
  const sent = request({ port, host: "127.0.0.1" }).end();
  const failed = once(sent, "error");
  await arrived;
  expect(await drain(1)).toBe(1);
  expect((await failed)[0]).toMatchObject({ code: "ECONNRESET" });
});
