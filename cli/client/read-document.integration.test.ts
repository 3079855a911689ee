import { afterAll, beforeAll, expect, test } from "vitest";
import { startHttpServer } from "#worlds/embedded/gateway/http-server.ts";
import { readDocument } from "./read-document.ts";

let server: Awaited<ReturnType<typeof startHttpServer>>;
let response = { status: 200, headers: {}, body: "" };
beforeAll(async () => {
  server = await startHttpServer(0);
  server.serve({ handle: async () => response });
});
afterAll(() => server.close());

test("an unknown model is refused with the nearest name", async () => {
  await expect(readDocument("churm")).rejects.toThrow(/no model churm\. Did you mean churn\?/);
});

test.each([
  ["no JSON", 200, "<html>", /is no OpenAPI document of Slipway/],
  [
    "another document",
    200,
    '{"openapi":"3.1.0","info":{"title":"Shop","version":"1"},"paths":{},"components":{"schemas":{}}}',
    /is no OpenAPI document of Slipway/,
  ],
  ["a missing key", 401, "{}", /requires a key: set SLIPWAY_API_KEY/],
  ["an error", 500, "{}", /responded with 500/],
  ["an endless body", 200, " ".repeat(17_000_000), /is larger than 16777216 bytes/],
])("a service that responds with %s is refused", async (_, status, body, sentence) => {
  response = { status, headers: {}, body };
  await expect(readDocument(server.url)).rejects.toThrow(sentence);
});

test("an address where nothing responds is refused", async () => {
  const closed = await startHttpServer(0);
  await closed.close();
  await expect(readDocument(closed.url)).rejects.toThrow(/did not respond/);
});
