import { afterEach, beforeEach, expect, test } from "vitest";
import { RevisionConflict } from "#platform/serving/serving.ts";
import { model, type StepWorld, serve, stepWorld } from "#test/support/step-world.ts";
import { fencedRoute, fenceOf } from "./fenced-route.ts";

let world: StepWorld;
beforeEach(async () => {
  world = stepWorld();
  await serve(world, "a", 1);
  await serve(world, "b", 2);
});
afterEach(() => world.close());

const by = (fence: number) => ({ model, delivery: "d", fence });
const prod = () => world.serving.prod;

test("a lower fence never writes, and sees that it is superseded", async () => {
  await fencedRoute(prod())(by(9), { version: "2" });
  const before = await prod().live(model);
  for (const target of [{ version: "1" }, { version: "2" }, undefined])
    await expect(fencedRoute(prod())(by(8), target)).rejects.toMatchObject({ name: "Superseded" });
  expect(await prod().live(model)).toEqual(before);
});

test("the same fence may write again, and what stands already is not written twice", async () => {
  const target = { version: "1", canary: { version: "2", weight: 0.1 } };
  await fencedRoute(prod())(by(9), target);
  const first = await prod().live(model);
  expect(first).toMatchObject({ ...target, description: "fence=9 delivery=d" });
  await fencedRoute(prod())(by(9), target);
  expect((await prod().live(model))?.revision).toBe(first?.revision);
  await fencedRoute(prod())(by(9), { version: "1", canary: { version: "2", weight: 0.5 } });
  expect((await prod().live(model))?.canary?.weight).toBe(0.5);
});

test("a higher fence is written also where the alias points there already: it shuts the lower ones out", async () => {
  await fencedRoute(prod())(by(9), { version: "2" });
  await fencedRoute(prod())(by(12), { version: "2" });
  expect(fenceOf(await prod().live(model))).toBe(12);
});

test("an alias is taken away, and taking away what is not there is no fault", async () => {
  await fencedRoute(prod())(by(9), undefined);
  expect(await prod().live(model)).toBeUndefined();
  await fencedRoute(prod())(by(9), undefined);
  await fencedRoute(prod())(by(9), { version: "1" });
  expect((await prod().live(model))?.version).toBe("1");
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
  await fencedRoute(contended(3, 4))(by(9), { version: "2" });
  expect(await prod().live(model)).toMatchObject({ version: "2", description: "fence=9 delivery=d" });
  await fencedRoute(contended(3, 9))(by(9), undefined);
  expect(await prod().live(model)).toBeUndefined();
});

test("a race lost to a higher fence ends as superseded, without a write", async () => {
  await expect(fencedRoute(contended(1, 10))(by(9), { version: "2" })).rejects.toMatchObject({
    name: "Superseded",
  });
  expect((await prod().live(model))?.description).toContain("fence=10");
});

test("a race that is lost again and again is left to the state machine's retry", async () => {
  await expect(fencedRoute(contended(99, 4))(by(9), { version: "2" })).rejects.toBeInstanceOf(
    RevisionConflict,
  );
});
