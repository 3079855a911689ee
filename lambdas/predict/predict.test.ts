import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { HttpProblem } from "#inference/http/http-problem.ts";
import { type LoadedModel, loadModel } from "#inference/model/load-model.ts";
import { OutputNotFinite } from "#inference/model/output-not-finite.ts";
import { PredictResponse } from "#inference/native/predict-response.ts";
import type { PredictedRequest, Recorder } from "#inference/records/records.ts";
import type { RequestMetrics } from "#platform/metrics/metrics.ts";
import { healthCheckEvent } from "#platform/serving/lambda/await-active.ts";
import { readChurnFiles, readChurnGolden, readChurnManifest } from "#test/support/onnx/churn-folder.ts";
import { ApiGatewayResponse } from "./api-gateway-response.ts";
import { predict } from "./predict.ts";

const identity = {
  model: "churn",
  version: 3,
  digest: `sha256:${"a".repeat(64)}`,
  environment: "prod",
  functionVersion: "7",
} as const;
const [row] = readChurnGolden().rows;
const at = Date.UTC(2026, 10, 21);
let model: LoadedModel;
let reported: RequestMetrics[] = [];
let logged: string[] = [];
let ticks = 0;

beforeAll(async () => {
  model = await loadModel({
    manifest: readChurnManifest(),
    model: { bytes: readChurnFiles().get("model.onnx") ?? new Uint8Array() },
  });
});
afterAll(() => model.release());
beforeEach(() => {
  reported = [];
  logged = [];
  ticks = 0;
});

const functionWith = (loaded: LoadedModel) => {
  let ids = 0;
  return predict({
    model: loaded,
    identity,
    now: () => at,
    tick: () => ticks++,
    newId: () => `id-${++ids}`,
    report: (metrics) => reported.push(metrics),
    log: (line) => logged.push(line),
  });
};
const event = (method: string, path: string, body?: string, changes: Record<string, unknown> = {}) => ({
  version: "2.0",
  routeKey: "ANY /models/churn/{proxy+}",
  rawPath: path,
  rawQueryString: "",
  headers: { "content-type": "application/json", host: "api.example.com" },
  requestContext: { http: { method, path } },
  ...(body === undefined ? {} : { body }),
  isBase64Encoded: false,
  ...changes,
});
const http = async (...args: Parameters<typeof event>) =>
  ApiGatewayResponse.parse(await functionWith(model)(event(...args)));
const post = (body: string, changes?: Record<string, unknown>) =>
  http("POST", "/models/churn/v1/predict", body, changes);
const readProblem = (result: ApiGatewayResponse) => {
  expect(result.headers["content-type"]).toBe("application/problem+json");
  const problem = HttpProblem.parse(JSON.parse(result.body));
  expect(problem.status).toBe(result.statusCode);
  return problem;
};

describe("a direct invocation", () => {
  test("gets the prediction response", async () => {
    const response = PredictResponse.parse(await functionWith(model)({ rows: [row] }));
    expect(response).toMatchObject({
      id: "id-1",
      model: "churn",
      version: 3,
      createdAt: "2026-11-21T00:00:00.000Z",
    });
    expect(response.predictions).toMatchObject([{ label: "stay", band: "low" }]);
  });

  test.each([
    null,
    undefined,
    7,
    "text",
    [],
    {},
    { rows: 1 },
    { rows: [] },
    { rows: [row], more: 1 },
    { rows: [{}] },
  ])("that is not a request gets a problem and never throws: %j", async (input) => {
    const problem = HttpProblem.parse(await functionWith(model)(input));
    expect(problem.status).toBe(422);
    expect(problem.errors?.length).toBeGreaterThan(0);
  });

  test("with a bad value gets its position", async () => {
    const problem = HttpProblem.parse(await functionWith(model)({ rows: [row, { ...row, tenure: -1 }] }));
    expect(problem.errors).toEqual([{ pointer: "/rows/1/tenure", detail: "must be between 0 and 120" }]);
  });
});

describe("a replay", () => {
  const byNumber = {
    invokedFunctionArn: "arn:aws:lambda:eu-central-1:123456789012:function:slipway-prod-churn:7",
  };
  const byAlias = {
    invokedFunctionArn: "arn:aws:lambda:eu-central-1:123456789012:function:slipway-prod-churn:live",
  };
  const recorded: PredictedRequest[] = [];
  const recording = () => {
    recorded.length = 0;
    const recorder: Recorder = {
      readsText: true,
      record: async (request) => {
        recorded.push(request);
        return "written";
      },
    };
    const reader = { prediction: async () => undefined, list: async () => ({ items: [], total: 0 }) };
    return predict({
      model,
      identity,
      now: () => at,
      tick: () => ticks++,
      newId: () => "id",
      report: (metrics) => reported.push(metrics),
      log: (line) => logged.push(line),
      records: { recorder, reader },
    });
  };

  test("of a version by its number predicts like every request, and leaves neither records nor metrics", async () => {
    const replayed = PredictResponse.parse(await recording()({ rows: [row], replay: true }, byNumber));
    expect(recorded).toEqual([]);
    expect(reported).toEqual([]);
    const counted = PredictResponse.parse(await recording()({ rows: [row] }, byNumber));
    expect(replayed.predictions).toEqual(counted.predictions);
    expect(recorded).toHaveLength(1);
    expect(reported).toHaveLength(1);
  });

  test("with bad rows leaves nothing either", async () => {
    expect(HttpProblem.parse(await recording()({ rows: [{}], replay: true }, byNumber)).status).toBe(422);
    expect(reported).toEqual([]);
  });

  test.each([
    ["the alias", { rows: [row], replay: true }, byAlias],
    [
      "the function's name",
      { rows: [row], replay: true },
      { invokedFunctionArn: "arn:aws:lambda:x:1:function:a" },
    ],
    ["no context", { rows: [row], replay: true }, undefined],
    ["another value than true", { rows: [row], replay: 1 }, byNumber],
    ["a further field", { rows: [row], replay: true, more: 1 }, byNumber],
  ])("by %s is an unknown field, so that no application hides its traffic", async (_, event, context) => {
    expect(HttpProblem.parse(await recording()(event, context)).status).toBe(422);
    expect(reported).toHaveLength(1);
  });

  test("is unknown over HTTP", async () => {
    expect((await post(JSON.stringify({ rows: [row], replay: true }))).statusCode).toBe(422);
  });
});

describe("an HTTP API event", () => {
  test("that only wakes the function gets a response, without a run, metrics or a record", async () => {
    const untouched = {
      ...model,
      predict: async () => {
        throw new Error("the model ran");
      },
    };
    const result = ApiGatewayResponse.parse(await functionWith(untouched)(healthCheckEvent));
    expect(result.statusCode).toBe(200);
    expect(reported).toEqual([]);
  });

  test("gets the same response, with the model's route or without it", async () => {
    for (const path of ["/models/churn/v1/predict", "/v1/predict"]) {
      const result = await http("POST", path, JSON.stringify({ rows: [row] }));
      expect(result.statusCode).toBe(200);
      expect(PredictResponse.parse(JSON.parse(result.body)).predictions).toMatchObject([{ label: "stay" }]);
    }
  });

  test("may carry its body as gzip", async () => {
    const body = gzipSync(JSON.stringify({ rows: [row] })).toString("base64");
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    expect((await post(body, { headers, isBase64Encoded: true })).statusCode).toBe(200);
  });

  test("may carry its body in base64", async () => {
    const body = Buffer.from(JSON.stringify({ rows: [row] })).toString("base64");
    expect((await post(body, { isBase64Encoded: true })).statusCode).toBe(200);
  });

  test.each<[string, number, Promise<ApiGatewayResponse> | (() => Promise<ApiGatewayResponse>)]>([
    ["broken JSON", 400, () => post("{")],
    ["no body", 400, () => http("POST", "/v1/predict")],
    [
      "bytes that are not UTF-8",
      400,
      () => post(Buffer.from([0x22, 0xff, 0x22]).toString("base64"), { isBase64Encoded: true }),
    ],
    ["another model's route", 404, () => http("POST", "/models/other/v1/predict", "{}")],
    ["an unknown address", 404, () => http("GET", "/models/churn/nothing")],
    ["a wrong method", 405, () => http("GET", "/models/churn/v1/predict")],
    ["more than 6 MB", 413, () => post(" ".repeat(6 * 1_024 * 1_024 + 1))],
    ["another content type", 415, () => post("{}", { headers: { "content-type": "text/plain" } })],
    ["no content type", 415, () => post("{}", { headers: {} })],
    [
      "a body in another encoding than gzip",
      415,
      () => post("{}", { headers: { "content-type": "application/json", "content-encoding": "br" } }),
    ],
    [
      "a body that only claims to be gzip",
      400,
      () => post("{}", { headers: { "content-type": "application/json", "content-encoding": "gzip" } }),
    ],
    [
      "a gzip bomb",
      413,
      () =>
        post(gzipSync(Buffer.alloc(40 * 1_024 * 1_024, " ")).toString("base64"), {
          headers: { "content-type": "application/json", "content-encoding": "gzip" },
          isBase64Encoded: true,
        }),
    ],
    ["a duplicate key", 400, () => post('{"rows":[{"tenure":1,"tenure":2}]}')],
    ["rows that do not fit", 422, () => post('{"rows":[{"tenure":1e400}]}')],
    ["a hundred thousand brackets", 422, () => post("[".repeat(100_000) + "]".repeat(100_000))],
    ["rows in __proto__", 422, () => post('{"__proto__":{"rows":[]}}')],
  ])("with %s gets a problem with status %i", async (_, status, send) => {
    expect(readProblem(await (typeof send === "function" ? send() : send)).status).toBe(status);
  });

  test("gets a binary response in base64", async () => {
    const inputs = readChurnManifest().inputs.map((input) => ({
      name: input.name,
      datatype: input.type === "category" ? "BYTES" : "FP64",
      shape: [1],
      data: [row[input.name]],
    }));
    const ask = (parameters: object) =>
      http("POST", "/models/churn/v2/models/churn/infer", JSON.stringify({ id: "é", inputs, parameters }));
    const text = await ask({});
    expect(text.isBase64Encoded).toBe(false);
    expect(JSON.parse(text.body)).toMatchObject({
      id: "é",
      outputs: [{ name: "label", data: ["stay"] }, {}, {}],
    });
    const binary = await ask({ binary_data_output: true });
    expect(binary).toMatchObject({ isBase64Encoded: true, statusCode: 200 });
    const bytes = Buffer.from(binary.body, "base64");
    const length = Number(binary.headers["inference-header-content-length"]);
    const header = JSON.parse(bytes.toString("utf8", 0, length));
    expect(header).toMatchObject({ id: "é", outputs: [{ parameters: { binary_data_size: 8 } }, {}, {}] });
    expect(bytes.toString("utf8", length + 4, length + 8)).toBe("stay");
  });

  test.each(["TRACE", "CONNECT", "TRACK", "no method"])("with the method %s gets 405", async (method) => {
    expect(readProblem(await http(method, "/v1/predict", "{}")).status).toBe(405);
  });

  test("says which methods an address takes", async () => {
    expect((await http("DELETE", "/v1/model")).headers.allow).toBe("GET, HEAD");
  });

  test("gets health, readiness and the model's public part, which a client can cache by its ETag", async () => {
    expect((await http("GET", "/models/churn/health")).statusCode).toBe(200);
    expect((await http("GET", "/models/churn/ready")).statusCode).toBe(200);
    const first = await http("GET", "/models/churn/v1/model");
    expect(JSON.parse(first.body)).toMatchObject({
      name: "churn",
      version: 3,
      digest: identity.digest,
      engine: "compiled",
      environment: "prod",
    });
    expect(JSON.parse(first.body)).not.toHaveProperty("approval");
    const again = await http("GET", "/v1/model", undefined, {
      headers: { "if-none-match": first.headers.etag },
    });
    expect(again.statusCode).toBe(304);
  });

  test("keeps the caller's x-request-id if it is printable, and creates one otherwise", async () => {
    const get = (id: string) => http("GET", "/health", undefined, { headers: { "x-request-id": id } });
    expect((await get("Root=1-abc;x")).headers["x-request-id"]).toBe("Root=1-abc;x");
    expect((await get("x".repeat(129))).headers["x-request-id"]).toBe("id-1");
    expect((await get("a\r\nb: c")).headers["x-request-id"]).toBe("id-1");
  });
});

describe("an event that an authorizer admitted", () => {
  const send = (lambda: unknown) =>
    post(JSON.stringify({ rows: [row] }), {
      requestContext: { http: { method: "POST" }, authorizer: { lambda } },
    });

  test("gets its key's remaining quota", async () => {
    const result = await send({ keyId: "k1", headers: { ratelimit: '"key";r=3;t=60' } });
    expect([result.statusCode, result.headers.ratelimit]).toEqual([200, '"key";r=3;t=60']);
  });

  test("gets 429 before any work if its key is over the limit", async () => {
    const result = await send({ keyId: "k1", headers: { ratelimit: '"key";r=0;t=9' }, retryAfter: 9 });
    expect(readProblem(result).status).toBe(429);
    expect(result.headers).toMatchObject({ "retry-after": "9", ratelimit: '"key";r=0;t=9' });
    expect(reported).toEqual([]);
  });

  test("gets that 429 as an error of the Open Inference Protocol if it used that protocol", async () => {
    const result = await http("POST", "/models/churn/v2/models/churn/infer", "{}", {
      requestContext: {
        http: { method: "POST" },
        authorizer: { lambda: { keyId: "k1", headers: {}, retryAfter: 9 } },
      },
    });
    expect(result).toMatchObject({ statusCode: 429, headers: { "retry-after": "9" } });
    expect(JSON.parse(result.body)).toMatchObject({
      status: 429,
      error: expect.stringMatching(/Rate limit/),
    });
  });

  test.each([null, "text", { keyId: 1 }, { principal: "another authorizer's" }])(
    "is answered as without an authorizer if the context is %j",
    async (lambda) => {
      expect((await send(lambda)).statusCode).toBe(200);
    },
  );
});

describe("a response above Lambda's limit of 6 MB", () => {
  const labels = Array.from({ length: 300 }, (_, at) => `label "${at}"`);
  const scores = Object.fromEntries(labels.map((label, at) => [label, Math.sqrt(at)]));
  const wide = (rows: number) => ({
    ...model,
    columns: undefined,
    predict: async () => Array.from({ length: rows }, () => ({ label: labels[0] ?? "", scores })),
  });
  const body = JSON.stringify({ rows: [row] });
  const ask = async (rows: number, headers: Record<string, string> = {}, path = "/v1/predict") =>
    ApiGatewayResponse.parse(
      await functionWith(wide(rows))(
        event("POST", path, body, { headers: { "content-type": "application/json", ...headers } }),
      ),
    );

  test("becomes a 413 that says what to do, and not a failed invocation", async () => {
    expect(readProblem(await ask(1_000))).toMatchObject({
      status: 413,
      type: "urn:slipway:problem:answer-too-large",
      detail: expect.stringMatching(/fewer rows/),
    });
    expect(await functionWith(wide(1_000))({ rows: [row] })).toMatchObject({ status: 413 });
  });

  test("is measured as Lambda writes it: quotes in a body count twice", async () => {
    const rows = 600;
    const response = await functionWith(wide(rows))({ rows: [row] });
    expect(PredictResponse.parse(response).predictions).toHaveLength(rows);
    expect((await ask(rows)).statusCode).toBe(413);
  });

  test("is sent if the client accepts gzip", async () => {
    const response = await ask(1_000, { "accept-encoding": "gzip" });
    expect(response).toMatchObject({ statusCode: 200, isBase64Encoded: true });
    expect(gunzipSync(Buffer.from(response.body, "base64")).length).toBeGreaterThan(6 * 1_024 * 1_024);
  });
});

describe("records", () => {
  const kept: PredictedRequest[] = [];
  const reader = { prediction: async () => undefined, list: async () => ({ items: [], total: 0 }) };
  const recording = (record: Recorder["record"]) =>
    predict({
      model,
      identity,
      now: () => at,
      tick: () => ticks++,
      newId: () => "id-1",
      report: (metrics) => reported.push(metrics),
      log: (line) => logged.push(line),
      records: { recorder: { record, readsText: true }, reader },
    });
  const request = event("POST", "/v1/predict", JSON.stringify({ rows: [row, row] }));

  test("hold every answered row with its prediction, under the response's id", async () => {
    const handler = recording(async (recorded) => {
      const { rows, predictions } = recorded;
      kept.push({ ...recorded, rows, predictions });
      return "written";
    });
    const response = PredictResponse.parse(JSON.parse(ApiGatewayResponse.parse(await handler(request)).body));
    expect(kept).toEqual([
      {
        id: response.id,
        at,
        model: "churn",
        modelVersion: 3,
        digest: identity.digest,
        environment: "prod",
        latencyMs: response.latencyMs,
        rows: [row, row],
        predictions: response.predictions,
        columns: expect.objectContaining({ count: 2 }),
      },
    ]);
  });

  test("that storage loses do not fail the response: a header, a field and a metric report it", async () => {
    const handler = recording(async () => "failed");
    const result = ApiGatewayResponse.parse(await handler(request));
    expect(result.statusCode).toBe(200);
    expect(result.headers["x-storage-warning"]).toBe("write_failed");
    expect(PredictResponse.parse(JSON.parse(result.body)).predictions).toHaveLength(2);
    expect(PredictResponse.parse(await handler({ rows: [row] })).storageWarning).toBe("write_failed");
    expect(reported).toMatchObject([
      { failed: false, recordFailed: true },
      { failed: false, recordFailed: true },
    ]);
  });

  test("are not written for refused rows", async () => {
    const never = recording(() => Promise.reject(new Error("nothing to record")));
    expect(HttpProblem.parse(await never({ rows: [{}] })).status).toBe(422);
  });
});

describe("the reported metrics", () => {
  test("have one entry for an answered request, with its labels and the positive label's scores, under the function's version", async () => {
    const { body } = await post(JSON.stringify({ rows: [row, row] }));
    const { predictions } = PredictResponse.parse(JSON.parse(body));
    const scores = predictions.map((prediction) => prediction.scores.churn ?? Number.NaN);
    expect(reported).toEqual([
      {
        engine: "compiled",
        environment: "prod",
        model: "churn",
        version: "7",
        at,
        latencyMs: expect.any(Number),
        failed: false,
        labels: new Map([["stay", 2]]),
        scores: scores.map((score) => expect.closeTo(score, 6)),
        recordFailed: false,
      },
    ]);
  });

  test("have one entry for a refused request, which is not a failure of the function", async () => {
    await post("{");
    await post(" ".repeat(6 * 1_024 * 1_024 + 1));
    await functionWith(model)({ rows: [] });
    expect(reported.map(({ failed, labels, scores }) => ({ failed, labels, scores }))).toEqual(
      Array(3).fill({ failed: false, labels: new Map(), scores: [] }),
    );
  });

  test("have a failure for a score that is not a number, and the log omits the caller's data", async () => {
    const broken = {
      ...model,
      columns: undefined,
      predict: () => Promise.reject(new OutputNotFinite("no finite number")),
    };
    const result = ApiGatewayResponse.parse(
      await functionWith(broken)(event("POST", "/v1/predict", JSON.stringify({ rows: [row] }))),
    );
    expect(readProblem(result)).toMatchObject({ status: 500, type: "urn:slipway:problem:output-not-finite" });
    expect(reported).toMatchObject([{ failed: true }]);
    expect(logged).toEqual(["prediction failed: OutputNotFinite: no finite number"]);
  });

  test("have no entry for other addresses", async () => {
    await http("GET", "/health");
    await http("GET", "/v1/predict");
    expect(reported).toEqual([]);
  });

  test("a model that cannot predict its own row is not ready", async () => {
    const broken = { ...model, columns: undefined, predict: () => Promise.reject(new Error("no")) };
    const result = ApiGatewayResponse.parse(await functionWith(broken)(event("GET", "/ready")));
    expect(readProblem(result).status).toBe(503);
  });
});
