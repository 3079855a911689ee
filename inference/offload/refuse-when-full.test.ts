import { expect, test } from "vitest";
import { HttpProblem } from "#inference/http/http-problem.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import { jsonResponse } from "#inference/http/http-response.ts";
import { createWorkQueue } from "#inference/http/work-queue.ts";
import { refuseWhenFull } from "./refuse-when-full.ts";

const toRequest = (method: string, path: string): HttpRequest => ({
  method,
  path,
  query: "",
  header: (name) => (name === "content-length" ? "100" : undefined),
  body: async () => new Uint8Array(100),
});

const start = () => {
  const queue = createWorkQueue(
    { tick: () => 0 },
    { requests: 1, alwaysAdmitted: 1, workMs: 1, lastingRequests: 1 },
  );
  const app = refuseWhenFull(
    { handle: async () => jsonResponse({}) },
    {
      queue,
      offloadProcess: { isFull: () => false, queueSeconds: () => 1 },
      largeBytes: 1_000,
      newId: () => "an-id",
    },
  );
  return { queue, app };
};

test("a prediction beyond the queue's limit is a problem with 429 and Retry-After, and is admitted later", async () => {
  const { queue, app } = start();
  const leave = queue.enter(100);
  const refused = await app.handle(toRequest("POST", "/v1/predict"));
  expect(refused.status).toBe(429);
  expect(refused.headers["retry-after"]).toMatch(/^[1-9]\d*$/);
  expect(HttpProblem.parse(JSON.parse(String(refused.body))).type).toBe("urn:slipway:problem:queue-full");
  const inference = await app.handle(toRequest("POST", "/v2/models/churn/infer"));
  expect(JSON.parse(String(inference.body))).toHaveProperty("error");
  leave?.();
  expect((await app.handle(toRequest("POST", "/v1/predict"))).status).toBe(200);
});

test("probes are answered while the queue is full", async () => {
  const { queue, app } = start();
  queue.enter(100);
  for (const path of ["/health", "/ready", "/v1/model"])
    expect((await app.handle(toRequest("GET", path))).status).toBe(200);
});
