import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createRegistryProxy } from "./registry-proxy.ts";

type Got = { readonly line: string; readonly headers: Record<string, unknown>; readonly body: string };
const got: Got[] = [];
const listening = (server: Server): Promise<number> =>
  new Promise((ready) => server.listen(0, "127.0.0.1", () => ready((server.address() as AddressInfo).port)));

let port = 0;
const servers: Server[] = [];
beforeAll(async () => {
  const mlflow = createServer(async (asked, answer) => {
    let body = "";
    for await (const chunk of asked) body += chunk;
    got.push({ line: `${asked.method} ${asked.url}`, headers: asked.headers, body });
    answer
      .writeHead(asked.url?.includes("missing") ? 404 : 200, { "content-type": "text/html" })
      .end("<p>runs</p>");
  });
  const uri = `http://127.0.0.1:${await listening(mlflow)}`;
  const signing: typeof fetch = (input, init) =>
    fetch(input, {
      ...init,
      headers: { ...Object.fromEntries(new Headers(init?.headers)), authorization: "signed" },
    });
  const proxy = createRegistryProxy({ uri, fetch: signing });
  port = await listening(proxy);
  servers.push(mlflow, proxy);
});
afterAll(() => Promise.all(servers.map((server) => new Promise((closed) => server.close(closed)))));
beforeEach(() => got.splice(0));

const ask = (
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<{ status: number | undefined; text: string }> =>
  new Promise((resolve, reject) => {
    const options = { port, path, headers, method: body === undefined ? "GET" : "POST", agent: false };
    const asked = request(options, (answer) => {
      let text = "";
      answer
        .on("data", (chunk) => (text += chunk))
        .on("end", () => resolve({ status: answer.statusCode, text }));
    });
    asked.on("error", reject).end(body);
  });

test("a request for a page is signed, and its response unchanged", async () => {
  expect(await ask("/?q=a%20b")).toEqual({ status: 200, text: "<p>runs</p>" });
  expect(got[0]).toMatchObject({ line: "GET /?q=a%20b", headers: { authorization: "signed" } });
  expect((await ask("/missing")).status).toBe(404);
});

test("a page's POST arrives without cookies and origin", async () => {
  const origin = `http://localhost:${port}`;
  const headers = {
    host: `localhost:${port}`,
    origin,
    cookie: "other=1",
    "content-type": "application/json",
  };
  expect((await ask("/ajax-api/2.0/mlflow/runs/search", headers, "{}")).status).toBe(200);
  expect(got[0]).toMatchObject({ body: "{}", headers: { "content-type": "application/json" } });
  expect(got[0]?.headers.cookie).toBeUndefined();
  expect(got[0]?.headers.origin).toBeUndefined();
});

test.each([
  ["another page", { origin: "https://evil.example" }],
  ["a foreign name that leads here", { host: "evil.example" }],
])("%s is refused, and nothing is signed for it", async (_, headers) => {
  expect((await ask("/api/2.0/mlflow/registered-models/delete", headers, "{}")).status).toBe(403);
  expect(got).toEqual([]);
});

test("a body over the API's limit is refused", async () => {
  expect((await ask("/", {}, "x".repeat(10_000_001))).status).toBe(413);
  expect(got).toEqual([]);
});

test("an MLflow that does not respond is a 502 with the reason", async () => {
  const gone = createRegistryProxy({ uri: "http://127.0.0.1:9", fetch });
  const at = await listening(gone);
  const answer = await fetch(`http://127.0.0.1:${at}/`);
  expect([answer.status, await answer.text()]).toEqual([502, expect.stringContaining("does not respond")]);
  await new Promise((closed) => gone.close(closed));
});
