import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { defaultConnectionLimits, limitConnections, toServerOptions } from "./limit-connections.ts";

/** More than the buffers of two sockets hold. */
const answer = Buffer.alloc(32 * 1_024 ** 2, "x");
const undo: (() => unknown)[] = [];
afterEach(() => {
  for (const one of undo.splice(0)) one();
});

const start = async (limits: Partial<typeof defaultConnectionLimits>) => {
  const all = { ...defaultConnectionLimits, ...limits };
  const server = createServer(toServerOptions(all));
  const answered: ServerResponse[] = [];
  const listener = limitConnections(server, all, (incoming, outgoing) => {
    answered.push(outgoing);
    outgoing.end(incoming.url === "/small" ? "here" : answer);
  });
  server.on("request", listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  undo.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  /** Asks for the large answer, and reads nothing of it. */
  const askWithoutReading = async (): Promise<Socket> => {
    const socket = connect(port, "127.0.0.1").pause();
    undo.push(() => socket.destroy());
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.write("GET /large HTTP/1.1\r\nhost: x\r\n\r\n");
    return socket;
  };
  return { server, answered, askWithoutReading, url: `http://127.0.0.1:${port}` };
};

test("whoever reads nothing of an answer keeps no other client of its address out", async () => {
  const { server, askWithoutReading, url } = await start({ perPeer: 3 });
  for (let count = 0; count < 3; count++) {
    const asked = once(server, "request");
    await askWithoutReading();
    await asked;
  }
  const { status } = await fetch(`${url}/small`);
  expect(status).toBe(200);
});

test("a connection whose answer is not read ends by itself", async () => {
  const { server, answered, askWithoutReading } = await start({ unreadMs: 200 });
  const asked = once(server, "request");
  await askWithoutReading();
  await asked;
  const [outgoing] = answered;
  if (!outgoing) throw new Error("nothing was answered");
  await once(outgoing, "close");
  expect(outgoing.writableFinished).toBe(false);
});
