import { expect, test } from "vitest";
import { jsonResponse, withHeaders } from "./http-response.ts";
import { cacheResponse, withEntityTag } from "./with-entity-tag.ts";

const reply = withHeaders(jsonResponse({ a: 1 }), { "cache-control": "no-cache" });
const asked = (ifNoneMatch?: string) => ({
  method: "GET",
  path: "/",
  query: "",
  header: (name: string) => (name === "if-none-match" ? ifNoneMatch : undefined),
  body: async () => new Uint8Array(),
});
const tagOf = async (of = reply) => String((await withEntityTag(asked(), of)).headers.etag);

test("an answer has a tag of its body: the same for the same, and another for another", async () => {
  const { headers, ...rest } = await withEntityTag(asked(), reply);
  expect(rest).toEqual({ status: 200, body: reply.body });
  expect(headers.etag).toMatch(/^"[\w-]{43}"$/);
  expect(await tagOf()).toBe(headers.etag);
  expect(await tagOf(jsonResponse({ a: 2 }))).not.toBe(headers.etag);
});

test("who holds it already gets 304 without a body, packed on the way or not", async () => {
  const etag = await tagOf();
  for (const held of [etag, `W/${etag}`, `"other", ${etag}`, "*", ` * `])
    expect(await withEntityTag(asked(held), reply)).toEqual({
      status: 304,
      headers: { "cache-control": "no-cache", etag },
      body: "",
    });
});

test("who holds another gets the answer", async () => {
  for (const held of ['"other"', "", "nonsense", `${(await tagOf()).slice(0, -2)}"`])
    expect((await withEntityTag(asked(held), reply)).status).toBe(200);
});

test("a kept answer is made once, however often it is asked for, and has its tag", async () => {
  let made = 0;
  const kept = cacheResponse(async () => {
    made++;
    return reply;
  });
  const [first, second] = await Promise.all([kept(asked()), kept(asked())]);
  expect(second).toEqual(first);
  expect((await kept(asked(String(first?.headers.etag)))).status).toBe(304);
  expect(made).toBe(1);
});
