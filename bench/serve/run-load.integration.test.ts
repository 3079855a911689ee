import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { runLoad } from "./run-load.ts";

const startServer = async (respond: (body: string) => number | Promise<number>) => {
  const server = createServer(async (request, response) => {
    response.writeHead(await respond(await text(request))).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
};
const bodies = ["a", "b", "c", "d"];
const load = { bodies, connections: 4, requests: 40 };

test("connections send different bodies at the same time", async () => {
  const atOnce: string[][] = [];
  let waiting: { readonly body: string; readonly respond: (status: number) => void }[] = [];
  const url = await startServer(
    (body) =>
      new Promise((respond) => {
        waiting.push({ body, respond });
        if (waiting.length < load.connections) return;
        atOnce.push(waiting.map((request) => request.body).sort());
        for (const request of waiting) request.respond(200);
        waiting = [];
      }),
  );
  const { answered, failed } = await runLoad({ ...load, url }, process.pid, []);
  expect({ answered, failed }).toEqual({ answered: 40, failed: 0 });
  expect(atOnce).toEqual(Array.from({ length: 10 }, () => bodies));
});

test("a single failed response ends the run: no figure comes from errors", async () => {
  let count = 0;
  const url = await startServer(() => (++count === 7 ? 500 : 200));
  await expect(runLoad({ ...load, url }, process.pid, [])).rejects.toThrow("1 failed");
});
