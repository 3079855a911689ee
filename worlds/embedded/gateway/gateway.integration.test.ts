import { type AddressInfo, createServer } from "node:net";
import { serve } from "@hono/node-server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EmbeddedServing } from "#platform/serving/embedded.ts";
import { EventTooLarge, type HttpBody } from "#platform/serving/functions.ts";
import { FunctionBusy, FunctionFailed, NotServed } from "#platform/serving/serving.ts";
import type { Json } from "#platform/store/store.ts";
import { RehearsalUnreachable, remoteFunctions } from "#worlds/embedded/functions/remote-functions.ts";
import { createGateway, createInvokeRoute } from "./gateway.ts";

type Event = { [key: string]: Json };
type ServingCall = { environment: string; model: string; qualifier: unknown; payload: Json; body?: HttpBody };

const config = { digest: "sha256:1", memoryMb: 512, timeoutSeconds: 5, variables: {} };
const calls: ServingCall[] = [];
/** The function's result in the current test; it may throw. */
let respond: (event: Event) => Json = () => ({});

const serving = (environment: "stage" | "prod") =>
  ({
    invoke: async (model, qualifier, payload) => {
      if (model !== "churn") throw new NotServed(`${model} is not served`);
      calls.push({ environment, model, qualifier, payload });
      return { payload: respond(payload as Event), version: "3", durationMs: 1.5, initMs: 20 };
    },
    invokeBytes: async (model, payload, body) => {
      calls.push({ environment, model, qualifier: "live", payload, body });
      if (body.bytes[0] === 0x22) throw new EventTooLarge("it is too large");
      return { payload: { statusCode: 200 }, body: Buffer.from([1, 2, 255]), durationMs: 1 };
    },
    version: async (_model, version) => ({ version, config }),
  }) as Partial<EmbeddedServing> as EmbeddedServing;

const servings = { stage: serving("stage"), prod: serving("prod") };
const requestId = () => "request-1";
const app = createGateway({ servings, clock: () => 1_700_000_000_000, requestId }).route(
  "/",
  createInvokeRoute({ servings, token: "the-token", requestId }),
);
let url: string;
let server: ReturnType<typeof serve>;
beforeAll(async () => {
  const listening = Promise.withResolvers<AddressInfo>();
  server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, listening.resolve);
  url = `http://127.0.0.1:${(await listening.promise).port}`;
});
afterAll(() => new Promise((done) => server.close(done)));

const send = async (path: string, init?: RequestInit, result: typeof respond = () => ({})) => {
  respond = result;
  calls.length = 0;
  const response = await fetch(`${url}${path}`, init);
  return { response, event: calls[0]?.payload as Event, call: calls[0] };
};

describe("the route for applications", () => {
  test("passes a request to the live version as API Gateway does", async () => {
    const { event, call } = await send("/prod/models/churn/v1/predict?a=1&a=2&b=%20", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Thing": "Value", Cookie: "one=1; two=2" },
      body: '{"rows":[]}',
    });

    expect(call).toMatchObject({ environment: "prod", model: "churn", qualifier: "live" });
    expect(event).toMatchObject({
      version: "2.0",
      routeKey: "ANY /models/churn/{proxy+}",
      rawPath: "/models/churn/v1/predict",
      rawQueryString: "a=1&a=2&b=%20",
      queryStringParameters: { a: "1,2", b: " " },
      pathParameters: { proxy: "v1/predict" },
      cookies: ["one=1", "two=2"],
      headers: { "content-type": "application/json", "x-thing": "Value" },
      body: '{"rows":[]}',
      isBase64Encoded: false,
      requestContext: {
        requestId: "request-1",
        timeEpoch: 1_700_000_000_000,
        http: { method: "POST", path: "/models/churn/v1/predict" },
      },
    });
    expect(event.headers).not.toHaveProperty("cookie");
  });

  test("responds with Retry-After when too many requests wait", async () => {
    const busy = () => {
      throw new FunctionBusy("1000 requests wait");
    };
    const { response } = await send("/prod/models/churn/v1/predict", { method: "POST", body: "{}" }, busy);
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    const direct = await send(
      "/2015-03-31/functions/slipway-prod-churn/invocations",
      { method: "POST", body: "{}", headers: { authorization: "Bearer the-token" } },
      busy,
    );
    expect([direct.response.status, direct.response.headers.get("retry-after")]).toEqual([429, "1"]);
  });

  test("separates the environments", async () => {
    expect((await send("/stage/models/churn/health")).call?.environment).toBe("stage");
    expect((await send("/tooling/models/churn/health")).response.status).toBe(404);
  });

  test.each([
    ["bytes", { "content-type": "application/octet-stream" }, Buffer.from([0, 255, 1])],
    [
      "compressed text",
      { "content-type": "application/json", "content-encoding": "gzip" },
      Buffer.from([31, 139]),
    ],
    ["text that is not UTF-8", { "content-type": "application/json" }, Buffer.from([0x22, 0xff, 0x22])],
  ])("carries %s as base64", async (_name, headers, body) => {
    const { event } = await send("/prod/models/churn/v1/predict", { method: "POST", headers, body });
    expect(event.isBase64Encoded).toBe(true);
    expect(Buffer.from(String(event.body), "base64")).toEqual(body);
  });

  test("responds with the function's status, headers, cookies and body", async () => {
    const { response } = await send("/prod/models/churn/x", {}, () => ({
      statusCode: 422,
      headers: { "Content-Type": "application/problem+json", "X-Count": 3 },
      cookies: ["a=1", "b=2"],
      body: '{"title":"no"}',
    }));
    expect(response.status).toBe(422);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("x-count")).toBe("3");
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(await response.json()).toEqual({ title: "no" });
  });

  test("a body of more than 64 KB goes to the function unchanged, and the response's body comes back as bytes", async () => {
    const post = (body: string) =>
      send("/prod/models/churn/v1/predict?a=1", {
        method: "POST",
        headers: { "content-type": "text/csv" },
        body,
      });
    const { response, event, call } = await post("a".repeat(65_537));
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from([1, 2, 255]));
    expect(event).toMatchObject({ rawPath: "/models/churn/v1/predict", rawQueryString: "a=1" });
    expect(event).not.toHaveProperty("body");
    expect(call?.body).toMatchObject({
      isText: true,
      bytes: { length: 65_537 },
      eventLimit: 6 * 1024 * 1024,
    });
    const tooLarge = await post('"'.repeat(65_537));
    expect([tooLarge.response.status, await tooLarge.response.json()]).toMatchObject([
      413,
      { detail: "the request is too large (limit 6 MB, base64 included)" },
    ]);
    expect((await post("a".repeat(65_536))).call?.body).toBeUndefined();
  });

  test("decodes a base64 body, sends an empty 204, and sends a plain result as JSON", async () => {
    const bytes = Buffer.from([1, 2, 255]);
    const packed = { statusCode: 200, body: bytes.toString("base64"), isBase64Encoded: true };
    const binary = await send("/prod/models/churn/x", {}, () => packed);
    expect(Buffer.from(await binary.response.arrayBuffer())).toEqual(bytes);
    expect((await send("/prod/models/churn/x", {}, () => ({ statusCode: 204 }))).response.status).toBe(204);
    const plain = await send("/prod/models/churn/x", {}, () => ({ hello: 1 }));
    expect(await plain.response.json()).toEqual({ hello: 1 });
  });

  test.each<Event>([
    { statusCode: "200" },
    { statusCode: 99 },
    { statusCode: 200, headers: { "bad name": "x" } },
  ])("responds 502 to the invalid function result %j", async (result) => {
    const { response } = await send("/prod/models/churn/x", {}, () => result);
    expect([response.status, response.headers.get("content-type")]).toEqual([
      502,
      "application/problem+json",
    ]);
  });

  test("responds 404 for an unserved model, and 502 without details for a failed function", async () => {
    const unserved = await send("/prod/models/other/v1/predict");
    expect([unserved.response.status, await unserved.response.json()]).toMatchObject([
      404,
      { title: "Not Found" },
    ]);
    const failed = await send("/prod/models/churn/v1/predict", {}, () => {
      throw new FunctionFailed("secret detail");
    });
    expect(failed.response.status).toBe(502);
    expect(await failed.response.text()).not.toContain("secret");
  });

  test.each([
    ["over 10 MB", "text/plain", 10 * 1024 * 1024 + 1, 413],
    ["over 10 MB in chunks", "text/plain", -(10 * 1024 * 1024 + 1), 413],
    ["of 4 MB", "application/octet-stream", 4 * 1024 * 1024, 200],
  ])("a request %s gets the expected status", async (_name, type, size, status) => {
    const bytes = Buffer.alloc(Math.abs(size), 97);
    const body = size < 0 ? new Blob([bytes]).stream() : bytes;
    const init = { method: "POST", headers: { "content-type": type }, body, duplex: "half" } as RequestInit;
    const { response, call } = await send("/prod/models/churn/v1/predict", init);
    expect(response.status).toBe(status);
    expect(call === undefined).toBe(status === 413);
  });
});

describe("functions called from another process", () => {
  const call = (payload: Json = { a: 1 }) => ({
    environment: "stage" as const,
    model: "churn",
    version: { version: "3", config },
    payload,
  });

  test("are called by version, and return the result with its durations", async () => {
    respond = (event) => ({ got: event });
    calls.length = 0;
    const result = await remoteFunctions({ url, token: "the-token" }).invoke(call());
    expect(result).toEqual({ payload: { got: { a: 1 } }, durationMs: 1.5, initMs: 20 });
    expect(calls).toMatchObject([{ environment: "stage", model: "churn", qualifier: { version: "3" } }]);
  });

  test("fail with the same error names as in their own process", async () => {
    respond = () => {
      throw new FunctionFailed("the function ended with SIGKILL");
    };
    const remote = remoteFunctions({ url, token: "the-token" });
    await expect(remote.invoke(call())).rejects.toThrow(
      new FunctionFailed("the function ended with SIGKILL"),
    );
    await expect(remote.invoke({ ...call(), model: "other" })).rejects.toThrow(NotServed);
  });

  test.each(["", "wrong", "the-token-and-more"])("are not called with the token %j", async (token) => {
    calls.length = 0;
    await expect(remoteFunctions({ url, token }).invoke(call())).rejects.toThrow(RehearsalUnreachable);
    expect(calls).toEqual([]);
  });

  test("are not called without a token, nor with a payload that is not JSON", async () => {
    const path = `${url}/2015-03-31/functions/slipway-prod-churn/invocations`;
    expect((await fetch(path, { method: "POST", body: "{}" })).status).toBe(403);
    const headers = { authorization: "Bearer the-token" };
    expect((await fetch(path, { method: "POST", headers, body: "{" })).status).toBe(400);
  });

  test("fail with FunctionBusy when too many calls wait, so that the state machine retries", async () => {
    respond = () => {
      throw new FunctionBusy("1000 requests wait already");
    };
    await expect(remoteFunctions({ url, token: "the-token" }).invoke(call())).rejects.toThrow(FunctionBusy);
  });

  test("fail with a sentence when no rehearsal responds", async () => {
    const free = createServer().listen(0, "127.0.0.1");
    await new Promise((done) => free.once("listening", done));
    const { port } = free.address() as AddressInfo;
    await new Promise((done) => free.close(done));
    const remote = remoteFunctions({ url: `http://127.0.0.1:${port}`, token: "the-token" });
    await expect(remote.invoke(call())).rejects.toThrow(/no rehearsal responds/);
  });
});
