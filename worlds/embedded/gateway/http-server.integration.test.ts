import { Hono } from "hono";
import { expect, test } from "vitest";
import { startHttpServer } from "./http-server.ts";

test("the error for a port in use names the port and the remedy", async () => {
  const first = await startHttpServer(0, () => undefined);
  const port = Number(new URL(first.url).port);
  await expect(startHttpServer(port, () => undefined)).rejects.toMatchObject({
    name: "PortUnusable",
    message: `port ${port} is in use: stop the other program, or choose another port with --port`,
  });
  await first.close();
  await (await startHttpServer(port, () => undefined)).close();
});

test("the server listens on this machine only, and responds 503 until it has an app", async () => {
  const server = await startHttpServer(0, () => undefined);
  expect(new URL(server.url).hostname).toBe("127.0.0.1");
  expect((await fetch(server.url)).status).toBe(503);
  server.serve(new Hono().get("/", (context) => context.text("here")));
  expect(await (await fetch(server.url)).text()).toBe("here");
  await server.close();
  await expect(fetch(server.url)).rejects.toThrow();
});

test("an error is logged, and the response does not contain it", async () => {
  const logged: unknown[] = [];
  const server = await startHttpServer(0, (_, error) => void logged.push(error));
  const error = new Error("the secret is 42");
  server.serve(
    new Hono().get("/", () => {
      throw error;
    }),
  );
  const response = await fetch(server.url);
  expect([response.status, await response.text()]).toEqual([
    500,
    JSON.stringify({ title: "Internal Server Error", status: 500 }),
  ]);
  expect(logged).toEqual([error]);
  await server.close();
});
