import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ApiKeyStore, createApiKeyStore } from "#api-keys/api-key-store.ts";
import { readThrottleProblem } from "#inference/authorization/authorizer-context.ts";
import type { Serving } from "#platform/serving/serving.ts";
import type { Json } from "#platform/store/store.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { createGateway } from "./gateway.ts";
import { createKeyAuthorizer } from "./key-authorizer.ts";

type Event = { requestContext: { authorizer?: { lambda: Json } } };

let memory: ReturnType<typeof memoryStore>;
let keys: ApiKeyStore;
let invoked: Event[] = [];
let logged: string[] = [];
beforeEach(() => {
  memory = memoryStore();
  keys = createApiKeyStore({ ...memory, random: randomBytes });
  invoked = [];
  logged = [];
});
afterEach(() => memory.database.close());

const serving = {
  invoke: async (_model, _qualifier, payload) => {
    invoked.push(payload as unknown as Event);
    return { payload: { answer: 42 }, version: "1", durationMs: 1 };
  },
} as Partial<Serving> as Serving;
const appOn = (store = memory.store) => {
  const { clock } = memory;
  const token = "the control token";
  const own = createApiKeyStore({ store, clock, random: randomBytes });
  const log = (sentence: string) => void logged.push(sentence);
  return createGateway({
    servings: { stage: serving, prod: serving },
    clock,
    requestId: () => "request-1",
    authorize: createKeyAuthorizer({ keys: own, store, token, clock, log }),
  });
};
const create = (models: "all" | string[] = ["churn"]) =>
  keys.create({
    name: "billing",
    environment: "prod",
    models,
    rate: { perMinute: 2, burst: 2 },
    expiresAt: null,
    by: "sam",
  });
const send = (key?: string, path = "/prod/models/churn/v1/predict", app = appOn()) =>
  app.request(path, { method: "POST", body: "{}", headers: key === undefined ? {} : { "x-api-key": key } });

test("a model requires a key in an environment after its first key is created there, also after that key is revoked", async () => {
  expect((await send()).status).toBe(200);
  const { record } = await create();
  expect((await send()).status).toBe(401);
  expect((await send(undefined, "/prod/models/other/v1/predict")).status).toBe(200);
  expect((await send(undefined, "/stage/models/churn/v1/predict")).status).toBe(200);
  await keys.revoke("prod", record.id, "sam");
  expect((await send()).status).toBe(401);
  await create("all");
  expect((await send(undefined, "/prod/models/other/v1/predict")).status).toBe(401);
});

test.each([
  "/prod/models/other/v1/predictions",
  "/prod/models/other/v1/predictions/id-1.0",
  "/prod/models/oth%65r/v1/predictions",
  "/prod/models/other/v1/%70redictions",
  "/prod/models/other/v1%2fpredictions",
  "/prod/models/other//v1/predictions",
  "/prod/models/other/v1/predictions%2",
])("records need a key as soon as one exists, however their address is written: %s", async (path) => {
  await create();
  expect((await send(undefined, "/prod/models/other/v1/predict")).status).toBe(200);
  expect((await send(undefined, path)).status).toBe(401);
});

test("a function gets the key's context as from API Gateway", async () => {
  const { key, record } = await create();
  const app = appOn();
  for (let count = 0; count < 3; count++) expect((await send(key, undefined, app)).status).toBe(200);
  const contexts = invoked.map(({ requestContext }) => requestContext.authorizer?.lambda);
  expect(contexts).toMatchObject(Array(3).fill({ keyId: record.id }));
  // The function itself responds 429, because the gateway, like API Gateway, can only refuse keys.
  expect(contexts.map((context) => readThrottleProblem(context)?.problem.status)).toEqual([
    undefined,
    undefined,
    429,
  ]);
});

test("a refused request does not reach a function, and the log says why", async () => {
  const { key, record } = await create(["other"]);
  await create();
  const refused = await send(key);
  expect([refused.status, refused.headers.get("content-type")]).toEqual([403, "application/problem+json"]);
  expect((await send("slw_")).headers.get("www-authenticate")).toMatch(/^Bearer/);
  expect(invoked).toEqual([]);
  expect(logged[0]).toBe(`[prod churn] API key ${record.id} refused: wrong-model`);
});

test("the rehearsal's own calls pass with its token, which functions do not see", async () => {
  await create();
  expect((await send("the control token")).status).toBe(200);
  expect((await send("the control toke")).status).toBe(401);
  expect(invoked).toHaveLength(1);
  expect(JSON.stringify(invoked)).not.toContain("the control token");
});

test("if keys cannot be read, requests are refused and may be retried", async () => {
  const { key } = await create();
  const app = appOn({ ...memory.store, get: () => Promise.reject(new Error("the disk is full")) });
  const response = await send(key, undefined, app);
  expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(invoked).toEqual([]);
  expect(logged).toHaveLength(1);
});
