import { expect, test } from "vitest";
import { jsonResponse, withHeaders } from "./http-response.ts";
import { cacheResponse, withEntityTag } from "./with-entity-tag.ts";

const response = withHeaders(jsonResponse({ a: 1 }), { "cache-control": "no-cache" });
const createRequest = (ifNoneMatch?: string) => ({
  method: "GET",
  path: "/",
  query: "",
  header: (name: string) => (name === "if-none-match" ? ifNoneMatch : undefined),
  body: async () => new Uint8Array(),
});
const getTag = async (tagged = response) =>
  String((await withEntityTag(createRequest(), tagged)).headers.etag);

test("equal bodies have the same tag, different bodies have different ones", async () => {
  const { headers, ...rest } = await withEntityTag(createRequest(), response);
  expect(rest).toEqual({ status: 200, body: response.body });
  expect(headers.etag).toMatch(/^"[\w-]{43}"$/);
  expect(await getTag()).toBe(headers.etag);
  expect(await getTag(jsonResponse({ a: 2 }))).not.toBe(headers.etag);
});

test("a client with the current tag gets 304 without a body, even if a proxy compressed it", async () => {
  const etag = await getTag();
  for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, "*", ` * `])
    expect(await withEntityTag(createRequest(tag), response)).toEqual({
      status: 304,
      headers: { "cache-control": "no-cache", etag },
      body: "",
    });
});

test("a client with another tag gets the full response", async () => {
  for (const tag of ['"other"', "", "nonsense", `${(await getTag()).slice(0, -2)}"`])
    expect((await withEntityTag(createRequest(tag), response)).status).toBe(200);
});

test("a cached response is created once for all requests and has its tag", async () => {
  let created = 0;
  const cached = cacheResponse(async () => {
    created++;
    return response;
  });
  const [first, second] = await Promise.all([cached(createRequest()), cached(createRequest())]);
  expect(second).toEqual(first);
  expect((await cached(createRequest(String(first?.headers.etag)))).status).toBe(304);
  expect(created).toBe(1);
});
