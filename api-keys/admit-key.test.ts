import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Store } from "#platform/store/store.ts";
import { memoryStore } from "#test/support/memory-world.ts";
import { admitKey, type KeyRefusal } from "./admit-key.ts";
import { createApiKeyStore } from "./api-key-store.ts";
import { createRateLimiter } from "./rate-limiter.ts";

let opened: ReturnType<typeof memoryStore>;
let warnings: string[] = [];
let refusals: KeyRefusal[] = [];
beforeEach(() => {
  opened = memoryStore();
  warnings = [];
  refusals = [];
});
afterEach(() => opened.database.close());

const rate = { perMinute: 2, burst: 2 };
const made = async () =>
  createApiKeyStore({ ...opened, random: randomBytes }).create({
    name: "billing",
    environment: "prod",
    models: ["churn"],
    rate,
    expiresAt: null,
    by: "sam",
  });
const admitting = (over: Partial<Store> = {}) => {
  const needs = { clock: opened.clock, store: { ...opened.store, ...over } };
  const warn = (sentence: string) => void warnings.push(sentence);
  return admitKey({
    keys: createApiKeyStore({ ...needs, random: randomBytes }),
    limiter: createRateLimiter({ ...needs, warn }),
    environment: "prod",
    warn,
    refused: (refusal) => refusals.push(refusal),
  });
};
const away = () => Promise.reject(new Error("the store is away"));

test("a key gets in as often as its rate says, and is then told when to come back", async () => {
  const { key, record } = await made();
  const admit = admitting();
  const ask = () => admit({ given: key, model: "churn" });
  expect(await ask()).toEqual({ status: "admitted", keyId: record.id, quota: { rate, remaining: 1 } });
  await ask();
  expect(await ask()).toMatchObject({
    status: "throttled",
    keyId: record.id,
    retryAfter: expect.any(Number),
  });
});

test("both secrets of a key that is being rotated share its rate", async () => {
  const { key, record } = await made();
  const keys = createApiKeyStore({ ...opened, random: randomBytes });
  const second = await keys.rotate("prod", record.id, { graceMs: 60_000, by: "sam" });
  const admit = admitting();
  for (const given of [key, second.key]) await admit({ given, model: "churn" });
  expect(await admit({ given: second.key, model: "churn" })).toMatchObject({ status: "throttled" });
});

test("whatever is wrong with a key the caller gets one answer, and the log the reason without the key", async () => {
  const { key, record } = await made();
  const admit = admitting();
  const unknown = (
    await createApiKeyStore({ ...memoryStore(), random: randomBytes }).create({
      name: "other",
      environment: "prod",
      models: "all",
      rate,
      expiresAt: null,
      by: "sam",
    })
  ).key;
  for (const given of [undefined, "slw_", unknown])
    expect(await admit({ given, model: "churn" })).toEqual({ status: "refused", answer: 401 });
  await createApiKeyStore({ ...opened, random: randomBytes }).revoke("prod", record.id, "sam");
  expect(await admit({ given: key, model: "churn" })).toEqual({ status: "refused", answer: 401 });
  expect(refusals.map(({ reason }) => reason)).toEqual(["missing", "malformed", "unknown", "revoked"]);
  const secret = key.split("_")[2] ?? "";
  expect(JSON.stringify(refusals)).not.toContain(secret);
});

test("a valid key of another model is told so, and uses up nothing of its rate", async () => {
  const { key } = await made();
  const admit = admitting();
  for (let count = 0; count < 5; count++)
    expect(await admit({ given: key, model: "other" })).toEqual({ status: "refused", answer: 403 });
  expect(await admit({ given: key, model: "churn" })).toMatchObject({ quota: { remaining: 1 } });
});

test("where keys cannot be read nobody gets in", async () => {
  const { key } = await made();
  await expect(admitting({ get: away })({ given: key, model: "churn" })).rejects.toThrow("away");
});

test("where requests cannot be counted a valid key gets in with a warning, and no other", async () => {
  const { key, record } = await made();
  const admit = admitting({ add: away });
  for (let count = 0; count < 5; count++)
    expect(await admit({ given: key, model: "churn" })).toEqual({ status: "admitted", keyId: record.id });
  expect(warnings).toEqual(Array(5).fill(`a request of the key ${record.id} was let in uncounted`));
  expect(await admit({ given: "slw_", model: "churn" })).toMatchObject({ status: "refused" });
});

test("a day of use that cannot be kept keeps nobody out", async () => {
  const { key } = await made();
  expect(await admitting({ put: away })({ given: key, model: "churn" })).toMatchObject({
    status: "admitted",
  });
  expect(warnings).toHaveLength(1);
});
