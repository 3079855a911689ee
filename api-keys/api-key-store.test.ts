import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { memoryStore } from "#test/support/memory-world.ts";
import { createApiKeyStore } from "./api-key-store.ts";
import { generateKey } from "./key-format.ts";

const hour = 3_600_000;
const rate = { perMinute: 600, burst: 600 };
const wanted = {
  name: "billing",
  environment: "prod",
  models: ["churn"],
  rate,
  expiresAt: null,
  by: "sam",
} as const;

const keysOn = (opened: ReturnType<typeof memoryStore>) =>
  createApiKeyStore({ ...opened, random: randomBytes });
let opened: ReturnType<typeof memoryStore>;
let keys: ReturnType<typeof keysOn>;
beforeEach(() => {
  opened = memoryStore();
  keys = keysOn(opened);
});
afterEach(() => opened.database.close());
const verified = (given: string | undefined, model = "churn", environment: "stage" | "prod" = "prod") =>
  keys.verify(environment, model, given);

describe("a key", () => {
  test("opens its models in its environment, and nothing else", async () => {
    const { key, record } = await keys.create({ ...wanted, models: ["churn", "transit-time"] });
    expect(await verified(key)).toMatchObject({
      status: "accepted",
      key: { id: record.id, name: "billing" },
    });
    expect(await verified(key, "transit-time")).toMatchObject({ status: "accepted" });
    expect(await verified(key, "other")).toEqual({
      status: "refused",
      reason: "wrong-model",
      keyId: record.id,
    });
    expect(await verified(key, "churn", "stage")).toMatchObject({ reason: "unknown" });
  });

  test("of all models opens those too that are made later", async () => {
    const { key } = await keys.create({ ...wanted, models: "all" });
    expect(await verified(key, "made-later")).toMatchObject({ status: "accepted" });
  });

  test("is kept as a hash: the store holds nothing of its secret", async () => {
    const { key } = await keys.create(wanted);
    const secret = key.split("_")[2] ?? "";
    const rows = opened.database.prepare("SELECT value FROM items").all();
    expect(rows.length).toBeGreaterThan(0);
    for (let at = 0; at + 8 <= secret.length; at++)
      expect(JSON.stringify(rows)).not.toContain(secret.slice(at, at + 8));
  });

  test("is void from the moment on at which it expires", async () => {
    const { key } = await keys.create({ ...wanted, expiresAt: opened.time.now + hour });
    opened.time.now += hour - 1;
    expect(await verified(key)).toMatchObject({ status: "accepted" });
    opened.time.now += 1;
    expect(await verified(key)).toMatchObject({ status: "refused", reason: "expired" });
  });

  test("is void at once when it was revoked, and stays on record with who did it first", async () => {
    const { key, record } = await keys.create(wanted);
    await keys.revoke("prod", record.id, "kim");
    await keys.revoke("prod", record.id, "later");
    expect(await verified(key)).toMatchObject({ status: "refused", reason: "revoked" });
    expect(await keys.list("prod")).toMatchObject([{ id: record.id, revoked: { by: "kim" } }]);
  });

  test("with a changed secret is refused, also where its checksum is right", async () => {
    const { record } = await keys.create(wanted);
    const forged = await createApiKeyStore({ ...memoryStore(), random: randomBytes }).create(wanted);
    expect(await verified(generateKey(record.id, randomBytes).key)).toMatchObject({
      reason: "wrong-secret",
      keyId: record.id,
    });
    expect(await verified(forged.key)).toMatchObject({ reason: "unknown" });
  });

  test.each([
    [undefined, "missing"],
    ["", "missing"],
    ["slw_", "malformed"],
    ["x".repeat(10_000), "malformed"],
  ])("that is %j is %s", async (given, reason) => {
    expect(await verified(given)).toEqual({ status: "refused", reason });
  });

  test("that cannot be read from the store lets nobody in", async () => {
    const { key } = await keys.create(wanted);
    const broken = createApiKeyStore({
      ...opened,
      store: { ...opened.store, get: () => Promise.reject(new Error("the store is away")) },
      random: randomBytes,
    });
    await expect(broken.verify("prod", "churn", key)).rejects.toThrow("the store is away");
  });
});

describe("a rotation", () => {
  test("lets both secrets in until the grace ends, then the new one alone", async () => {
    const { key, record } = await keys.create(wanted);
    const second = await keys.rotate("prod", record.id, { graceMs: hour, by: "sam" });
    expect(second.key).not.toBe(key);
    opened.time.now += hour - 1;
    for (const given of [key, second.key])
      expect(await verified(given)).toMatchObject({ status: "accepted" });
    opened.time.now += 1;
    expect(await verified(key)).toMatchObject({ reason: "secret-ended" });
    expect(await verified(second.key)).toMatchObject({ status: "accepted" });
  });

  test("without grace ends every older secret at once", async () => {
    const { key, record } = await keys.create(wanted);
    const second = await keys.rotate("prod", record.id, { graceMs: hour, by: "sam" });
    const third = await keys.rotate("prod", record.id, { graceMs: 0, by: "sam" });
    for (const given of [key, second.key])
      expect(await verified(given)).toMatchObject({ status: "refused", reason: "wrong-secret" });
    expect(await verified(third.key)).toMatchObject({ status: "accepted" });
  });

  test("is refused while another is under way, with the time when it ends", async () => {
    const { record } = await keys.create(wanted);
    await keys.rotate("prod", record.id, { graceMs: hour, by: "sam" });
    await expect(keys.rotate("prod", record.id, { graceMs: hour, by: "sam" })).rejects.toMatchObject({
      name: "RotationUnderWay",
      message: expect.stringContaining(new Date(opened.time.now + hour).toISOString()),
    });
    opened.time.now += hour;
    await expect(keys.rotate("prod", record.id, { graceMs: hour, by: "sam" })).resolves.toBeDefined();
  });

  test("brings no key back that has ended, and knows no key of the other environment", async () => {
    const { record } = await keys.create(wanted);
    await expect(keys.rotate("stage", record.id, { graceMs: 0, by: "sam" })).rejects.toMatchObject({
      name: "KeyUnknown",
    });
    await keys.revoke("prod", record.id, "sam");
    await expect(keys.rotate("prod", record.id, { graceMs: 0, by: "sam" })).rejects.toMatchObject({
      name: "KeyEnded",
    });
  });

  test("of two at once refuses one: a secret that was given is never lost to the other", async () => {
    const { record } = await keys.create(wanted);
    const done = await Promise.allSettled([
      keys.rotate("prod", record.id, { graceMs: hour, by: "sam" }),
      keys.rotate("prod", record.id, { graceMs: hour, by: "kim" }),
    ]);
    const given = done.flatMap((each) => (each.status === "fulfilled" ? [each.value.key] : []));
    expect(given).toHaveLength(1);
    for (const key of given) expect(await verified(key)).toMatchObject({ status: "accepted" });
  });
});

describe("what else is kept", () => {
  test("the day of the last use is written once a day, whoever asks how often", async () => {
    const { key } = await keys.create(wanted);
    let writes = 0;
    const counting = createApiKeyStore({
      ...opened,
      store: {
        ...opened.store,
        put: (...given) => {
          writes++;
          return opened.store.put(...given);
        },
      },
      random: randomBytes,
    });
    const use = async () => {
      const answer = await counting.verify("prod", "churn", key);
      if (answer.status === "accepted") await counting.used(answer.key);
    };
    for (let times = 0; times < 5; times++) await use();
    expect(writes).toBe(1);
    opened.time.now += 24 * hour;
    for (let times = 0; times < 5; times++) await use();
    expect(writes).toBe(2);
    const day = new Date(opened.time.now).toISOString().slice(0, 10);
    expect(await keys.list("prod")).toMatchObject([{ lastUsed: day }]);
  });

  test("a model is covered from its first key on, and does not become open when that is revoked", async () => {
    expect(await keys.coversModel("prod", "churn")).toBe(false);
    const { record } = await keys.create(wanted);
    await keys.revoke("prod", record.id, "sam");
    expect(await keys.coversModel("prod", "churn")).toBe(true);
    expect(await keys.coversModel("prod", "other")).toBe(false);
    expect(await keys.coversModel("stage", "churn")).toBe(false);
    await keys.create({ ...wanted, models: "all" });
    expect(await keys.coversModel("prod", "other")).toBe(true);
  });

  test("all keys are listed, the oldest first, on more pages than one", async () => {
    for (let count = 0; count < 130; count++) {
      await keys.create({ ...wanted, name: `app ${count}` });
      opened.time.now += 1;
    }
    expect((await keys.list("prod")).map(({ name }) => name)).toEqual(
      Array.from({ length: 130 }, (_, count) => `app ${count}`),
    );
    expect(await keys.list("stage")).toEqual([]);
  });

  test.each(["", " app", "a\nb", "x".repeat(101), "<b>"])(
    "an application called %j is refused",
    async (name) => {
      await expect(keys.create({ ...wanted, name })).rejects.toThrow();
    },
  );
});

const action = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("rotate" as const), grace: fc.constantFrom(0, 2, 5) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("wait" as const), hours: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("revoke" as const) }) },
);

test("whatever is rotated, awaited and revoked: a secret is valid exactly from its making to its end, and at most two are", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 15 }),
      fc.option(fc.integer({ min: 1, max: 30 })),
      async (actions, expiresIn) => {
        const here = memoryStore();
        const own = keysOn(here);
        const expiresAt = expiresIn === null ? null : here.time.now + expiresIn * hour;
        const { key, record } = await own.create({ ...wanted, expiresAt });
        /** Every secret ever given, with its end. */
        let issued: { key: string; endsAt: number }[] = [{ key, endsAt: Number.POSITIVE_INFINITY }];
        let ended = Number.POSITIVE_INFINITY;
        for (const step of actions) {
          const now = here.time.now;
          const over = now >= Math.min(ended, expiresAt ?? ended);
          const standing = issued.filter(({ endsAt }) => endsAt > now);
          if (step.kind === "wait") here.time.now += step.hours * hour;
          else if (step.kind === "revoke") {
            await own.revoke("prod", record.id, "sam");
            ended = Math.min(ended, now);
          } else {
            const graceMs = step.grace * hour;
            const done = await own
              .rotate("prod", record.id, { graceMs, by: "sam" })
              .catch((fault: Error) => fault.name);
            if (over) expect(done).toBe("KeyEnded");
            else if (graceMs > 0 && standing.length > 1) expect(done).toBe("RotationUnderWay");
            else if (typeof done === "string") expect.fail(done);
            else {
              issued = issued.map((each) => ({ ...each, endsAt: Math.min(each.endsAt, now + graceMs) }));
              issued.push({ key: done.key, endsAt: Number.POSITIVE_INFINITY });
            }
          }
          const at = here.time.now;
          let valid = 0;
          for (const each of issued) {
            const answer = await own.verify("prod", "churn", each.key);
            const expected = at < Math.min(each.endsAt, ended, expiresAt ?? ended);
            expect(answer.status).toBe(expected ? "accepted" : "refused");
            if (expected) valid++;
          }
          expect(valid).toBeLessThanOrEqual(2);
        }
        here.database.close();
      },
    ),
    { numRuns: 150 },
  ));
