import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { createOverview } from "./create-overview.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const readToy = async (needs: Partial<Parameters<typeof createOverview>[0]> = {}) => {
  const overview = createOverview({
    ...{ store: world.store, deliveries: world.deliveries, clock: world.clock, keepMetricsMs: 1_000 },
    ...needs,
  });
  return (await overview.readHome()).find(({ model }) => model === toyModel);
};
const startCanary = async (delivery: string) => {
  const claim = { model: toyModel, delivery, requestedAt: world.time.now, now: world.time.now };
  await world.claims.take({ ...claim, environment: "prod" }, "free");
  const entry = await world.ledger.begin(
    {
      ...{ environment: "prod", model: toyModel, delivery, commit: fakeCommit("b"), digest: fakeDigest("b") },
      ...{ version: 2, functionVersion: "2", fence: 9, previous: 1, reason: null },
    },
    world.time.now,
  );
  const shares = [{ percent: 10, from: world.time.now }];
  return world.ledger.change(entry, (current) => ({ ...current, status: "canary", shares }));
};

test("stage shows what prod promoted last, except while a delivery has it", async () => {
  await promoteVersion(world, "a", 1);
  expect(await readToy()).toMatchObject({ stage: { version: 1 }, prod: { version: 1 }, canary: null });
  const claim = {
    environment: "stage",
    model: toyModel,
    delivery: "d2",
    requestedAt: world.time.now,
  } as const;
  await world.claims.take({ ...claim, now: world.time.now }, "newer");
  expect(await readToy()).toMatchObject({ stage: { version: 1 } });
  await world.ledger.begin(
    {
      ...{ environment: "stage", model: toyModel, delivery: "d2", commit: fakeCommit("b"), version: 2 },
      ...{ digest: fakeDigest("b"), functionVersion: "2", fence: 2, previous: 1, reason: null },
    },
    world.time.now,
  );
  expect(await readToy()).toMatchObject({ stage: { version: 2 }, prod: { version: 1 } });
  await world.claims.release("stage", toyModel, "d2");
  expect(await readToy()).toMatchObject({ stage: { version: 1 } });
});

test("a canary is shown with its share until it ends", async () => {
  await promoteVersion(world, "a", 1);
  const entry = await startCanary("d2");
  expect(await readToy()).toMatchObject({ canary: { version: 2, percent: 10 }, prod: { version: 1 } });
  await world.ledger.change(entry, (current) => ({ ...current, status: "ended" }));
  expect(await readToy()).toMatchObject({ canary: null, prod: { version: 1 } });
});

test("the serving version is found behind more ended canaries than a page of the ledger has", async () => {
  await promoteVersion(world, "a", 1);
  for (let index = 0; index < 30; index++) {
    const entry = await startCanary(`canary-${index}`);
    await world.ledger.change(entry, (current) => ({ ...current, status: "ended" }));
    await world.claims.release("prod", toyModel, `canary-${index}`);
  }
  expect(await readToy()).toMatchObject({ prod: { version: 1 } });
});

test("a retired model serves nothing", async () => {
  await promoteVersion(world, "a", 1);
  await world.ledger.retire(toyModel, world.time.now);
  expect(await readToy()).toMatchObject({ prod: null, stage: null, health: { status: "unknown" } });
});

test("health is unknown where the world has no metrics or they cannot be read, and is not asked for again at once", async () => {
  await promoteVersion(world, "a", 1);
  expect((await readToy())?.health).toEqual({ status: "unknown", why: "no metrics here" });
  const broken = { ...world.metrics, statistics: () => Promise.reject(new Error("throttled")) };
  expect((await readToy({ metrics: broken }))?.health).toMatchObject({ status: "unknown" });
  let questions = 0;
  const counted = {
    hourlyCalls: world.metrics.hourlyCalls,
    statistics: (...parameters: Parameters<typeof world.metrics.statistics>) => {
      questions++;
      return world.metrics.statistics(...parameters);
    },
  };
  const overview = createOverview({
    ...{ store: world.store, deliveries: world.deliveries, clock: world.clock, keepMetricsMs: 1_000 },
    metrics: counted,
  });
  for (let page = 0; page < 3; page++) await overview.readHome();
  expect(questions).toBe(1);
  world.time.now += 1_000;
  await overview.readHome();
  expect(questions).toBe(2);
});
