import { afterEach, beforeEach, expect, test } from "vitest";
import { digestOf, model, type StepWorld, serve, stepWorld } from "#test/support/step-world.ts";
import { restore } from "./restore.ts";

let world: StepWorld;
beforeEach(() => {
  world = stepWorld();
});
afterEach(() => world.close());
const writer = { model, delivery: "d", fence: 50 };

test("prod goes back to the very function version of the ledger, without a canary", async () => {
  const first = await serve(world, "a", 1);
  await serve(world, "b", 2);
  const live = await world.serving.prod.live(model);
  await world.serving.prod.route(
    model,
    { version: "2", canary: { version: "1", weight: 0.1 }, description: "fence=3" },
    { expect: live?.revision ?? "" },
  );
  expect(await restore(world)("prod", writer, first)).toBe(first.functionVersion);
  expect(await world.serving.prod.live(model)).toMatchObject({
    version: "1",
    description: "fence=50 delivery=d",
  });
  expect((await world.serving.prod.live(model))?.canary).toBeUndefined();
});

test("stage goes to its own version of the image that prod serves", async () => {
  // Stage has one version more than prod, so the numbers differ.
  await world.serving.stage.ensure(model);
  await world.serving.stage.publish(model, {
    digest: digestOf("9"),
    memoryMb: 512,
    timeoutSeconds: 30,
    variables: {},
  });
  const first = await serve(world, "a", 1);
  await serve(world, "b", 2);
  expect(first.functionVersion).toBe("1");
  expect(await restore(world)("stage", writer, first)).toBe("2");
  const version = await world.serving.stage.version(model, "2");
  expect(version?.config.digest).toBe(digestOf("a"));
});

test("where the number belongs to another image by now, the image decides and is published again", async () => {
  const first = await serve(world, "a", 1);
  await world.serving.prod.retire(model);
  await world.serving.prod.ensure(model);
  await world.serving.prod.publish(model, {
    digest: digestOf("9"),
    memoryMb: 512,
    timeoutSeconds: 30,
    variables: {},
  });
  expect(await restore(world)("prod", writer, first)).toBe("2");
  expect((await world.serving.prod.version(model, "2"))?.config.digest).toBe(digestOf("a"));
});

test("with nothing to go back to the model answers nobody", async () => {
  await serve(world, "a", 1);
  expect(await restore(world)("prod", writer, undefined)).toBeNull();
  expect(await world.serving.prod.live(model)).toBeUndefined();
});

test.each(["differs", "crashes"] as const)(
  "a version that %s when asked its golden rows is a failed rollback",
  async (fault) => {
    const first = await serve(world, "a", 1);
    world.faulty.set(digestOf("a"), fault);
    await expect(restore(world)("prod", writer, first)).rejects.toMatchObject({ name: "RollBackFailed" });
  },
);

test("a higher fence keeps what it has", async () => {
  const first = await serve(world, "a", 1);
  await serve(world, "b", 2);
  await expect(restore(world)("prod", { ...writer, fence: 1 }, first)).rejects.toMatchObject({
    name: "Superseded",
  });
  expect((await world.serving.prod.live(model))?.version).toBe("2");
});

test("an alias that does not read back as it was written is a failed rollback", async () => {
  const first = await serve(world, "a", 1);
  await serve(world, "b", 2);
  const prod = {
    ...world.serving.prod,
    route: async () => ({ version: "1", description: "", revision: "1" }),
  };
  await expect(
    restore({ ...world, serving: { ...world.serving, prod } })("prod", writer, first),
  ).rejects.toMatchObject({ name: "RollBackFailed", message: expect.stringContaining("read back") });
});

test("an alias that still shares its traffic is not restored", async () => {
  const first = await serve(world, "a", 1);
  const shared = {
    version: "1",
    canary: { version: "2", weight: 0.1 },
    description: "fence=50",
    revision: "9",
  };
  const prod = { ...world.serving.prod, route: async () => shared, live: async () => shared };
  await expect(
    restore({ ...world, serving: { ...world.serving, prod } })("prod", writer, first),
  ).rejects.toMatchObject({ name: "RollBackFailed", message: expect.stringContaining("read back") });
});
