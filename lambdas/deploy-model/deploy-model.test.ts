import { afterEach, beforeEach, expect, test } from "vitest";
import { restoreEnvironment } from "#domain/rollback/restore-environment.ts";
import { shiftTraffic } from "#lambdas/shift-traffic/shift-traffic.ts";
import type { DeployModelInput } from "#statemachine/contracts.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { recordApproval } from "#test/support/record-approval.ts";
import { fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { deployModel } from "./deploy-model.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const delivery = "delivery-n";
const claim = async (environment: "stage" | "prod", letter = "c"): Promise<DeployModelInput> => {
  const grant = await world.claims.take(
    { environment, model: toyModel, delivery, requestedAt: world.time.now, now: world.time.now },
    "free",
  );
  const fence = grant.status === "granted" ? grant.fence : 0;
  const artefact = { fence, digest: fakeDigest(letter), version: 3 };
  const subject = { delivery, model: toyModel, commit: world.commit(letter), ...artefact };
  if (environment === "stage") return { ...subject, environment };
  const approval = await recordApproval(world, { delivery, letter, version: 3 });
  return { ...subject, environment, approval };
};
const live = (environment: "stage" | "prod") => world.serving[environment].live(toyModel);

test("on stage the alias moves at once, and a second run changes nothing", async () => {
  await promoteVersion(world, "a", 1);
  const input = await claim("stage");
  const first = await deployModel(world)(input);
  const revision = (await live("stage"))?.revision;
  expect(await deployModel(world)(input)).toEqual(first);
  expect(first).toMatchObject({ functionVersion: "2", championVersion: null, canary: false });
  expect(await live("stage")).toMatchObject({ version: "2", revision });
  expect(await world.ledger.entries("stage", toyModel, 9)).toHaveLength(2);
  expect((await live("prod"))?.version).toBe("1");
});

test("on prod a verified version gets no traffic, and what an earlier canary left is removed", async () => {
  const champion = await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  await world.serving.prod.route(
    toyModel,
    { version: "2", canary: { version: "1", weight: 0.5 }, description: "fence=1 delivery=left" },
    { expect: (await live("prod"))?.revision ?? "" },
  );
  const deployed = await deployModel(world)(await claim("prod"));
  expect(deployed).toMatchObject({ functionVersion: "3", championVersion: "2", canary: true });
  expect(await live("prod")).toMatchObject({ version: "2" });
  expect((await live("prod"))?.canary).toBeUndefined();
  expect(champion.functionVersion).toBe("1");
  expect(await world.ledger.ofDelivery("prod", toyModel, delivery)).toMatchObject({
    status: "deployed",
    previous: 2,
  });
});

test("the next delivery creates a function again that someone deleted by hand", async () => {
  await promoteVersion(world, "a", 1);
  await world.serving.stage.retire(toyModel);
  await deployModel(world)(await claim("stage"));
  const alias = await live("stage");
  expect((await world.serving.stage.version(toyModel, alias?.version ?? ""))?.config.digest).toBe(
    fakeDigest("c"),
  );
});

const readDigest = async (environment: "stage" | "prod", version: string | null | undefined) =>
  (await world.serving[environment].version(toyModel, version ?? ""))?.config.digest;

test("a champion that was deleted with its function is created again on prod, with all of its traffic", async () => {
  await promoteVersion(world, "9", 1);
  const champion = await promoteVersion(world, "a", 2);
  await world.serving.prod.retire(toyModel);
  const deployed = await deployModel(world)(await claim("prod"));
  expect(await readDigest("prod", deployed.championVersion)).toBe(champion.digest);
  expect(await readDigest("prod", deployed.functionVersion)).toBe(fakeDigest("c"));
  expect(await live("prod")).toMatchObject({ version: deployed.championVersion });
});

test("the next delivery finds a champion that a rollback created again, under its new number", async () => {
  await promoteVersion(world, "9", 1);
  const champion = await promoteVersion(world, "a", 2);
  await world.serving.prod.retire(toyModel);
  const { fence } = await claim("prod");
  const restored = await restoreEnvironment(world)("prod", { model: toyModel, delivery, fence }, champion);
  expect(restored).not.toBe(champion.functionVersion);
  expect((await world.ledger.serving("prod", toyModel))?.functionVersion).toBe(restored);
  const deployed = await deployModel(world)(await claim("prod"));
  expect(deployed).toMatchObject({ championVersion: restored, canary: true });
  expect(await live("prod")).toMatchObject({ version: restored });
});

test("a champion that was deleted on stage is created again there, so that a new version is compared with it", async () => {
  await promoteVersion(world, "9", 1);
  const champion = await promoteVersion(world, "a", 2);
  await world.serving.stage.retire(toyModel);
  const { functionVersion } = await deployModel(world)(await claim("stage"));
  const known = await world.ledger.ofImage("stage", toyModel, champion.digest, champion.version);
  expect(await readDigest("stage", known?.functionVersion)).toBe(champion.digest);
  expect(await live("stage")).toMatchObject({ version: functionVersion });
});

test("a first version has no champion to compare with, and gets no request before it is promoted", async () => {
  expect(await deployModel(world)(await claim("prod"))).toMatchObject({
    championVersion: null,
    canary: false,
  });
  expect(await live("prod")).toBeUndefined();
});

test("a version that differs from its golden vectors gets no traffic on prod", async () => {
  await promoteVersion(world, "a", 1);
  world.faulty.set(fakeDigest("c"), "differs");
  await expect(deployModel(world)(await claim("prod"))).rejects.toMatchObject({
    name: "GoldenVectorsDiffer",
  });
  expect(await live("prod")).toMatchObject({ version: "1" });
});

test("a delivery whose claim another delivery was granted deploys nothing", async () => {
  await promoteVersion(world, "a", 1);
  const input = await claim("prod");
  await world.claims.take(
    { environment: "prod", model: toyModel, delivery: "r", requestedAt: 1, now: 1 },
    "force",
  );
  await expect(deployModel(world)(input)).rejects.toMatchObject({ name: "Superseded" });
  expect(await world.ledger.ofDelivery("prod", toyModel, delivery)).toBeUndefined();
});

test("a share that is shifted twice starts once; the next share has a new start", async () => {
  await promoteVersion(world, "a", 1);
  const input = await claim("prod");
  await deployModel(world)(input);
  const shift = { ...input, championVersion: "1", functionVersion: "2", step: 0 };
  const first = await shiftTraffic(world)(shift);
  world.time.now += 60_000;
  expect(await shiftTraffic(world)(shift)).toEqual(first);
  expect(first).toMatchObject({ share: 10, bakeSeconds: 1_800 });
  expect((await world.ledger.ofDelivery("prod", toyModel, delivery))?.shares).toHaveLength(1);
  const next = await shiftTraffic(world)({ ...shift, step: 1 });
  expect(next).toMatchObject({ share: 50, since: first.since + 60_000 });
  expect(await live("prod")).toMatchObject({ version: "1", canary: { version: "2", weight: 0.5 } });
  await expect(shiftTraffic(world)({ ...shift, step: 2 })).rejects.toMatchObject({ name: "ContractBroken" });
});

test("no traffic is shifted after a rollback took prod", async () => {
  await promoteVersion(world, "a", 1);
  const input = await claim("prod");
  await deployModel(world)(input);
  const shift = { ...input, championVersion: "1", functionVersion: "2", step: 0 };
  const entry = await world.ledger.ofDelivery("prod", toyModel, delivery);
  if (entry) await world.ledger.change(entry, (current) => ({ ...current, status: "ended" }));
  await expect(shiftTraffic(world)(shift)).rejects.toMatchObject({ name: "Superseded" });
  expect((await world.ledger.ofDelivery("prod", toyModel, delivery))?.status).toBe("ended");
});
