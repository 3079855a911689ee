import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { memoryStore } from "#test/support/memory-store.ts";
import { createClaims } from "./claims.ts";

let opened: ReturnType<typeof memoryStore>;
beforeEach(() => {
  opened = memoryStore();
});
afterEach(() => opened.database.close());

const createRequest = (delivery: string, requestedAt = 1, environment: "stage" | "prod" = "stage") => ({
  environment,
  model: "churn",
  delivery,
  requestedAt,
  now: 100,
});

test("of simultaneous requests for a free environment one is granted", async () => {
  const claims = createClaims(opened);
  const taken = await Promise.all(
    ["a", "b", "c"].map((delivery) => claims.take(createRequest(delivery, 1, "prod"), "free")),
  );
  expect(taken.filter(({ status }) => status === "granted")).toHaveLength(1);
  expect(taken.filter(({ status }) => status === "busy")).toHaveLength(2);
  const holder = (await claims.read("prod", "churn"))?.holder;
  for (const grant of taken) if (grant.status === "busy") expect(grant.holder).toBe(holder);
});

test("simultaneous requests for stage get different fences, and the later push keeps it", async () => {
  const claims = createClaims(opened);
  const taken = await Promise.allSettled([
    claims.take(createRequest("earlier", 1), "newer"),
    claims.take(createRequest("later", 2), "newer"),
  ]);
  const fences = taken.flatMap((each) =>
    each.status === "fulfilled" && each.value.status === "granted" ? [each.value.fence] : [],
  );
  expect(new Set(fences).size).toBe(fences.length);
  expect((await claims.read("stage", "churn"))?.holder).toBe("later");
});

test("an earlier push is superseded even after the later delivery has ended", async () => {
  const claims = createClaims(opened);
  await claims.take(createRequest("later", 2), "newer");
  await claims.release("stage", "churn", "later");
  await expect(claims.take(createRequest("earlier", 1), "newer")).rejects.toMatchObject({
    name: "Superseded",
    message: expect.stringContaining("already ended"),
  });
});

test("a rollback supersedes no push: after its claim of stage an earlier push still gets it", async () => {
  const claims = createClaims(opened);
  await claims.take(createRequest("first", 1), "newer");
  await claims.release("stage", "churn", "first");
  await claims.take(createRequest("rollback-churn", 50), "free");
  await claims.release("stage", "churn", "rollback-churn");
  await expect(claims.take(createRequest("second", 10), "newer")).resolves.toEqual({
    status: "granted",
    fence: 3,
  });
});

test("a renewed claim has a higher fence and the same holder, and only the holder can renew it", async () => {
  const claims = createClaims(opened);
  await claims.take(createRequest("a"), "newer");
  expect(await claims.renew("stage", "churn", "a")).toBe(2);
  await expect(claims.assertHeld("stage", "churn", 1)).rejects.toMatchObject({ name: "Superseded" });
  await expect(claims.assertHeld("stage", "churn", 2)).resolves.toBeUndefined();
  await expect(claims.renew("stage", "churn", "b")).rejects.toMatchObject({ name: "Superseded" });
  expect(await claims.read("stage", "churn")).toMatchObject({ holder: "a", fence: 2 });
});

test("open lists held claims, on several pages", async () => {
  const claims = createClaims(opened);
  const models = Array.from({ length: 130 }, (_, index) => `m${index}`);
  for (const model of models) await claims.take({ ...createRequest(`delivery-${model}`), model }, "newer");
  await claims.release("stage", "m7", "delivery-m7");
  const open = await claims.open();
  expect(open.map(({ model }) => model).sort()).toEqual(models.filter((name) => name !== "m7").sort());
});

const names = ["a", "b", "c", "d"] as const;
const action = fc.oneof(
  fc.record({
    kind: fc.constantFrom("newer", "free", "force"),
    by: fc.nat(names.length - 1),
  }),
  fc.record({ kind: fc.constantFrom("release", "renew"), by: fc.nat(names.length - 1) }),
  fc.record({ kind: fc.constant("check"), by: fc.nat(30) }),
);

test("in any order of requests fences only grow, at most one holds, and an earlier push never displaces a later", () =>
  fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
      const { store, database } = memoryStore();
      const claims = createClaims({ store });
      let fence = 0;
      let holder: string | null = null;
      /** When the latest push that ever took it was received. */
      let latest = 0;
      for (const { kind, by } of actions) {
        const name = names[by % names.length] ?? "a";
        const requestedAt = 10 * (1 + (by % names.length));
        switch (kind) {
          case "newer":
          case "free":
          case "force": {
            const outcome = await claims.take(createRequest(name, requestedAt), kind).then(
              (grant) => grant,
              (error: Error) => error.name,
            );
            if (holder === name) expect(outcome).toEqual({ status: "granted", fence });
            else if (kind === "newer" && latest > requestedAt) expect(outcome).toBe("Superseded");
            else if (kind === "free" && holder !== null) expect(outcome).toEqual({ status: "busy", holder });
            else {
              expect(outcome).toEqual({ status: "granted", fence: fence + 1 });
              fence++;
              holder = name;
              if (kind === "newer") latest = requestedAt;
            }
            break;
          }
          case "release":
            await claims.release("stage", "churn", name);
            if (holder === name) holder = null;
            break;
          case "renew": {
            const renewed = await claims.renew("stage", "churn", name).catch((error: Error) => error.name);
            expect(renewed).toBe(holder === name ? fence + 1 : "Superseded");
            if (holder === name) fence++;
            break;
          }
          default: {
            const held = await claims.assertHeld("stage", "churn", by).then(
              () => true,
              (error: Error) => error.name,
            );
            expect(held).toBe(fence > by ? "Superseded" : true);
          }
        }
        const claim = await claims.read("stage", "churn");
        expect(claim?.fence ?? 0).toBe(fence);
        expect(claim?.holder ?? null).toBe(holder);
        expect((await claims.open()).length).toBe(holder === null ? 0 : 1);
      }
      database.close();
    }),
    { numRuns: 200 },
  ));
