import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { restoreEnvironment } from "./restore-environment.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());
const writer = { model: toyModel, delivery: "d", fence: 50 };

test("prod gets the function version of the ledger, without a canary", async () => {
  const first = await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  const live = await world.serving.prod.live(toyModel);
  await world.serving.prod.route(
    toyModel,
    { version: "2", canary: { version: "1", weight: 0.1 }, description: "fence=3" },
    { expect: live?.revision ?? "" },
  );
  expect(await restoreEnvironment(world)("prod", writer, first)).toBe(first.functionVersion);
  expect(await world.serving.prod.live(toyModel)).toMatchObject({
    version: "1",
    description: "fence=50 delivery=d",
  });
  expect((await world.serving.prod.live(toyModel))?.canary).toBeUndefined();
});

test("stage gets its own version of the image that prod serves", async () => {
  // Stage has one version more than prod, so the numbers differ.
  await world.serving.stage.ensure(toyModel);
  await world.serving.stage.publish(toyModel, {
    digest: fakeDigest("9"),
    memoryMb: 512,
    timeoutSeconds: 30,
    variables: {},
  });
  const first = await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  expect(first.functionVersion).toBe("1");
  expect(await restoreEnvironment(world)("stage", writer, first)).toBe("2");
  const version = await world.serving.stage.version(toyModel, "2");
  expect(version?.config.digest).toBe(fakeDigest("a"));
});

test("if the version number belongs to another image, the image is published again", async () => {
  const first = await promoteVersion(world, "a", 1);
  await world.serving.prod.retire(toyModel);
  await world.serving.prod.ensure(toyModel);
  await world.serving.prod.publish(toyModel, {
    digest: fakeDigest("9"),
    memoryMb: 512,
    timeoutSeconds: 30,
    variables: {},
  });
  expect(await restoreEnvironment(world)("prod", writer, first)).toBe("2");
  expect((await world.serving.prod.version(toyModel, "2"))?.config.digest).toBe(fakeDigest("a"));
});

test("without a target the model serves no request", async () => {
  await promoteVersion(world, "a", 1);
  expect(await restoreEnvironment(world)("prod", writer, undefined)).toBeNull();
  expect(await world.serving.prod.live(toyModel)).toBeUndefined();
});

test.each(["differs", "crashes"] as const)(
  "a version that %s on its golden rows is a failed rollback",
  async (failure) => {
    const first = await promoteVersion(world, "a", 1);
    world.faulty.set(fakeDigest("a"), failure);
    await expect(restoreEnvironment(world)("prod", writer, first)).rejects.toMatchObject({
      name: "RollBackFailed",
    });
  },
);

test("a lower fence changes nothing", async () => {
  const first = await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  await expect(restoreEnvironment(world)("prod", { ...writer, fence: 1 }, first)).rejects.toMatchObject({
    name: "Superseded",
  });
  expect((await world.serving.prod.live(toyModel))?.version).toBe("2");
});

test("an alias that differs after the write is a failed rollback", async () => {
  const first = await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  const prod = {
    ...world.serving.prod,
    route: async () => ({ version: "1", description: "", revision: "1" }),
  };
  await expect(
    restoreEnvironment({ ...world, serving: { ...world.serving, prod } })("prod", writer, first),
  ).rejects.toMatchObject({ name: "RollBackFailed", message: expect.stringContaining("does not point to") });
});

test("an alias with a canary is not restored", async () => {
  const first = await promoteVersion(world, "a", 1);
  const shared = {
    version: "1",
    canary: { version: "2", weight: 0.1 },
    description: "fence=50",
    revision: "9",
  };
  const prod = { ...world.serving.prod, route: async () => shared, live: async () => shared };
  await expect(
    restoreEnvironment({ ...world, serving: { ...world.serving, prod } })("prod", writer, first),
  ).rejects.toMatchObject({ name: "RollBackFailed", message: expect.stringContaining("does not point to") });
});
