import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { memoryStore } from "#test/support/memory-store.ts";
import { fakeDigest } from "#test/support/toy-model.ts";
import { createLedger, type Deployment } from "./ledger.ts";

let opened: ReturnType<typeof memoryStore>;
let account: ReturnType<typeof createLedger>;
beforeEach(() => {
  opened = memoryStore();
  account = createLedger(opened);
});
afterEach(() => opened.database.close());

const deployment = (delivery: string, version = 1) => ({
  environment: "prod" as const,
  model: "churn",
  delivery,
  commit: "c".repeat(40),
  digest: fakeDigest("d"),
  version,
  functionVersion: String(version),
  fence: 1,
  previous: 0,
  reason: null,
});
const promote = (entry: Deployment) =>
  account.change(entry, (current) => ({ ...current, status: "promoted" }));

test("simultaneous deployments get different sequences without a gap", async () => {
  const begun = await Promise.all(
    Array.from({ length: 40 }, (_, index) => account.begin(deployment(`d${index}`), 5)),
  );
  const sequences = begun.map(({ sequence }) => sequence).sort((a, b) => a - b);
  expect(sequences).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  expect((await account.entries("prod", "churn", 100)).map(({ sequence }) => sequence)).toEqual(
    sequences.toReversed(),
  );
});

test("a delivery that begins again finds its deployment in its current state", async () => {
  const first = await account.begin(deployment("a"), 5);
  await account.begin(deployment("b"), 6);
  await promote(first);
  expect(await account.begin(deployment("a", 9), 7)).toMatchObject({
    sequence: first.sequence,
    version: 1,
    status: "promoted",
    startedAt: 5,
  });
  expect(await account.entries("prod", "churn", 10)).toHaveLength(2);
});

test("a delivery that begins twice at the same time has one deployment", async () => {
  const begun = await Promise.all([1, 2, 3].map(() => account.begin(deployment("a"), 5)));
  expect(new Set(begun.map(({ sequence }) => sequence))).toEqual(new Set([1]));
});

test("every environment and model has its own sequence", async () => {
  await promote(await account.begin(deployment("a"), 5));
  expect(await account.serving("stage", "churn")).toBeUndefined();
  expect(await account.serving("prod", "churn2")).toBeUndefined();
  expect(await account.ofDelivery("stage", "churn", "a")).toBeUndefined();
  expect((await account.begin({ ...deployment("a"), environment: "stage" }, 5)).sequence).toBe(1);
});

test("the deployment that was promoted last serves, even if others began or ended later, on any page", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("deployed", "canary", "promoting", "promoted", "ended"), { maxLength: 60 }),
      async (statuses) => {
        const { store, database } = memoryStore();
        const here = createLedger({ store });
        for (const [index, status] of statuses.entries()) {
          const entry = await here.begin(deployment(`d${index}`), index);
          await here.change(entry, (current) => ({ ...current, status: status as Deployment["status"] }));
        }
        const last = statuses.lastIndexOf("promoted");
        expect((await here.serving("prod", "churn"))?.sequence).toBe(last < 0 ? undefined : last + 1);
        database.close();
      },
    ),
    { numRuns: 40 },
  ));

test("a change that lost a race is repeated on the new state", async () => {
  const entry = await account.begin(deployment("a"), 5);
  const shares = Array.from({ length: 20 }, (_, index) => ({ percent: index, from: index }));
  await Promise.all(
    shares.map((share) =>
      account.change(entry, (current) => ({ ...current, shares: [...current.shares, share] })),
    ),
  );
  const kept = (await account.at("prod", "churn", 1))?.shares ?? [];
  expect(kept.toSorted((a, b) => a.percent - b.percent)).toEqual(shares);
});

test("a change that returns undefined writes nothing", async () => {
  const entry = await account.begin(deployment("a"), 5);
  const before = await opened.store.get({ partition: "ledger#prod#churn", sort: "0000000001" });
  expect(await account.change(entry, () => undefined)).toEqual(entry);
  expect(await opened.store.get({ partition: "ledger#prod#churn", sort: "0000000001" })).toEqual(before);
  await expect(account.change({ ...entry, sequence: 9 }, (current) => current)).rejects.toThrow("no entry 9");
});

test("the newest deployment of an image is found by digest and version together", async () => {
  await account.begin(deployment("a", 1), 5);
  await account.begin(deployment("b", 1), 5);
  await account.begin({ ...deployment("c", 1), digest: fakeDigest("e") }, 5);
  await account.begin(deployment("d", 2), 5);
  expect((await account.ofImage("prod", "churn", fakeDigest("d"), 1))?.delivery).toBe("b");
  expect(await account.ofImage("prod", "churn", fakeDigest("e"), 2)).toBeUndefined();
});

test("a retired model serves nothing, and the ledger keeps its record and its numbers", async () => {
  for (let index = 0; index < 60; index++) await promote(await account.begin(deployment(`d${index}`), index));
  await account.begin({ ...deployment("d0"), environment: "stage" }, 5);
  await account.retire("churn", 99);
  expect(await account.serving("prod", "churn")).toBeUndefined();
  const entries = await account.entries("prod", "churn", 100);
  expect(entries).toHaveLength(60);
  for (const entry of entries)
    expect(entry).toMatchObject({ status: "ended", shares: [{ percent: 0, from: 99 }] });
  expect((await account.entries("stage", "churn", 1))[0]?.status).toBe("ended");
  expect((await account.begin(deployment("again"), 100)).sequence).toBe(61);
});

test("retiring also ends a deployment that changes at the same time", async () => {
  const entry = await account.begin(deployment("a"), 5);
  await Promise.all([
    account.retire("churn", 99),
    account.change(entry, (current) => ({ ...current, championMoved: true })),
    account.change(entry, (current) => ({ ...current, status: "promoted" as const })),
  ]);
  const left = await account.at("prod", "churn", 1);
  expect(left?.shares).toEqual([{ percent: 0, from: 99 }]);
});
