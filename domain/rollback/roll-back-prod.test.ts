import { afterEach, beforeEach, expect, test } from "vitest";
import { createFreezes } from "#domain/changes/freezes.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { type RollbackTarget, rollBackProd } from "./roll-back-prod.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const back = (id = "rollback-1", needs = world) =>
  rollBackProd(needs)({ model: toyModel, id, by: "ada: slow answers" });
test("neither a freeze nor closed hours block a rollback", async () => {
  await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  const until = world.time.now + 86_400_000;
  const by = { id: "1", name: "Ada" };
  for (const scope of ["*", toyModel])
    await createFreezes(world).freeze({ scope, until, reason: "Black Friday", by });
  expect(await back()).toMatchObject({ from: { version: 2 }, to: { version: 1 } });
});

const serves = async (environment: "stage" | "prod") => {
  const live = await world.serving[environment].live(toyModel);
  const version = live && (await world.serving[environment].version(toyModel, live.version));
  return { digest: version?.config.digest, canary: live?.canary };
};
const open = async () =>
  (await world.claims.open()).map(({ environment, holder }) => ({ environment, holder }));

/** A delivery with a running canary. */
const canary = async (letter: string, version: number) => {
  const delivery = `delivery-${letter}`;
  world.commit(letter);
  const grant = await world.claims.take(
    { environment: "prod", model: toyModel, delivery, requestedAt: world.time.now, now: world.time.now },
    "free",
  );
  if (grant.status !== "granted") throw new Error("prod is free");
  const champion = await world.ledger.serving("prod", toyModel);
  const { version: functionVersion } = await world.serving.prod.publish(toyModel, {
    digest: fakeDigest(letter),
    memoryMb: 512,
    timeoutSeconds: 30,
    variables: {},
  });
  const entry = await world.ledger.begin(
    {
      environment: "prod",
      model: toyModel,
      delivery,
      commit: letter.repeat(40),
      digest: fakeDigest(letter),
      version,
      functionVersion,
      fence: grant.fence,
      previous: champion?.sequence ?? 0,
      reason: null,
    },
    world.time.now,
  );
  await world.ledger.change(entry, (current) => ({ ...current, status: "canary" }));
  const live = await world.serving.prod.live(toyModel);
  await world.serving.prod.route(
    toyModel,
    {
      version: champion?.functionVersion ?? "",
      canary: { version: functionVersion, weight: 0.5 },
      description: `fence=${grant.fence} delivery=${delivery}`,
    },
    { expect: live?.revision ?? "absent" },
  );
  return entry;
};

test("the previous version is verified and serves prod and stage again, and the ledger has the reason", async () => {
  const first = await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  const { from, to, ended, stage } = await back();
  expect([from.version, to.version, ended, stage.status]).toEqual([2, 1, null, "restored"]);
  expect(await serves("prod")).toEqual({ digest: fakeDigest("a"), canary: undefined });
  expect(await serves("stage")).toEqual({ digest: fakeDigest("a"), canary: undefined });
  expect(await world.ledger.serving("prod", toyModel)).toMatchObject({
    delivery: "rollback-1",
    version: 1,
    reason: "ada: slow answers",
    previous: first.previous,
    championMoved: false,
  });
  expect(await open()).toEqual([]);
});

test("each rollback goes back one version, until there is no previous one", async () => {
  await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  await promoteVersion(world, "c", 3);
  expect((await back("r1")).to.version).toBe(2);
  expect((await back("r2")).to.version).toBe(1);
  await expect(back("r3")).rejects.toMatchObject({ name: "NothingBefore" });
  expect((await serves("prod")).digest).toBe(fakeDigest("a"));
  expect(await open()).toEqual([]);
});

test("a rollback that is not possible takes prod from no delivery", async () => {
  await expect(back()).rejects.toMatchObject({ name: "NothingBefore" });
  const request = {
    environment: "prod",
    model: toyModel,
    delivery: "first",
    requestedAt: 1,
    now: 1,
  } as const;
  await world.claims.take(request, "free");
  await expect(back()).rejects.toMatchObject({ name: "NothingBefore" });
  expect(await world.claims.read("prod", toyModel)).toMatchObject({ holder: "first", fence: 1 });
});

test("during a canary the champion alone serves, and the delivery may no longer write", async () => {
  await promoteVersion(world, "a", 1);
  const champion = await promoteVersion(world, "b", 2);
  const entry = await canary("c", 3);
  const { to, ended } = await back();
  expect([to.version, ended]).toEqual([champion.version, "delivery-c"]);
  expect(await serves("prod")).toEqual({ digest: fakeDigest("b"), canary: undefined });
  expect((await world.ledger.at("prod", toyModel, entry.sequence))?.status).toBe("ended");
  await expect(world.claims.assertHeld("prod", toyModel, entry.fence)).rejects.toMatchObject({
    name: "Superseded",
  });
  // From the restored champion a rollback goes where it went before.
  expect((await back("r2")).to.version).toBe(1);
});

test("an unended deployment of an earlier delivery is not a canary", async () => {
  await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  await canary("c", 3);
  await world.claims.release("prod", toyModel, "delivery-c");
  await world.claims.take(
    { environment: "prod", model: toyModel, delivery: "later", requestedAt: 1, now: 1 },
    "free",
  );
  expect((await back()).to.version).toBe(1);
});

test("a delivery that is promoted while the claim is taken is rolled back too", async () => {
  await promoteVersion(world, "a", 1);
  const entry = await canary("b", 2);
  const take = world.claims.take;
  const late = {
    ...world,
    claims: {
      ...world.claims,
      take: async (...of: Parameters<typeof take>) => {
        if (of[1] === "force")
          await world.ledger.change(entry, (current) => ({ ...current, status: "promoted" }));
        return take(...of);
      },
    },
  };
  const { from, to, ended } = await back("r1", late);
  expect([from.version, to.version, ended]).toEqual([2, 1, null]);
  expect((await world.ledger.at("prod", toyModel, entry.sequence))?.status).toBe("promoted");
  expect((await serves("prod")).digest).toBe(fakeDigest("a"));
});

test("deleted functions are created again", async () => {
  await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  for (const environment of ["stage", "prod"] as const) await world.serving[environment].retire(toyModel);
  expect((await back()).to.digest).toBe(fakeDigest("a"));
  expect(await serves("prod")).toEqual({ digest: fakeDigest("a"), canary: undefined });
  expect(await open()).toEqual([]);
});

test("a previous version that fails its golden vectors does not stay on prod", async () => {
  await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  world.faulty.set(fakeDigest("a"), "differs");
  await expect(back()).rejects.toMatchObject({ name: "RollBackFailed" });
  expect((await serves("prod")).digest).toBe(fakeDigest("b"));
  expect((await world.ledger.serving("prod", toyModel))?.version).toBe(2);
  expect((await world.ledger.entries("prod", toyModel, 1))[0]).toMatchObject({ status: "ended" });
  expect(await open()).toEqual([]);
});

test("if nothing can be restored, the claim stays open for the sweep", async () => {
  await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  world.faulty.set(fakeDigest("a"), "differs").set(fakeDigest("b"), "crashes");
  await expect(back()).rejects.toMatchObject({ name: "RollBackFailed" });
  expect(await open()).toEqual([{ environment: "prod", holder: "rollback-1" }]);
});

test("a delivery that holds stage is not disturbed", async () => {
  await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  await world.claims.take(
    {
      environment: "stage",
      model: toyModel,
      delivery: "next",
      requestedAt: world.time.now,
      now: world.time.now,
    },
    "newer",
  );
  expect((await back()).stage.status).toBe("busy");
  expect((await serves("stage")).digest).toBe(fakeDigest("b"));
  expect(await open()).toEqual([{ environment: "stage", holder: "next" }]);
});

test("prod is rolled back even if stage fails, and the sweep retries stage", async () => {
  await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  const stage = { ...world.serving.stage, live: () => Promise.reject(new Error("stage is unreachable")) };
  const { to, stage: followed } = await back("r1", { ...world, serving: { ...world.serving, stage } });
  expect([to.version, followed.status]).toEqual([1, "failed"]);
  expect((await serves("prod")).digest).toBe(fakeDigest("a"));
  expect(await open()).toEqual([{ environment: "stage", holder: "r1" }]);
});

const backTo = (target: RollbackTarget, id = "rollback-1", needs = world) =>
  rollBackProd(needs)({ model: toyModel, id, by: "ada: the labels moved", target });

test("a person names the version: prod goes there at once, and the next rollback goes on from it", async () => {
  await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  await promoteVersion(world, "c", 3);
  await promoteVersion(world, "d", 4);
  const { from, to, provenance, stage } = await backTo({ version: 2 });
  expect([from.version, to.version, provenance, stage.status]).toEqual([4, 2, "verified", "restored"]);
  expect(await serves("prod")).toEqual({ digest: fakeDigest("b"), canary: undefined });
  expect(await world.ledger.serving("prod", toyModel)).toMatchObject({
    version: 2,
    reason: "ada: the labels moved",
    takesBack: "delivery-d",
  });
  expect((await world.ledger.takenBackBy("prod", toyModel, "delivery-d"))?.delivery).toBe("rollback-1");
  expect((await back("r2")).to.version).toBe(1);
  // What was rolled back has served too.
  expect((await backTo({ version: 4 }, "r3")).to.version).toBe(4);
  expect(await open()).toEqual([]);
});

test("an entry of the ledger names one deployment, also one that a rollback has repeated", async () => {
  const first = await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  await back("r1");
  await promoteVersion(world, "c", 3);
  expect((await backTo({ sequence: first.sequence }, "r2")).to.version).toBe(1);
});

test.each([
  [{ version: 3 }, "version 3 of toy serves prod already: it can go back to v2 (entry 2), v1 (entry 1)"],
  [{ version: 9 }, "version 9 of toy has not served prod: it can go back to v2 (entry 2), v1 (entry 1)"],
  [{ sequence: 9 }, "entry 9 of toy has not served prod: it can go back to v2 (entry 2), v1 (entry 1)"],
] as const)(
  "%j is refused with what is possible, and prod is taken from no delivery",
  async (target, message) => {
    for (const [index, letter] of ["a", "b", "c"].entries()) await promoteVersion(world, letter, index + 1);
    const before = await world.claims.read("prod", toyModel);
    await expect(backTo(target)).rejects.toMatchObject({
      name: "RollbackTargetUnknown",
      message: message.replaceAll("toy", toyModel),
    });
    expect(await world.claims.read("prod", toyModel)).toEqual(before);
    expect((await serves("prod")).digest).toBe(fakeDigest("c"));
  },
);

test("during a canary a named version ends the canary and replaces the champion; the champion's name only ends it", async () => {
  await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  const first = await canary("c", 3);
  await expect(backTo({ version: 3 })).rejects.toMatchObject({ name: "RollbackTargetUnknown" });
  expect(await backTo({ version: 2 })).toMatchObject({ ended: "delivery-c", provenance: "serving" });
  expect((await world.ledger.at("prod", toyModel, first.sequence))?.status).toBe("ended");
  await canary("d", 4);
  const { to, ended, provenance } = await backTo({ version: 1 }, "r2");
  expect([to.version, ended, provenance]).toEqual([1, "delivery-d", "verified"]);
  expect(await serves("prod")).toEqual({ digest: fakeDigest("a"), canary: undefined });
});

test("a named version whose golden vectors differ leaves prod as it was", async () => {
  await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  await promoteVersion(world, "c", 3);
  world.faulty.set(fakeDigest("a"), "differs");
  await expect(backTo({ version: 1 })).rejects.toMatchObject({ name: "RollBackFailed" });
  expect((await serves("prod")).digest).toBe(fakeDigest("c"));
  expect(await open()).toEqual([]);
});
