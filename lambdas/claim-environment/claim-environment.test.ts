import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFreezes } from "#domain/changes/freezes.ts";
import { createDeliveryPeople } from "#domain/delivery/delivery-people.ts";
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
  world.commit("a");
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

describe("while prod is closed", () => {
  const hour = 3_600_000;
  const ada = { id: "1000", name: "Ada" };
  const freezes = () => createFreezes(world);
  const freeze = (scope: string, hours = 48) =>
    freezes().freeze({ scope, until: world.time.now + hours * hour, reason: "Black Friday", by: ada });
  const request = async (more: object = {}) => {
    const approvedAt = world.time.now;
    const approval = await recordApproval(world, { delivery: "one", letter: "a", version: 1 });
    return () => prod("one", { approval, approvedAt, waitsWhileClosed: true, ...more });
  };
  beforeEach(async () => {
    world.commit("a");
    await stage("one", 1);
  });

  test.each([toyModel, "*"])(
    "a freeze of %j holds the delivery without a limit, says why, and takes no claim",
    async (scope) => {
      await freeze(scope);
      const claim = await request();
      const until = world.time.now + 48 * hour;
      expect(await claim()).toEqual({
        status: "held",
        until,
        why: `${scope === "*" ? "all models are" : "toy is"} frozen by Ada: Black Friday`,
        waitSeconds: 60,
      });
      expect(await world.claims.read("prod", toyModel)).toBeUndefined();
      world.time.now += 47 * hour;
      expect(await claim()).toMatchObject({ status: "held", waitSeconds: 3_600 });
      expect(await world.messages.state("one")).toMatchObject({ held: { until } });
      world.time.now += hour;
      expect(await claim()).toMatchObject({ status: "granted" });
      expect((await world.messages.state("one"))?.held).toBeUndefined();
    },
  );

  test("a freeze of another model, one that is over, and one that was ended early hold nothing", async () => {
    await freeze("other");
    await freeze("*", 0);
    await freeze(toyModel);
    expect(await freezes().unfreeze(toyModel, ada)).toMatchObject({ lifted: { by: ada } });
    expect(await (await request())()).toMatchObject({ status: "granted" });
  });

  test("the 6 hours for a busy prod begin when prod opens", async () => {
    await freeze(toyModel);
    const claim = await request();
    await claim();
    await world.claims.take(
      { environment: "prod", model: toyModel, delivery: "other", requestedAt: 1, now: 1 },
      "free",
    );
    world.time.now += 48 * hour;
    expect(await claim()).toEqual({ status: "busy", holder: "other" });
    world.time.now += 6 * hour;
    expect(await claim()).toMatchObject({ status: "busy" });
    world.time.now += 1;
    await expect(claim()).rejects.toMatchObject({ name: "ProdBusy" });
  });

  test("hours of the manifest hold the delivery until they open", async () => {
    world.commit("a", buildModelYaml({ changes: '{ prodHours: ["mon-fri 08:00-18:00 Europe/Zurich"] }' }));
    // A Saturday.
    world.time.now = Date.parse("2026-01-03T12:00:00Z");
    const claim = await request();
    expect(await claim()).toEqual({
      status: "held",
      until: Date.parse("2026-01-05T07:00:00Z"),
      why: "outside the hours for prod (mon-fri 08:00-18:00 Europe/Zurich)",
      waitSeconds: 60,
    });
    world.time.now = Date.parse("2026-01-05T07:00:00Z");
    expect(await claim()).toMatchObject({ status: "granted" });
  });

  test("an execution of an older definition waits as for a busy prod", async () => {
    await freeze(toyModel);
    const claim = await request({ waitsWhileClosed: undefined });
    expect(await claim()).toEqual({ status: "busy", holder: "toy is frozen by Ada: Black Friday" });
  });

  describe("breaking the glass", () => {
    const rule = {
      approvers: ["U024BE7LH", "U0SECOND1", "U0THIRD11"],
      quorum: 1,
      authorMayApprove: false,
      timeout: "PT24H",
    };
    const contributors = {
      people: ["third@example.com"],
      addresses: ["third@example.com"],
      unmapped: [],
      approvers: [],
      leftOut: [],
    };
    const breakGlass = (approval: string, user: string, email = `${user.toLowerCase()}@example.com`) =>
      world.approvals.breakGlass(approval, {
        user,
        name: user,
        address: { email },
        reason: "prices are wrong",
        at: world.time.now,
      });

    test("takes one approver more than the quorum, who has not approved yet and had no part in the change", async () => {
      await freeze(toyModel);
      const approval = await recordApproval(world, {
        ...{ delivery: "one", letter: "a", version: 1 },
        ...{ rule, contributors },
      });
      const claim = () => prod("one", { approval, waitsWhileClosed: true });
      expect(await breakGlass(approval, "U0SECOND1")).toMatchObject({
        result: "refused",
        why: expect.stringContaining("not held"),
      });
      expect(await claim()).toMatchObject({ status: "held" });
      for (const [user, email, why] of [
        ["U024BE7LH", "ada@example.com", "one more approver"],
        ["U0OTHER", "other@example.com", "not an approver"],
        ["U0THIRD11", "third@example.com", "contributed"],
      ] as const)
        expect(await breakGlass(approval, user, email)).toMatchObject({
          result: "refused",
          why: expect.stringContaining(why),
        });
      expect(await claim()).toMatchObject({ status: "held" });
      expect(await breakGlass(approval, "U0SECOND1")).toMatchObject({ result: "broken" });
      expect(await breakGlass(approval, "U0SECOND1")).toMatchObject({ result: "already" });
      expect(await claim()).toMatchObject({ status: "granted" });
      expect(await world.messages.state("one")).toMatchObject({
        breakGlass: { user: "U0SECOND1", reason: "prices are wrong" },
      });
      expect((await world.messages.state("one"))?.held).toBeUndefined();
    });

    test.each([true, false])(
      "a freeze that somebody orders later holds the delivery again, until the glass is broken again (after a look: %s)",
      async (looks) => {
        await freeze(toyModel);
        const approval = await recordApproval(world, {
          ...{ delivery: "one", letter: "a", version: 1 },
          ...{ rule, contributors },
        });
        const claim = () => prod("one", { approval, waitsWhileClosed: true });
        expect(await claim()).toMatchObject({ status: "held" });
        world.time.now += 60_000;
        expect(await breakGlass(approval, "U0SECOND1")).toMatchObject({ result: "broken" });
        world.time.now += 60_000;
        if (looks) expect(await claim()).toMatchObject({ status: "granted" });
        await freeze("*");
        expect(await claim()).toMatchObject({
          status: "held",
          why: expect.stringMatching(/^all models are frozen by Ada: [^;]*$/),
        });
        expect(await world.messages.state("one")).toMatchObject({ held: { approval } });
        world.time.now += 60_000;
        expect(await breakGlass(approval, "U0SECOND1")).toMatchObject({ result: "broken" });
        expect(await breakGlass(approval, "U0SECOND1")).toMatchObject({ result: "already" });
        expect((await world.messages.state("one"))?.held).toBeUndefined();
        expect(await claim()).toMatchObject({ status: "granted" });
      },
    );

    test("is no approval: a delivery that nobody approved stays refused", async () => {
      await freeze(toyModel);
      const { id } = await ask("one", 1);
      expect(await breakGlass(id, "U0SECOND1")).toMatchObject({
        result: "refused",
        why: expect.stringContaining("approve it first"),
      });
    });
  });
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

describe("author and owner are noted before the first check", () => {
  const author = { name: "Sam", email: "sam@example.com" };
  const claim = () =>
    claimEnvironment({
      ...needs(),
      assertApprovable: async () => {
        throw new Error("nobody may approve");
      },
    })({
      ...{ delivery: "one", model: toyModel, commit, environment: "stage" },
      author,
      requestedAt: 1,
      pusher: null,
    });
  const readPeople = () => createDeliveryPeople(world).read("one");

  test("so a delivery that stops there can mention them", async () => {
    world.commit("a", buildModelYaml({ owner: "S0614TZR7" }));
    await expect(claim()).rejects.toThrow("nobody may approve");
    expect(await readPeople()).toEqual({ author: "sam@example.com", owner: "S0614TZR7" });
  });

  test("and a manifest that nobody can read leaves the author", async () => {
    world.commit("a", "name: [");
    await expect(claim()).rejects.toThrow("nobody may approve");
    expect(await readPeople()).toEqual({ author: "sam@example.com", owner: null });
  });
});
