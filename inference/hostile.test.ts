import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ApiGatewayResponse } from "#lambdas/predict/api-gateway-response.ts";
import { predict } from "#lambdas/predict/predict.ts";
import type { RequestMetrics } from "#platform/metrics/metrics.ts";
import { buildValidRequests, hostileRequest, type ServiceRequest } from "#test/support/hostile-requests.ts";
import { createAppClient } from "#test/support/http/app-client.ts";
import { readChurnFiles, readChurnGolden, readChurnManifest } from "#test/support/onnx/churn-folder.ts";
import { createRecordsFixture } from "#test/support/records-fixture.ts";
import { createApp } from "./app.ts";
import { type LoadedModel, loadModel } from "./model/load-model.ts";
import type { RunPredictionDependencies } from "./run-prediction.ts";
import { createService } from "./service.ts";

let model: LoadedModel;
let logged: string[] = [];
let reported: RequestMetrics[] = [];
const recordsFixture = createRecordsFixture();

beforeAll(async () => {
  model = await loadModel({
    manifest: readChurnManifest(),
    model: { bytes: readChurnFiles().get("model.onnx") ?? new Uint8Array() },
  });
});
afterAll(() => model.release());
beforeEach(() => {
  logged = [];
  reported = [];
});

const createDependencies = (): RunPredictionDependencies => {
  let ids = 0;
  return {
    model,
    identity: {
      model: "churn",
      version: 3,
      digest: `sha256:${"a".repeat(64)}`,
      environment: "prod",
      functionVersion: "7",
    },
    now: () => Date.UTC(2026, 10, 21),
    tick: () => 0,
    newId: () => `id-${++ids}`,
    report: (metrics) => reported.push(metrics),
    log: (line) => logged.push(line),
    records: { recorder: recordsFixture.recorder, reader: recordsFixture.reader },
  };
};
const valid = buildValidRequests(readChurnGolden().rows.slice(0, 2));

/** Follows a pointer as far as its values exist, and returns the number of remaining steps. */
const followPointer = (body: unknown, pointer: string): { readonly left: number } => {
  const steps = pointer.split("/").slice(1);
  let value = body;
  for (const [index, step] of steps.entries()) {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name))
      return { left: steps.length - index };
    value = Reflect.get(value, name);
  }
  return { left: 0 };
};

const tryParse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Whether all numbers are finite: JSON would write others as null, CSV as a word. */
const isFinished = (type: string, text: string): boolean =>
  type.startsWith("text/csv")
    ? !/NaN|Infinity/.test(text)
    : !/"(scores|value|predictions)":\s*null|:null/.test(text);

const checkResponse = (
  { path, headers, body }: ServiceRequest,
  status: number,
  type: string,
  text: string,
): void => {
  expect(status).toBeGreaterThanOrEqual(200);
  expect(status).toBeLessThan(500);
  expect(text.length).toBeLessThan(100_000);
  if (status === 200 && /predict$|infer$|invocations$/.test(path)) expect(isFinished(type, text)).toBe(true);
  if (status >= 400 && text !== "") {
    const problem = tryParse(text);
    expect(problem).toBeTypeOf("object");
    const errors: { pointer: string; detail: string }[] = Object(problem).errors ?? [];
    const isJson = headers["content-type"] === "application/json" && !("content-encoding" in headers);
    const requestBody = isJson ? tryParse(Buffer.from(body).toString("utf8")) : undefined;
    // At most the last step may not exist: the name of a missing value.
    if (requestBody !== undefined && !("inference-header-content-length" in headers))
      for (const { pointer } of errors)
        expect(followPointer(requestBody, pointer).left, pointer).toBeLessThan(2);
  }
};

const toRequestInit = ({ method, headers, body }: ServiceRequest): RequestInit => {
  const bodiless = method === "GET" || method === "HEAD";
  return { method, headers, ...(bodiless ? {} : { body: Buffer.from(body) }) };
};

test("every valid request gets a prediction in its protocol", async () => {
  const app = createAppClient(createApp(createService(createDependencies())));
  for (const request of valid) {
    const response = await app.request(request.path, toRequestInit(request));
    // The request for a record by its id may come before that record.
    expect([request.path, response.status]).toEqual([
      request.path,
      request.path.endsWith("id-1") ? expect.any(Number) : 200,
    ]);
  }
});

test("any request, in every protocol, gets a prediction or a 4xx, and the next request gets a prediction", async () => {
  const app = createAppClient(createApp(createService(createDependencies())));
  let count = 0;
  await fc.assert(
    fc.asyncProperty(hostileRequest(valid), async (request) => {
      const response = await app.request(request.path, toRequestInit(request));
      checkResponse(
        request,
        response.status,
        response.headers.get("content-type") ?? "",
        response.headers.has("content-encoding") ? "" : await response.text(),
      );
      const id = response.headers.get("x-request-id") ?? "";
      expect(id).toMatch(/^[\x21-\x7e]{1,128}$/);
      if (++count % 50 === 0)
        expect((await app.request("/v1/predict", toRequestInit(valid[0] as ServiceRequest))).status).toBe(
          200,
        );
    }),
    { numRuns: 3_000 },
  );
  expect(logged).toEqual([]);
  expect(reported.filter(({ failed }) => failed)).toEqual([]);
});

test("the function does the same, over HTTP and invoked directly", async () => {
  const handle = predict(createDependencies());
  const event = ({ method, path, headers, body }: ServiceRequest, base64: boolean) => ({
    version: "2.0",
    rawPath: path.split("?")[0],
    rawQueryString: path.split("?")[1] ?? "",
    headers,
    requestContext: { http: { method } },
    body: Buffer.from(body).toString(base64 ? "base64" : "utf8"),
    isBase64Encoded: base64,
  });
  await fc.assert(
    fc.asyncProperty(hostileRequest(valid), fc.boolean(), async (request, base64) => {
      const response = ApiGatewayResponse.parse(await handle(event(request, base64)));
      expect(response.statusCode).toBeLessThan(500);
      expect(await handle(tryParse(Buffer.from(request.body).toString("utf8")))).not.toMatchObject({
        status: 500,
      });
    }),
    { numRuns: 1_000 },
  );
  expect(logged).toEqual([]);
});
