import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { createNewApproval, recordApproval } from "#test/support/record-approval.ts";
import { buildModelYaml, fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { claimEnvironment } from "./claim-environment.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const commit = fakeCommit("a");
/** Tests on real repositories cover who may approve (test/attacks/contributors.test.ts). */
const needs = () => ({ ...world, assertApprovable: async () => undefined });
const stage = (delivery: string, requestedAt: number) =>
  claimEnvironment(needs())({
    delivery,
    model: toyModel,
    commit,
    environment: "stage",
    requestedAt,
    pusher: null,
  });
const prod = async (
  delivery: string,
  { baseline = 0, ...changes }: { baseline?: number; [field: string]: unknown } = {},
) =>
  claimEnvironment(needs())({
    approval: await recordApproval(world, { delivery, letter: "a", version: 1, baseline }),
    digest: fakeDigest("a"),
    version: 1,
    delivery,
    model: toyModel,
    commit,
    environment: "prod",
    requestedAt: 1,
    stageFence: 1,
    baseline,
    approvedAt: world.time.now,
    ...changes,
  });
const ask = (delivery: string, fence: number) => {
  world.engine.waiting.add(delivery);
  return world.approvals.ask(
    createNewApproval(world, { delivery, letter: "a", version: 1, fence, expiresAt: world.time.now + 1_000 }),
    delivery,
  );
};

test("the later push takes stage and withdraws the older approval once; a second run gets the same claim", async () => {
  expect(await stage("older", 1)).toEqual({ status: "granted", fence: 1 });
  await ask("older", 1);
  expect(await stage("newer", 2)).toEqual({ status: "granted", fence: 2 });
  expect(await stage("newer", 2)).toEqual({ status: "granted", fence: 2 });
  expect(world.engine.answers).toMatchObject([{ token: "older", error: { name: "Superseded" } }]);
  await expect(stage("older", 1)).rejects.toMatchObject({ name: "Superseded" });
});

test("a later push leaves the question about a canary open: its delivery has prod and is never superseded", async () => {
  await stage("older", 1);
  world.engine.waiting.add("older");
  const question = createNewApproval(world, { delivery: "older", letter: "a", version: 1 });
  const { id } = await world.approvals.ask({ ...question, canary: { step: 0, percent: 10 } }, "older");
  await stage("newer", 2);
  expect((await world.approvals.read(id))?.state.status).toBe("pending");
  expect(world.engine.answers).toEqual([]);
});

test("the approval of a canary lets no version go to prod", async () => {
  await stage("delivery-1", 1);
  const request = { delivery: "delivery-1", letter: "a", version: 1, canary: { step: 0, percent: 10 } };
  const approval = await recordApproval(world, request);
  await expect(prod("delivery-1", { approval })).rejects.toMatchObject({
    name: "ApprovalMismatch",
    message: expect.stringContaining("is about its canary"),
  });
});

test("a failed withdrawal is repeated when the step runs again", async () => {
  await stage("older", 1);
  await ask("older", 1);
  const fail = world.deliveries.fail;
  world.deliveries.fail = () => Promise.reject(new Error("killed"));
  await expect(stage("newer", 2)).rejects.toThrow("killed");
  world.deliveries.fail = fail;
  await stage("newer", 2);
  expect(world.engine.answers).toMatchObject([{ token: "older", error: { name: "Superseded" } }]);
});

test("a delivery's claim does not withdraw the delivery's own approval", async () => {
  await stage("one", 1);
  await ask("one", 1);
  await stage("one", 1);
  expect(world.engine.answers).toEqual([]);
});

test("a delivery waits for a busy prod, and gives up after 6 hours", async () => {
  await stage("one", 1);
  await world.claims.take(
    { environment: "prod", model: toyModel, delivery: "other", requestedAt: 1, now: 1 },
    "free",
  );
  const approvedAt = world.time.now;
  expect(await prod("one", { approvedAt })).toEqual({ status: "busy", holder: "other" });
  world.time.now += 6 * 3_600_000;
  expect((await prod("one", { approvedAt })).status).toBe("busy");
  world.time.now += 1;
  await expect(prod("one", { approvedAt })).rejects.toMatchObject({ name: "ProdBusy" });
});

test("if prod changed since the approval was requested, the claim is stale and is released", async () => {
  const served = await promoteVersion(world, "a", 1);
  await stage("one", world.time.now);
  const stageFence = (await world.claims.read("stage", toyModel))?.fence;
  expect(await prod("one", { stageFence })).toEqual({ status: "stale", serving: served.sequence });
  expect((await world.claims.read("prod", toyModel))?.holder).toBeNull();
  expect((await prod("one", { stageFence, baseline: served.sequence })).status).toBe("granted");
});

test("a delivery that lost stage gets no claim on prod", async () => {
  await stage("older", 1);
  await stage("newer", 2);
  await expect(prod("older")).rejects.toMatchObject({ name: "Superseded" });
  expect(await world.claims.read("prod", toyModel)).toBeUndefined();
});

test("a champion's model.yaml above today's limits ends no delivery of its model; the same file in the new commit does", async () => {
  await promoteVersion(world, "a", 1);
  const served = world.commits.get(fakeCommit("a"));
  const padded = new TextEncoder().encode(`${buildModelYaml()}\n# ${"x".repeat(300_000)}`);
  served?.set("model.yaml", padded);
  const deliver = (letter: string) =>
    claimEnvironment(world)({
      delivery: `delivery-of-${letter}`,
      model: toyModel,
      commit: fakeCommit(letter),
      environment: "stage",
      requestedAt: world.time.now,
      pusher: "sam@example.com",
    });
  world.commit("b");
  expect((await deliver("b")).status).toBe("granted");
  world.commit("c");
  world.commits.get(fakeCommit("c"))?.set("model.yaml", padded);
  await expect(deliver("c")).rejects.toMatchObject({
    name: "ManifestInvalid",
    message: expect.stringContaining("larger than 256 KB"),
  });
});
