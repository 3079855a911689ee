import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { memoryStore } from "#test/support/memory-world.ts";
import { createClaims } from "./claims.ts";

let opened: ReturnType<typeof memoryStore>;
beforeEach(() => {
  opened = memoryStore();
});
afterEach(() => opened.database.close());

const asking = (delivery: string, requestedAt = 1, environment: "stage" | "prod" = "stage") => ({
  environment,
  model: "churn",
  delivery,
  requestedAt,
  now: 100,
});

test("of two that take a free environment at once one gets it", async () => {
  const rights = createClaims(opened);
  const taken = await Promise.all(
    ["a", "b", "c"].map((delivery) => rights.take(asking(delivery, 1, "prod"), "free")),
  );
  expect(taken.filter(({ status }) => status === "granted")).toHaveLength(1);
  expect(taken.filter(({ status }) => status === "busy")).toHaveLength(2);
  const holder = (await rights.read("prod", "churn"))?.holder;
  for (const grant of taken) if (grant.status === "busy") expect(grant.holder).toBe(holder);
});

test("two that take stage at once get different fences, and the later push keeps it", async () => {
  const rights = createClaims(opened);
  const taken = await Promise.allSettled([
    rights.take(asking("earlier", 1), "newer"),
    rights.take(asking("later", 2), "newer"),
  ]);
  const fences = taken.flatMap((each) =>
    each.status === "fulfilled" && each.value.status === "granted" ? [each.value.fence] : [],
  );
  expect(new Set(fences).size).toBe(fences.length);
  expect((await rights.read("stage", "churn"))?.holder).toBe("later");
});

test("an earlier push is superseded also when the later delivery has ended", async () => {
  const rights = createClaims(opened);
  await rights.take(asking("later", 2), "newer");
  await rights.release("stage", "churn", "later");
  await expect(rights.take(asking("earlier", 1), "newer")).rejects.toMatchObject({
    name: "Superseded",
    message: expect.stringContaining("already ended"),
  });
});

test("what is no push supersedes no push: after a rollback's visit to stage an earlier one still gets it", async () => {
  const rights = createClaims(opened);
  await rights.take(asking("first", 1), "newer");
  await rights.release("stage", "churn", "first");
  await rights.take(asking("rollback-churn", 50), "free");
  await rights.release("stage", "churn", "rollback-churn");
  await expect(rights.take(asking("second", 10), "newer")).resolves.toEqual({ status: "granted", fence: 3 });
});

test("a renewed claim has a higher fence and the same holder, and nobody else can renew it", async () => {
  const rights = createClaims(opened);
  await rights.take(asking("a"), "newer");
  expect(await rights.renew("stage", "churn", "a")).toBe(2);
  await expect(rights.assertHeld("stage", "churn", 1)).rejects.toMatchObject({ name: "Superseded" });
  await expect(rights.assertHeld("stage", "churn", 2)).resolves.toBeUndefined();
  await expect(rights.renew("stage", "churn", "b")).rejects.toMatchObject({ name: "Superseded" });
  expect(await rights.read("stage", "churn")).toMatchObject({ holder: "a", fence: 2 });
});

test("open lists what is held, on more pages than one", async () => {
  const rights = createClaims(opened);
  const models = Array.from({ length: 130 }, (_, index) => `m${index}`);
  for (const model of models) await rights.take({ ...asking(`delivery-${model}`), model }, "newer");
  await rights.release("stage", "m7", "delivery-m7");
  const open = await rights.open();
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

test("whoever comes in whatever order: fences only grow, one holds, and an earlier push never displaces a later", () =>
  fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
      const { store, database } = memoryStore();
      const rights = createClaims({ store });
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
            const outcome = await rights.take(asking(name, requestedAt), kind).then(
              (grant) => grant,
              (fault: Error) => fault.name,
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
            await rights.release("stage", "churn", name);
            if (holder === name) holder = null;
            break;
          case "renew": {
            const renewed = await rights.renew("stage", "churn", name).catch((fault: Error) => fault.name);
            expect(renewed).toBe(holder === name ? fence + 1 : "Superseded");
            if (holder === name) fence++;
            break;
          }
          default: {
            const held = await rights.assertHeld("stage", "churn", by).then(
              () => true,
              (fault: Error) => fault.name,
            );
            expect(held).toBe(fence > by ? "Superseded" : true);
          }
        }
        const claim = await rights.read("stage", "churn");
        expect(claim?.fence ?? 0).toBe(fence);
        expect(claim?.holder ?? null).toBe(holder);
        expect((await rights.open()).length).toBe(holder === null ? 0 : 1);
      }
      database.close();
    }),
    { numRuns: 200 },
  ));
