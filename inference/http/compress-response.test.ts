import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { acceptsGzip, compressResponse } from "./compress-response.ts";
import { type HttpResponse, jsonResponse } from "./http-response.ts";

test.each([
  ["gzip", true],
  ["GZIP", true],
  ["br, gzip;q=0.5", true],
  ["*", true],
  ["*;q=0.1", true],
  ["", false],
  ["br", false],
  ["gzip;q=0", false],
  ["gzip; q=0.000", false],
  ["gzip;q=0, *", false],
  ["*;q=0", false],
  ["gzip;q=nonsense", false],
  ["x-gzip", false],
])("Accept-Encoding %j accepts gzip: %j", (header, expected) => {
  expect(acceptsGzip(header)).toBe(expected);
});

describe("a response", () => {
  const long = jsonResponse({ text: "a".repeat(2_000) });
  const createRequest = (accepted: string | undefined, method = "GET") => ({
    method,
    path: "/",
    query: "",
    header: (name: string) => (name === "accept-encoding" ? accepted : undefined),
    body: async () => new Uint8Array(),
  });

  test("is compressed for a client that accepts gzip, with a Vary header for caches", async () => {
    const { headers, body } = await compressResponse(createRequest("gzip"), {
      ...long,
      headers: { ...long.headers, etag: '"1"' },
    });
    expect(headers).toMatchObject({ "content-encoding": "gzip", vary: "accept-encoding", etag: 'W/"1"' });
    expect(gunzipSync(Buffer.from(body)).toString()).toBe(long.body);
  });

  test("is not compressed for other clients, but has the Vary header", async () => {
    const response = await compressResponse(createRequest(undefined), long);
    expect(response).toEqual({ ...long, headers: { ...long.headers, vary: "accept-encoding" } });
  });

  test.each<[string, HttpResponse, string?]>([
    ["is short", jsonResponse({ a: 1 })],
    ["is packed already", { ...long, headers: { ...long.headers, "content-encoding": "br" } }],
    ["may not be changed", { ...long, headers: { ...long.headers, "cache-control": "no-transform" } }],
    ["is no text", { ...long, headers: { "content-type": "application/octet-stream" } }],
    ["has no type", { ...long, headers: {} }],
    ["goes out without its body", long, "HEAD"],
  ])("that %s stays uncompressed", async (_, response, method) => {
    expect(await compressResponse(createRequest("gzip", method), response)).toBe(response);
  });
});
