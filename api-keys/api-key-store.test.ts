import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { memoryStore } from "#test/support/memory-store.ts";
import { createApiKeyStore } from "./api-key-store.ts";
import { generateKey } from "./key-format.ts";

const hour = 3_600_000;
const rate = { perMinute: 600, burst: 600 };
const newKey = {
  name: "billing",
  environment: "prod",
  models: ["churn"],
  rate,
  expiresAt: null,
  by: "sam",
} as const;

const openKeys = (opened: ReturnType<typeof memoryStore>) =>
  createApiKeyStore({ ...opened, random: randomBytes });
let opened: ReturnType<typeof memoryStore>;
let keys: ReturnType<typeof openKeys>;
beforeEach(() => {
  opened = memoryStore();
  keys = openKeys(opened);
});
afterEach(() => opened.database.close());
const verify = (text: string | undefined, model = "churn", environment: "stage" | "prod" = "prod") =>
  keys.verify(environment, model, text);

describe("a key", () => {
  test("is accepted for its models in its environment, and for nothing else", async () => {
    const { key, record } = await keys.create({ ...newKey, models: ["churn", "transit-time"] });
    expect(await verify(key)).toMatchObject({
      status: "accepted",
      key: { id: record.id, name: "billing" },
    });
    expect(await verify(key, "transit-time")).toMatchObject({ status: "accepted" });
    expect(await verify(key, "other")).toEqual({
      status: "refused",
      reason: "wrong-model",
      keyId: record.id,
    });
    expect(await verify(key, "churn", "stage")).toMatchObject({ reason: "unknown" });
  });

  test("for all models is also accepted for models that are created later", async () => {
    const { key } = await keys.create({ ...newKey, models: "all" });
    expect(await verify(key, "made-later")).toMatchObject({ status: "accepted" });
  });

  test("is stored as a hash: the store holds no part of its secret", async () => {
    const { key } = await keys.create(newKey);
    const secret = key.split("_")[2] ?? "";
    const rows = opened.database.prepare("SELECT value FROM items").all();
    expect(rows.length).toBeGreaterThan(0);
    for (let start = 0; start + 8 <= secret.length; start++)
      expect(JSON.stringify(rows)).not.toContain(secret.slice(start, start + 8));
  });

  test("is refused from the moment when it expires", async () => {
    const { key } = await keys.create({ ...newKey, expiresAt: opened.time.now + hour });
    opened.time.now += hour - 1;
    expect(await verify(key)).toMatchObject({ status: "accepted" });
    opened.time.now += 1;
    expect(await verify(key)).toMatchObject({ status: "refused", reason: "expired" });
  });

  test("is refused as soon as it is revoked; its record names the first person who revoked it", async () => {
    const { key, record } = await keys.create(newKey);
    await keys.revoke("prod", record.id, "kim");
    await keys.revoke("prod", record.id, "later");
    expect(await verify(key)).toMatchObject({ status: "refused", reason: "revoked" });
    expect(await keys.list("prod")).toMatchObject([{ id: record.id, revoked: { by: "kim" } }]);
  });

  test("with a changed secret is refused, even if its checksum is right", async () => {
    const { record } = await keys.create(newKey);
    const forged = await createApiKeyStore({ ...memoryStore(), random: randomBytes }).create(newKey);
    expect(await verify(generateKey(record.id, randomBytes).key)).toMatchObject({
      reason: "wrong-secret",
      keyId: record.id,
    });
    expect(await verify(forged.key)).toMatchObject({ reason: "unknown" });
  });

  test.each([
    [undefined, "missing"],
    ["", "missing"],
    ["slw_", "malformed"],
    ["x".repeat(10_000), "malformed"],
  ])("that is %j is refused as %s", async (text, reason) => {
    expect(await verify(text)).toEqual({ status: "refused", reason });
  });

  test("that the store cannot read admits no request", async () => {
    const { key } = await keys.create(newKey);
    const broken = createApiKeyStore({
      ...opened,
      store: { ...opened.store, get: () => Promise.reject(new Error("the store is unavailable")) },
      random: randomBytes,
    });
    await expect(broken.verify("prod", "churn", key)).rejects.toThrow("the store is unavailable");
  });
});

describe("a rotation", () => {
  test("accepts both secrets until the grace ends, then only the new one", async () => {
    const { key, record } = await keys.create(newKey);
    const second = await keys.rotate("prod", record.id, { graceMs: hour, by: "sam" });
    expect(second.key).not.toBe(key);
    opened.time.now += hour - 1;
    for (const text of [key, second.key]) expect(await verify(text)).toMatchObject({ status: "accepted" });
    opened.time.now += 1;
    expect(await verify(key)).toMatchObject({ reason: "secret-ended" });
    expect(await verify(second.key)).toMatchObject({ status: "accepted" });
  });

  test("without a grace ends every older secret at once", async () => {
    const { key, record } = await keys.create(newKey);
    const second = await keys.rotate("prod", record.id, { graceMs: hour, by: "sam" });
    const third = await keys.rotate("prod", record.id, { graceMs: 0, by: "sam" });
    for (const text of [key, second.key])
      expect(await verify(text)).toMatchObject({ status: "refused", reason: "wrong-secret" });
    expect(await verify(third.key)).toMatchObject({ status: "accepted" });
  });

  test("is refused during another rotation, and the error says when that ends", async () => {
    const { record } = await keys.create(newKey);
    await keys.rotate("prod", record.id, { graceMs: hour, by: "sam" });
    await expect(keys.rotate("prod", record.id, { graceMs: hour, by: "sam" })).rejects.toMatchObject({
      name: "RotationUnderWay",
      message: expect.stringContaining(new Date(opened.time.now + hour).toISOString()),
    });
    opened.time.now += hour;
    await expect(keys.rotate("prod", record.id, { graceMs: hour, by: "sam" })).resolves.toBeDefined();
  });

  test("is refused for an ended key and for a key of the other environment", async () => {
    const { record } = await keys.create(newKey);
    await expect(keys.rotate("stage", record.id, { graceMs: 0, by: "sam" })).rejects.toMatchObject({
      name: "KeyUnknown",
    });
    await keys.revoke("prod", record.id, "sam");
    await expect(keys.rotate("prod", record.id, { graceMs: 0, by: "sam" })).rejects.toMatchObject({
      name: "KeyEnded",
    });
  });

  test("loses no issued secret: of two rotations at once one is refused", async () => {
    const { record } = await keys.create(newKey);
    const rotations = await Promise.allSettled([
      keys.rotate("prod", record.id, { graceMs: hour, by: "sam" }),
      keys.rotate("prod", record.id, { graceMs: hour, by: "kim" }),
    ]);
    const rotated = rotations.flatMap((each) => (each.status === "fulfilled" ? [each.value.key] : []));
    expect(rotated).toHaveLength(1);
    for (const key of rotated) expect(await verify(key)).toMatchObject({ status: "accepted" });
  });
});

describe("the store of keys", () => {
  test("writes the day of the last use once a day, however often the key is used", async () => {
    const { key } = await keys.create(newKey);
    let writes = 0;
    const countingKeys = createApiKeyStore({
      ...opened,
      store: {
        ...opened.store,
        put: (...args) => {
          writes++;
          return opened.store.put(...args);
        },
      },
      random: randomBytes,
    });
    const use = async () => {
      const verification = await countingKeys.verify("prod", "churn", key);
      if (verification.status === "accepted") await countingKeys.recordUse(verification.key);
    };
    for (let times = 0; times < 5; times++) await use();
    expect(writes).toBe(1);
    opened.time.now += 24 * hour;
    for (let times = 0; times < 5; times++) await use();
    expect(writes).toBe(2);
    const day = new Date(opened.time.now).toISOString().slice(0, 10);
    expect(await keys.list("prod")).toMatchObject([{ lastUsed: day }]);
  });

  test("covers a model from its first key on, even after that key is revoked", async () => {
    expect(await keys.coversModel("prod", "churn")).toBe(false);
    const { record } = await keys.create(newKey);
    await keys.revoke("prod", record.id, "sam");
    expect(await keys.coversModel("prod", "churn")).toBe(true);
    expect(await keys.coversModel("prod", "other")).toBe(false);
    expect(await keys.coversModel("stage", "churn")).toBe(false);
    await keys.create({ ...newKey, models: "all" });
    expect(await keys.coversModel("prod", "other")).toBe(true);
  });

  test("lists all keys, oldest first, across pages", async () => {
    for (let count = 0; count < 130; count++) {
      await keys.create({ ...newKey, name: `app ${count}` });
      opened.time.now += 1;
    }
    expect((await keys.list("prod")).map(({ name }) => name)).toEqual(
      Array.from({ length: 130 }, (_, count) => `app ${count}`),
    );
    expect(await keys.list("stage")).toEqual([]);
  });

  test.each(["", " app", "a\nb", "x".repeat(101), "<b>"])("refuses an application named %j", async (name) => {
    await expect(keys.create({ ...newKey, name })).rejects.toThrow();
  });
});

const action = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("rotate" as const), grace: fc.constantFrom(0, 2, 5) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("wait" as const), hours: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("revoke" as const) }) },
);

test("through any rotations, waits and revocations a secret is valid exactly until its end, and at most two are valid", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 15 }),
      fc.option(fc.integer({ min: 1, max: 30 })),
      async (actions, expiresIn) => {
        const caseWorld = memoryStore();
        const caseKeys = openKeys(caseWorld);
        const expiresAt = expiresIn === null ? null : caseWorld.time.now + expiresIn * hour;
        const { key, record } = await caseKeys.create({ ...newKey, expiresAt });
        /** Every secret that was ever issued, with its end. */
        let secrets: { key: string; endsAt: number }[] = [{ key, endsAt: Number.POSITIVE_INFINITY }];
        let ended = Number.POSITIVE_INFINITY;
        for (const step of actions) {
          const now = caseWorld.time.now;
          const hasEnded = now >= Math.min(ended, expiresAt ?? ended);
          const validSecrets = secrets.filter(({ endsAt }) => endsAt > now);
          if (step.kind === "wait") caseWorld.time.now += step.hours * hour;
          else if (step.kind === "revoke") {
            await caseKeys.revoke("prod", record.id, "sam");
            ended = Math.min(ended, now);
          } else {
            const graceMs = step.grace * hour;
            const rotation = await caseKeys
              .rotate("prod", record.id, { graceMs, by: "sam" })
              .catch((error: Error) => error.name);
            if (hasEnded) expect(rotation).toBe("KeyEnded");
            else if (graceMs > 0 && validSecrets.length > 1) expect(rotation).toBe("RotationUnderWay");
            else if (typeof rotation === "string") expect.fail(rotation);
            else {
              secrets = secrets.map((each) => ({ ...each, endsAt: Math.min(each.endsAt, now + graceMs) }));
              secrets.push({ key: rotation.key, endsAt: Number.POSITIVE_INFINITY });
            }
          }
          const after = caseWorld.time.now;
          let valid = 0;
          for (const each of secrets) {
            const verification = await caseKeys.verify("prod", "churn", each.key);
            const expected = after < Math.min(each.endsAt, ended, expiresAt ?? ended);
            expect(verification.status).toBe(expected ? "accepted" : "refused");
            if (expected) valid++;
          }
          expect(valid).toBeLessThanOrEqual(2);
        }
        caseWorld.database.close();
      },
    ),
    { numRuns: 150 },
  ));
