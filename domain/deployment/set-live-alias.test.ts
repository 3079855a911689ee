import { afterEach, beforeEach, expect, test } from "vitest";
import { RevisionConflict } from "#platform/serving/serving.ts";
import { createMemoryWorld, type MemoryWorld, promoteVersion, toyModel } from "#test/support/memory-world.ts";
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

test("a lower fence never writes, and sees that it is superseded", async () => {
  await setLiveAlias(prod())(by(9), { version: "2" });
  const before = await prod().live(toyModel);
  for (const target of [{ version: "1" }, { version: "2" }, undefined])
    await expect(setLiveAlias(prod())(by(8), target)).rejects.toMatchObject({ name: "Superseded" });
  expect(await prod().live(toyModel)).toEqual(before);
});

test("the same fence may write again, and what stands already is not written twice", async () => {
  const target = { version: "1", canary: { version: "2", weight: 0.1 } };
  await setLiveAlias(prod())(by(9), target);
  const first = await prod().live(toyModel);
  expect(first).toMatchObject({ ...target, description: "fence=9 delivery=d" });
  await setLiveAlias(prod())(by(9), target);
  expect((await prod().live(toyModel))?.revision).toBe(first?.revision);
  await setLiveAlias(prod())(by(9), { version: "1", canary: { version: "2", weight: 0.5 } });
  expect((await prod().live(toyModel))?.canary?.weight).toBe(0.5);
});

test("a higher fence is written also where the alias points there already: it shuts the lower ones out", async () => {
  await setLiveAlias(prod())(by(9), { version: "2" });
  await setLiveAlias(prod())(by(12), { version: "2" });
  expect(readFence(await prod().live(toyModel))).toBe(12);
});

test("an alias is taken away, and taking away what is not there is no fault", async () => {
  await setLiveAlias(prod())(by(9), undefined);
  expect(await prod().live(toyModel)).toBeUndefined();
  await setLiveAlias(prod())(by(9), undefined);
  await setLiveAlias(prod())(by(9), { version: "1" });
  expect((await prod().live(toyModel))?.version).toBe("1");
});

/** The alias as another writer changes it between this one's reading and its write, `times` often. */
const contended = (times: number, fence: number) => {
  let left = times;
  const here = prod();
  return {
    reads: () => times - left,
    live: async (of: string) => {
      const found = await here.live(of);
      if (left-- > 0)
        await here.route(
          of,
          { version: "1", description: `fence=${fence} delivery=other${left}` },
          { expect: found?.revision ?? "absent" },
        );
      return found;
    },
    route: here.route,
    unroute: here.unroute,
  };
};

test("a lost race is tried again on what stands then", async () => {
  await setLiveAlias(contended(3, 4))(by(9), { version: "2" });
  expect(await prod().live(toyModel)).toMatchObject({ version: "2", description: "fence=9 delivery=d" });
  await setLiveAlias(contended(3, 9))(by(9), undefined);
  expect(await prod().live(toyModel)).toBeUndefined();
});

test("a race lost to a higher fence ends as superseded, without a write", async () => {
  await expect(setLiveAlias(contended(1, 10))(by(9), { version: "2" })).rejects.toMatchObject({
    name: "Superseded",
  });
  expect((await prod().live(toyModel))?.description).toContain("fence=10");
});

test("a race that is lost again and again is left to the state machine's retry", async () => {
  await expect(setLiveAlias(contended(99, 4))(by(9), { version: "2" })).rejects.toBeInstanceOf(
    RevisionConflict,
  );
});
