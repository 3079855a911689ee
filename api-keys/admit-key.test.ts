import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Store } from "#platform/store/store.ts";
import { memoryStore } from "#test/support/memory-store.ts";
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
const createTestKey = async () =>
  createApiKeyStore({ ...opened, random: randomBytes }).create({
    name: "billing",
    environment: "prod",
    models: ["churn"],
    rate,
    expiresAt: null,
    by: "sam",
  });
const createTestAdmit = (storeOverrides: Partial<Store> = {}) => {
  const dependencies = { clock: opened.clock, store: { ...opened.store, ...storeOverrides } };
  const warn = (sentence: string) => void warnings.push(sentence);
  return admitKey({
    keys: createApiKeyStore({ ...dependencies, random: randomBytes }),
    limiter: createRateLimiter({ ...dependencies, warn }),
    environment: "prod",
    warn,
    logRefusal: (refusal) => refusals.push(refusal),
  });
};
const rejectUnavailable = () => Promise.reject(new Error("the store is unavailable"));

test("a key is admitted as often as its rate allows, and then gets the seconds to wait", async () => {
  const { key, record } = await createTestKey();
  const admit = createTestAdmit();
  const sendRequest = () => admit({ key, model: "churn" });
  expect(await sendRequest()).toEqual({
    status: "admitted",
    keyId: record.id,
    quota: { rate, remaining: 1 },
  });
  await sendRequest();
  expect(await sendRequest()).toMatchObject({
    status: "throttled",
    keyId: record.id,
    retryAfter: expect.any(Number),
  });
});

test("both secrets of a key that is being rotated share its rate", async () => {
  const { key, record } = await createTestKey();
  const keys = createApiKeyStore({ ...opened, random: randomBytes });
  const second = await keys.rotate("prod", record.id, { graceMs: 60_000, by: "sam" });
  const admit = createTestAdmit();
  for (const secret of [key, second.key]) await admit({ key: secret, model: "churn" });
  expect(await admit({ key: second.key, model: "churn" })).toMatchObject({ status: "throttled" });
});

test("every invalid key gets the same response; the log has the reason, never the key", async () => {
  const { key, record } = await createTestKey();
  const admit = createTestAdmit();
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
  for (const invalid of [undefined, "slw_", unknown])
    expect(await admit({ key: invalid, model: "churn" })).toEqual({ status: "refused", httpStatus: 401 });
  await createApiKeyStore({ ...opened, random: randomBytes }).revoke("prod", record.id, "sam");
  expect(await admit({ key, model: "churn" })).toEqual({ status: "refused", httpStatus: 401 });
  expect(refusals.map(({ reason }) => reason)).toEqual(["missing", "malformed", "unknown", "revoked"]);
  const secret = key.split("_")[2] ?? "";
  expect(JSON.stringify(refusals)).not.toContain(secret);
});

test("a valid key of another model gets 403, and the refusal does not count against its rate", async () => {
  const { key } = await createTestKey();
  const admit = createTestAdmit();
  for (let count = 0; count < 5; count++)
    expect(await admit({ key, model: "other" })).toEqual({ status: "refused", httpStatus: 403 });
  expect(await admit({ key, model: "churn" })).toMatchObject({ quota: { remaining: 1 } });
});

test("no request is admitted while keys cannot be read", async () => {
  const { key } = await createTestKey();
  await expect(createTestAdmit({ get: rejectUnavailable })({ key, model: "churn" })).rejects.toThrow(
    "unavailable",
  );
});

test("while requests cannot be counted, a valid key gets in with a warning, and no other key does", async () => {
  const { key, record } = await createTestKey();
  const admit = createTestAdmit({ add: rejectUnavailable });
  for (let count = 0; count < 5; count++)
    expect(await admit({ key, model: "churn" })).toEqual({ status: "admitted", keyId: record.id });
  expect(warnings).toEqual(
    Array(5).fill(`a request of the key ${record.id} was admitted without counting it`),
  );
  expect(await admit({ key: "slw_", model: "churn" })).toMatchObject({ status: "refused" });
});

test("a key gets in even if its last use cannot be recorded", async () => {
  const { key } = await createTestKey();
  expect(await createTestAdmit({ put: rejectUnavailable })({ key, model: "churn" })).toMatchObject({
    status: "admitted",
  });
  expect(warnings).toHaveLength(1);
});
