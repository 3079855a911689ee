import { beforeEach, describe, expect, test } from "vitest";
import type { Admission, Admit } from "#api-keys/admission.ts";
import { HttpProblem } from "#inference/http/http-problem.ts";
import { jsonResponse } from "#inference/http/http-response.ts";
import { createAppClient } from "#test/support/http/app-client.ts";
import { requireApiKey } from "./require-api-key.ts";

const rate = { perMinute: 60, burst: 60 };
const admitted: Admission = { status: "admitted", keyId: "k1", quota: { rate, remaining: 59 } };
let admitRequests: Parameters<Admit>[0][] = [];
let warnings: string[] = [];
let handlerCalls = 0;
beforeEach(() => {
  admitRequests = [];
  warnings = [];
  handlerCalls = 0;
});

const createTestApp = (admission: Admission | Error) => {
  const middleware = requireApiKey({
    model: "churn",
    admit: async (request) => {
      admitRequests.push(request);
      if (admission instanceof Error) throw admission;
      return admission;
    },
    warn: (sentence) => warnings.push(sentence),
  });
  return createAppClient({
    handle: (request) =>
      middleware(request, async () => {
        handlerCalls++;
        return jsonResponse({ prediction: 42 });
      }),
  });
};
const sendRequest = (
  admission: Admission | Error,
  headers: Record<string, string> = {},
  path = "/v1/predict",
) => createTestApp(admission).request(path, { method: "POST", headers, body: "{}" });

describe("a request", () => {
  test("with a valid key is answered, with the remaining quota in the headers", async () => {
    const response = await sendRequest(admitted, { "x-api-key": "slw_1" });
    expect(await response.json()).toEqual({ prediction: 42 });
    expect(response.headers.get("ratelimit")).toBe('"key";r=59;t=60');
    expect(response.headers.get("ratelimit-policy")).toBe('"key";q=60;w=60');
    expect(admitRequests).toEqual([{ key: "slw_1", model: "churn" }]);
  });

  test.each<[Record<string, string>, string | undefined]>([
    [{ "X-Api-Key": "a" }, "a"],
    [{ authorization: "Bearer b" }, "b"],
    [{ authorization: "bearer   b" }, "b"],
    [{ "x-api-key": "a", authorization: "Bearer b" }, "a"],
    [{ authorization: "Basic b" }, undefined],
    [{ authorization: "Bearer" }, undefined],
    [{}, undefined],
  ])("with the headers %j has the key %j", async (headers, key) => {
    await sendRequest(admitted, headers);
    expect(admitRequests).toEqual([{ key, model: "churn" }]);
  });

  test("that is refused in the Open Inference Protocol gets the protocol's error", async () => {
    const response = await sendRequest({ status: "refused", httpStatus: 401 }, {}, "/v2/models/churn/infer");
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect(await response.json()).toMatchObject({ status: 401, error: expect.stringMatching(/API key/) });
  });

  test.each([401, 403] as const)(
    "that is refused gets %i as a problem, and the handler never runs",
    async (status) => {
      const response = await sendRequest({ status: "refused", httpStatus: status });
      expect(response.status).toBe(status);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect(HttpProblem.parse(await response.json()).status).toBe(status);
      expect(response.headers.has("www-authenticate")).toBe(status === 401);
      expect(handlerCalls).toBe(0);
    },
  );

  test("over the limit gets 429 with the seconds to wait, and the handler never runs", async () => {
    const response = await sendRequest({
      status: "throttled",
      keyId: "k1",
      quota: { rate, remaining: 0 },
      retryAfter: 9,
    });
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("9");
    expect(response.headers.get("ratelimit")).toBe('"key";r=0;t=9');
    expect(handlerCalls).toBe(0);
  });

  test("whose key cannot be checked gets 503; the log has the reason, the caller does not", async () => {
    const response = await sendRequest(new Error("no such table: items"));
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await response.text()).not.toContain("items");
    expect(warnings).toHaveLength(1);
    expect(handlerCalls).toBe(0);
  });

  test.each(["/health", "/ready"])("for %s needs no key", async (path) => {
    expect((await sendRequest({ status: "refused", httpStatus: 401 }, {}, path)).status).toBe(200);
    expect(admitRequests).toEqual([]);
  });
});
