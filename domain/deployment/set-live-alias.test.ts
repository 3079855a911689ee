import { afterEach, beforeEach, expect, test } from "vitest";
import { RevisionConflict } from "#platform/serving/serving.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { toyModel } from "#test/support/toy-model.ts";
import { readFence, setLiveAlias } from "./set-live-alias.ts";

let world: MemoryWorld;
beforeEach(async () => {
  world = createMemoryWorld();
  await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
});
afterEach(() => world.close());

const by = (fence: number) => ({ model: toyModel, delivery: "d", fence });
const prod = () => world.serving.prod;

test("a lower fence never writes and is superseded", async () => {
  await setLiveAlias(prod())(by(9), { version: "2" });
  const before = await prod().live(toyModel);
  for (const target of [{ version: "1" }, { version: "2" }, undefined])
    await expect(setLiveAlias(prod())(by(8), target)).rejects.toMatchObject({ name: "Superseded" });
  expect(await prod().live(toyModel)).toEqual(before);
});

test("the same fence may write again, and an equal target is not written twice", async () => {
  const target = { version: "1", canary: { version: "2", weight: 0.1 } };
  await setLiveAlias(prod())(by(9), target);
  const first = await prod().live(toyModel);
  expect(first).toMatchObject({ ...target, description: "fence=9 delivery=d" });
  await setLiveAlias(prod())(by(9), target);
  expect((await prod().live(toyModel))?.revision).toBe(first?.revision);
  await setLiveAlias(prod())(by(9), { version: "1", canary: { version: "2", weight: 0.5 } });
  expect((await prod().live(toyModel))?.canary?.weight).toBe(0.5);
});

test("a higher fence is written even if the alias already has the target, so that lower fences are refused", async () => {
  await setLiveAlias(prod())(by(9), { version: "2" });
  await setLiveAlias(prod())(by(12), { version: "2" });
  expect(readFence(await prod().live(toyModel))).toBe(12);
});

test("an alias is removed, and a removal without an alias is not an error", async () => {
  await setLiveAlias(prod())(by(9), undefined);
  expect(await prod().live(toyModel)).toBeUndefined();
  await setLiveAlias(prod())(by(9), undefined);
  await setLiveAlias(prod())(by(9), { version: "1" });
  expect((await prod().live(toyModel))?.version).toBe("1");
});

/** Another writer changes the alias between read and write, `times` times. */
const contended = (times: number, fence: number) => {
  let left = times;
  const here = prod();
  return {
    reads: () => times - left,
    live: async (model: string) => {
      const alias = await here.live(model);
      if (left-- > 0)
        await here.route(
          model,
          { version: "1", description: `fence=${fence} delivery=other${left}` },
          { expect: alias?.revision ?? "absent" },
        );
      return alias;
    },
    route: here.route,
    unroute: here.unroute,
  };
};

test("a lost race is retried with the new revision", async () => {
  await setLiveAlias(contended(3, 4))(by(9), { version: "2" });
  expect(await prod().live(toyModel)).toMatchObject({ version: "2", description: "fence=9 delivery=d" });
  await setLiveAlias(contended(3, 9))(by(9), undefined);
  expect(await prod().live(toyModel)).toBeUndefined();
});

test("a race lost to a higher fence ends as Superseded, without a write", async () => {
  await expect(setLiveAlias(contended(1, 10))(by(9), { version: "2" })).rejects.toMatchObject({
    name: "Superseded",
  });
  expect((await prod().live(toyModel))?.description).toContain("fence=10");
});

test("a race that is lost too often is left to the state machine's retry", async () => {
  await expect(setLiveAlias(contended(99, 4))(by(9), { version: "2" })).rejects.toBeInstanceOf(
    RevisionConflict,
  );
});
