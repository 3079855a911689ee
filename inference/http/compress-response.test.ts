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

describe("an answer", () => {
  const long = jsonResponse({ text: "a".repeat(2_000) });
  const asked = (accepted: string | undefined, method = "GET") => ({
    method,
    path: "/",
    query: "",
    header: (name: string) => (name === "accept-encoding" ? accepted : undefined),
    body: async () => new Uint8Array(),
  });

  test("is packed for who accepts that, and says so to caches", async () => {
    const { headers, body } = await compressResponse(asked("gzip"), {
      ...long,
      headers: { ...long.headers, etag: '"1"' },
    });
    expect(headers).toMatchObject({ "content-encoding": "gzip", vary: "accept-encoding", etag: 'W/"1"' });
    expect(gunzipSync(Buffer.from(body)).toString()).toBe(long.body);
  });

  test("is not packed for anybody else, and says that it could have been", async () => {
    const reply = await compressResponse(asked(undefined), long);
    expect(reply).toEqual({ ...long, headers: { ...long.headers, vary: "accept-encoding" } });
  });

  test.each<[string, HttpResponse, string?]>([
    ["is short", jsonResponse({ a: 1 })],
    ["is packed already", { ...long, headers: { ...long.headers, "content-encoding": "br" } }],
    ["may not be changed", { ...long, headers: { ...long.headers, "cache-control": "no-transform" } }],
    ["is no text", { ...long, headers: { "content-type": "application/octet-stream" } }],
    ["has no type", { ...long, headers: {} }],
    ["goes out without its body", long, "HEAD"],
  ])("that %s stays as it is", async (_, reply, method) => {
    expect(await compressResponse(asked("gzip", method), reply)).toBe(reply);
  });
});
