import { afterEach, beforeEach, expect, test } from "vitest";
import { digestOf, model, type StepWorld, serve, stepWorld } from "../../test/step-world.ts";
import { shiftTraffic } from "../shift-traffic/shift-traffic.ts";
import { deployModel } from "./deploy-model.ts";

let world: StepWorld;
beforeEach(() => {
  world = stepWorld();
});
afterEach(() => world.close());

const delivery = "delivery-n";
const claimed = async (environment: "stage" | "prod", letter = "c") => {
  const grant = await world.claims.take(
    { environment, model, delivery, requestedAt: world.time.now, now: world.time.now },
    "free",
  );
  const fence = grant.status === "granted" ? grant.fence : 0;
  return {
    delivery,
    model,
    commit: world.commit(letter),
    environment,
    fence,
    digest: digestOf(letter),
    version: 3,
  };
};
const live = (environment: "stage" | "prod") => world.serving[environment].live(model);

test("on stage the alias moves at once, and twice is once", async () => {
  await serve(world, "a", 1);
  const input = await claimed("stage");
  const first = await deployModel(world)(input);
  const revision = (await live("stage"))?.revision;
  expect(await deployModel(world)(input)).toEqual(first);
  expect(first).toMatchObject({ functionVersion: "2", championVersion: null, canary: false });
  expect(await live("stage")).toMatchObject({ version: "2", revision });
  expect(await world.ledger.entries("stage", model, 9)).toHaveLength(2);
  expect((await live("prod"))?.version).toBe("1");
});

test("on prod a proven version gets no traffic, and what a former canary left is healed", async () => {
  const champion = await serve(world, "a", 1);
  await serve(world, "b", 2);
  await world.serving.prod.route(
    model,
    { version: "2", canary: { version: "1", weight: 0.5 }, description: "fence=1 delivery=left" },
    { expect: (await live("prod"))?.revision ?? "" },
  );
  const deployed = await deployModel(world)(await claimed("prod"));
  expect(deployed).toMatchObject({ functionVersion: "3", championVersion: "2", canary: true });
  expect(await live("prod")).toMatchObject({ version: "2" });
  expect((await live("prod"))?.canary).toBeUndefined();
  expect(champion.functionVersion).toBe("1");
  expect(await world.ledger.ofDelivery("prod", model, delivery)).toMatchObject({
    status: "deployed",
    previous: 2,
  });
});

test("a function that was deleted by hand is made anew by the next delivery", async () => {
  await serve(world, "a", 1);
  await world.serving.stage.retire(model);
  await deployModel(world)(await claimed("stage"));
  const alias = await live("stage");
  expect((await world.serving.stage.version(model, alias?.version ?? ""))?.config.digest).toBe(digestOf("c"));
});

test("a first version has nothing to compare with, and answers nobody before it is promoted", async () => {
  expect(await deployModel(world)(await claimed("prod"))).toMatchObject({
    championVersion: null,
    canary: false,
  });
  expect(await live("prod")).toBeUndefined();
});

test("a version that answers otherwise than at training never comes near prod's traffic", async () => {
  await serve(world, "a", 1);
  world.faulty.set(digestOf("c"), "differs");
  await expect(deployModel(world)(await claimed("prod"))).rejects.toMatchObject({
    name: "GoldenVectorsDiffer",
  });
  expect(await live("prod")).toMatchObject({ version: "1" });
});

test("a delivery whose claim someone else was granted deploys nothing", async () => {
  await serve(world, "a", 1);
  const input = await claimed("prod");
  await world.claims.take({ environment: "prod", model, delivery: "r", requestedAt: 1, now: 1 }, "force");
  await expect(deployModel(world)(input)).rejects.toMatchObject({ name: "Superseded" });
  expect(await world.ledger.ofDelivery("prod", model, delivery)).toBeUndefined();
});

test("a share that is shifted twice began once; the next share begins anew", async () => {
  await serve(world, "a", 1);
  const input = await claimed("prod");
  await deployModel(world)(input);
  const shift = { ...input, championVersion: "1", functionVersion: "2", step: 0 };
  const first = await shiftTraffic(world)(shift);
  world.time.now += 60_000;
  expect(await shiftTraffic(world)(shift)).toEqual(first);
  expect(first).toMatchObject({ share: 10, bakeSeconds: 1_800 });
  expect((await world.ledger.ofDelivery("prod", model, delivery))?.shares).toHaveLength(1);
  const next = await shiftTraffic(world)({ ...shift, step: 1 });
  expect(next).toMatchObject({ share: 50, since: first.since + 60_000 });
  expect(await live("prod")).toMatchObject({ version: "1", canary: { version: "2", weight: 0.5 } });
  await expect(shiftTraffic(world)({ ...shift, step: 2 })).rejects.toMatchObject({ name: "ContractBroken" });
});

test("no traffic is shifted after a rollback took prod", async () => {
  await serve(world, "a", 1);
  const input = await claimed("prod");
  await deployModel(world)(input);
  const shift = { ...input, championVersion: "1", functionVersion: "2", step: 0 };
  const entry = await world.ledger.ofDelivery("prod", model, delivery);
  if (entry) await world.ledger.change(entry, (current) => ({ ...current, status: "ended" }));
  await expect(shiftTraffic(world)(shift)).rejects.toMatchObject({ name: "Superseded" });
  expect((await world.ledger.ofDelivery("prod", model, delivery))?.status).toBe("ended");
});
