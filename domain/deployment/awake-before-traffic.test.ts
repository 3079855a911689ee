import { afterEach, beforeEach, expect, test } from "vitest";
import { rollBackProd } from "#domain/rollback/roll-back-prod.ts";
import { deployModel } from "#lambdas/deploy-model/deploy-model.ts";
import { promoteModel } from "#lambdas/promote-model/promote-model.ts";
import { rollBack } from "#lambdas/roll-back/roll-back.ts";
import { shiftTraffic } from "#lambdas/shift-traffic/shift-traffic.ts";
import { type Environment, environments, type Serving } from "#platform/serving/serving.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { recordApproval } from "#test/support/record-approval.ts";
import { fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";

/**
 * Lambda makes a version of an image inactive after weeks without calls. `publish` and a call by its number wait until it is
 * awake; what serves already is awake. All other versions sleep here.
 */
const sleepingServing = (serving: Serving, environment: Environment, asleep: string[]): Serving => {
  const awake = new Set<string>();
  return {
    ...serving,
    publish: async (model, config) => {
      const published = await serving.publish(model, config);
      awake.add(published.version);
      return published;
    },
    invoke: async (model, qualifier, payload) => {
      if (qualifier !== "live") awake.add(qualifier.version);
      return serving.invoke(model, qualifier, payload);
    },
    route: async (model, alias, options) => {
      const live = await serving.live(model);
      for (const version of [alias.version, alias.canary?.version ?? alias.version])
        if (!awake.has(version) && version !== live?.version && version !== live?.canary?.version)
          asleep.push(`${environment} ${version}`);
      return serving.route(model, alias, options);
    },
  };
};

let world: MemoryWorld;
/** Versions that got traffic while they slept. */
let asleep: string[];
beforeEach(async () => {
  world = createMemoryWorld();
  await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  asleep = [];
});
afterEach(() => world.close());

/** The world some weeks later. */
const afterWeeks = () => ({
  ...world,
  serving: {
    stage: sleepingServing(world.serving.stage, "stage", asleep),
    prod: sleepingServing(world.serving.prod, "prod", asleep),
  },
});

const delivery = "delivery-n";
const claim = async (environment: Environment) => {
  const grant = await world.claims.take(
    { environment, model: toyModel, delivery, requestedAt: world.time.now, now: world.time.now },
    "free",
  );
  if (grant.status !== "granted") throw new Error(`${environment} must be free`);
  return grant.fence;
};
const served = async (environment: Environment) => (await world.serving[environment].live(toyModel))?.version;

test("a delivery to stage routes a version of an earlier delivery only once it is awake", async () => {
  const image = { digest: fakeDigest("a"), version: 1, commit: fakeCommit("a") };
  const fence = await claim("stage");
  const needs = afterWeeks();
  await deployModel(needs)({ ...image, delivery, model: toyModel, fence, environment: "stage" });
  expect(asleep).toEqual([]);
});

test("a canary and a promotion give traffic only to versions that have answered", async () => {
  const commit = world.commit("c");
  const fence = await claim("prod");
  const approval = await recordApproval(world, { delivery, letter: "c", version: 3 });
  const subject = { delivery, model: toyModel, commit };
  const input = { ...subject, digest: fakeDigest("c"), version: 3, fence, approval };
  const needs = afterWeeks();
  const deployed = await deployModel(needs)({ ...input, environment: "prod" });
  const { functionVersion, championVersion } = deployed;
  if (championVersion === null) throw new Error("prod has a champion");
  await shiftTraffic(needs)({ ...subject, fence, championVersion, functionVersion, step: 0 });
  const approvedBy = [{ user: "U024BE7LH", name: "Ada", at: "2026-11-21T12:00:00.000Z" }];
  await promoteModel(needs)({ ...input, stageFence: 1, functionVersion, approvedBy });
  expect(await served("prod")).toBe(functionVersion);
  expect(asleep).toEqual([]);
});

test("a person's rollback wakes the previous version on prod and on stage", async () => {
  await rollBackProd(afterWeeks())({ model: toyModel, id: "rollback-1", by: "ada: slow answers" });
  for (const environment of environments) expect(await served(environment)).toBe("1");
  expect(asleep).toEqual([]);
});

test("the rollback of a delivery wakes what it restores", async () => {
  for (const environment of environments) {
    const fence = await claim(environment);
    const live = await world.serving[environment].live(toyModel);
    await world.serving[environment].route(
      toyModel,
      { version: "1", description: `fence=${fence} delivery=${delivery}` },
      { expect: live?.revision ?? "absent" },
    );
  }
  const commit = world.commit("c");
  await world.ledger.begin(
    {
      ...((await world.ledger.serving("prod", toyModel)) ?? expect.fail("prod has a champion")),
      delivery,
      functionVersion: "1",
    },
    world.time.now,
  );
  await rollBack(afterWeeks())({ delivery, model: toyModel, commit, error: null });
  for (const environment of environments) expect(await served(environment)).toBe("2");
  expect(asleep).toEqual([]);
});
