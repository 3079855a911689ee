import { Hono } from "hono";
import { expect, test } from "vitest";
import { honoListener } from "./hono-listener.ts";
import { startHttpServer } from "./http-server.ts";

test("the error for a port in use names the port and the remedy", async () => {
  const first = await startHttpServer(0);
  const port = Number(new URL(first.url).port);
  await expect(startHttpServer(port)).rejects.toMatchObject({
    name: "PortUnusable",
    message: `port ${port} is in use: stop the other program, or choose another port with --port`,
  });
  await first.close();
  await (await startHttpServer(port)).close();
});

test("the server listens on this machine only, and responds 503 until it has an app", async () => {
  const server = await startHttpServer(0);
  expect(new URL(server.url).hostname).toBe("127.0.0.1");
  expect((await fetch(server.url)).status).toBe(503);
  server.serve(
    honoListener(
      new Hono().get("/", (context) => context.text("here")),
      () => undefined,
    ),
  );
  expect(await (await fetch(server.url)).text()).toBe("here");
  await server.close();
  await expect(fetch(server.url)).rejects.toThrow();
});

test("an error is logged, and the response does not contain it", async () => {
  const logged: unknown[] = [];
  const server = await startHttpServer(0);
  const error = new Error("the secret is 42");
  const app = new Hono().get("/", () => {
    throw error;
  });
  server.serve(honoListener(app, (_, thrown) => void logged.push(thrown)));
  const response = await fetch(server.url);
  expect([response.status, await response.text()]).toEqual([
    500,
    JSON.stringify({ title: "Internal Server Error", status: 500 }),
  ]);
  expect(logged).toEqual([error]);
  await server.close();
});
