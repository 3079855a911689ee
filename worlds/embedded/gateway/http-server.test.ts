import { Hono } from "hono";
import { expect, test } from "vitest";
import { callbackPath, createSlackCallbackRoute, startHttpServer } from "./http-server.ts";

test("a port in use is named, with what to do about it", async () => {
  const first = await startHttpServer(0, () => undefined);
  const port = Number(new URL(first.url).port);
  await expect(startHttpServer(port, () => undefined)).rejects.toMatchObject({
    name: "PortUnusable",
    message: `port ${port} is in use: stop what listens there, or choose another with --port`,
  });
  await first.close();
  await (await startHttpServer(port, () => undefined)).close();
});

test("it listens on this machine alone, and asks for patience before it is given its app", async () => {
  const server = await startHttpServer(0, () => undefined);
  expect(new URL(server.url).hostname).toBe("127.0.0.1");
  expect((await fetch(server.url)).status).toBe(503);
  server.serve(new Hono().get("/", (context) => context.text("here")));
  expect(await (await fetch(server.url)).text()).toBe("here");
  await server.close();
  await expect(fetch(server.url)).rejects.toThrow();
});

test("a fault is logged, and the caller learns nothing of it", async () => {
  const logged: unknown[] = [];
  const server = await startHttpServer(0, (_, fault) => void logged.push(fault));
  const fault = new Error("the secret is 42");
  server.serve(
    new Hono().get("/", () => {
      throw fault;
    }),
  );
  const response = await fetch(server.url);
  expect([response.status, await response.text()]).toEqual([
    500,
    JSON.stringify({ title: "Internal Server Error", status: 500 }),
  ]);
  expect(logged).toEqual([fault]);
  await server.close();
});

test("Slack's callback is handed on byte for byte, with its headers", async () => {
  const bytes = new Uint8Array([0x70, 0x3d, 0xff, 0x00, 0x2b]);
  const got: { rawBody?: Uint8Array; signature?: string | undefined } = {};
  const app = createSlackCallbackRoute(
    async ({ rawBody, headers }) => {
      Object.assign(got, { rawBody, signature: headers["x-slack-signature"] });
      return { status: 401, body: "no" };
    },
    () => 1_000_000,
  );
  const signature = `v0=${"0".repeat(64)}`;
  const headers = { "X-Slack-Signature": signature, "x-slack-request-timestamp": "1000" };
  const response = await app.request(callbackPath, { method: "POST", body: bytes, headers });
  expect([response.status, await response.text()]).toEqual([401, "no"]);
  expect(got).toEqual({ rawBody: bytes, signature });
});
