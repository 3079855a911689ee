import { beforeEach, describe, expect, test } from "vitest";
import type { Admission, Admit } from "#api-keys/admission.ts";
import { HttpProblem } from "#inference/http/http-problem.ts";
import { jsonResponse } from "#inference/http/http-response.ts";
import { createAppClient } from "#test/support/http/app-client.ts";
import { requireApiKey } from "./require-api-key.ts";

const rate = { perMinute: 60, burst: 60 };
const admitted: Admission = { status: "admitted", keyId: "k1", quota: { rate, remaining: 59 } };
let asked: Parameters<Admit>[0][] = [];
let warnings: string[] = [];
let worked = 0;
beforeEach(() => {
  asked = [];
  warnings = [];
  worked = 0;
});

const appWith = (admission: Admission | Error) => {
  const gate = requireApiKey({
    model: "churn",
    admit: async (request) => {
      asked.push(request);
      if (admission instanceof Error) throw admission;
      return admission;
    },
    warn: (sentence) => warnings.push(sentence),
  });
  return createAppClient({
    answer: (request) =>
      gate(request, async () => {
        worked++;
        return jsonResponse({ answer: 42 });
      }),
  });
};
const ask = (admission: Admission | Error, headers: Record<string, string> = {}, path = "/v1/predict") =>
  appWith(admission).request(path, { method: "POST", headers, body: "{}" });

describe("a request", () => {
  test("with a key is answered, and told what may follow", async () => {
    const response = await ask(admitted, { "x-api-key": "slw_1" });
    expect(await response.json()).toEqual({ answer: 42 });
    expect(response.headers.get("ratelimit")).toBe('"key";r=59;t=60');
    expect(response.headers.get("ratelimit-policy")).toBe('"key";q=60;w=60');
    expect(asked).toEqual([{ given: "slw_1", model: "churn" }]);
  });

  test.each<[Record<string, string>, string | undefined]>([
    [{ "X-Api-Key": "a" }, "a"],
    [{ authorization: "Bearer b" }, "b"],
    [{ authorization: "bearer   b" }, "b"],
    [{ "x-api-key": "a", authorization: "Bearer b" }, "a"],
    [{ authorization: "Basic b" }, undefined],
    [{ authorization: "Bearer" }, undefined],
    [{}, undefined],
  ])("with the headers %j brings the key %j", async (headers, given) => {
    await ask(admitted, headers);
    expect(asked).toEqual([{ given, model: "churn" }]);
  });

  test("that is refused in the Open Inference Protocol reads why in the protocol's error", async () => {
    const response = await ask({ status: "refused", answer: 401 }, {}, "/v2/models/churn/infer");
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect(await response.json()).toMatchObject({ status: 401, error: expect.stringMatching(/API key/) });
  });

  test.each([401, 403] as const)(
    "that is refused gets %i as a problem, and no work is done",
    async (status) => {
      const response = await ask({ status: "refused", answer: status });
      expect(response.status).toBe(status);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect(HttpProblem.parse(await response.json()).status).toBe(status);
      expect(response.headers.has("www-authenticate")).toBe(status === 401);
      expect(worked).toBe(0);
    },
  );

  test("over the limit gets 429 and when to come back, and no work is done", async () => {
    const response = await ask({
      status: "throttled",
      keyId: "k1",
      quota: { rate, remaining: 0 },
      retryAfter: 9,
    });
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("9");
    expect(response.headers.get("ratelimit")).toBe('"key";r=0;t=9');
    expect(worked).toBe(0);
  });

  test("whose key cannot be checked is not answered: 503, and a warning without a word of it to the caller", async () => {
    const response = await ask(new Error("no such table: items"));
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await response.text()).not.toContain("items");
    expect(warnings).toHaveLength(1);
    expect(worked).toBe(0);
  });

  test.each(["/health", "/ready"])("for %s needs no key", async (path) => {
    expect((await ask({ status: "refused", answer: 401 }, {}, path)).status).toBe(200);
    expect(asked).toEqual([]);
  });
});
