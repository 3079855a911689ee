import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { defaultConnectionLimits, limitConnections, toServerOptions } from "./limit-connections.ts";

/** Larger than the buffers of two sockets. */
const largeBody = Buffer.alloc(32 * 1_024 ** 2, "x");
const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

const start = async (limits: Partial<typeof defaultConnectionLimits>) => {
  const allLimits = { ...defaultConnectionLimits, ...limits };
  const server = createServer(toServerOptions(allLimits));
  const responses: ServerResponse[] = [];
  const { listener } = limitConnections(server, allLimits, (incoming, outgoing) => {
    responses.push(outgoing);
    outgoing.end(incoming.url === "/small" ? "small" : largeBody);
  });
  server.on("request", listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  /** Requests the large body and never reads it. */
  const sendWithoutReading = async (): Promise<Socket> => {
    const socket = connect(port, "127.0.0.1").pause();
    cleanups.push(() => socket.destroy());
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.write("GET /large HTTP/1.1\r\nhost: x\r\n\r\n");
    return socket;
  };
  return { server, responses, sendWithoutReading, url: `http://127.0.0.1:${port}` };
};

test("a client that does not read its response keeps no other client of its address out", async () => {
  const { server, sendWithoutReading, url } = await start({ perPeer: 3 });
  for (let count = 0; count < 3; count++) {
    const requested = once(server, "request");
    await sendWithoutReading();
    await requested;
  }
  const { status } = await fetch(`${url}/small`);
  expect(status).toBe(200);
});

test("a connection with an unread response is closed after a time", async () => {
  const { server, responses, sendWithoutReading } = await start({ unreadMs: 200 });
  const requested = once(server, "request");
  await sendWithoutReading();
  await requested;
  const [outgoing] = responses;
  if (!outgoing) throw new Error("the server got no request");
  await once(outgoing, "close");
  expect(outgoing.writableFinished).toBe(false);
});
