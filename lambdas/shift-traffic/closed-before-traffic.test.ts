/** Prod that closes between a delivery's claim and its version's first request: the minutes of DeployProd. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFreezes } from "#domain/changes/freezes.ts";
import { claimEnvironment } from "#lambdas/claim-environment/claim-environment.ts";
import { deployModel } from "#lambdas/deploy-model/deploy-model.ts";
import { promoteModel } from "#lambdas/promote-model/promote-model.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { recordApproval } from "#test/support/record-approval.ts";
import { buildModelYaml, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { shiftTraffic } from "./shift-traffic.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const hour = 3_600_000;
const delivery = "delivery-c";
const ada = { id: "1000", name: "Ada" };
const freeze = () =>
  createFreezes(world).freeze({ scope: "*", until: world.time.now + 48 * hour, reason: "incident", by: ada });

/** A delivery whose version lies on prod without traffic. */
const deploy = async (champion: "a champion" | "a first version", yaml?: string) => {
  if (champion === "a champion") await promoteVersion(world, "a", 1);
  const commit = world.commit("c", yaml);
  const stage = await world.claims.take(
    { environment: "stage", model: toyModel, delivery, requestedAt: world.time.now, now: world.time.now },
    "force",
  );
  const stageFence = stage.status === "granted" ? stage.fence : 0;
  const rule = { approvers: ["U024BE7LH", "U0SECOND1"], quorum: 1, authorMayApprove: true, timeout: "PT24H" };
  const approval = await recordApproval(world, { delivery, letter: "c", version: 3, rule });
  const baseline = (await world.ledger.serving("prod", toyModel))?.sequence ?? 0;
  const artifact = { delivery, model: toyModel, commit, digest: fakeDigest("c"), version: 3, approval };
  const approvedAt = world.time.now;
  const claim = () =>
    claimEnvironment({ ...world, assertApprovable: async () => undefined })({
      ...{ ...artifact, environment: "prod", requestedAt: 1, stageFence, baseline, approvedAt },
      waitsWhileClosed: true,
    });
  const granted = await claim();
  const fence = granted.status === "granted" ? granted.fence : 0;
  const redeploy = () => deployModel(world)({ ...artifact, fence, environment: "prod" });
  const { functionVersion, championVersion } = await redeploy();
  const waits = { waitsWhileClosed: true as const };
  const shares = { ...artifact, fence, functionVersion, championVersion: championVersion ?? "0", step: 0 };
  const promotion = { ...artifact, fence, stageFence, functionVersion, approvedBy: [] };
  return {
    ...{ claim, redeploy, approval, functionVersion, shares, promotion },
    begin: (): Promise<object> =>
      champion === "a champion"
        ? shiftTraffic(world)({ ...shares, ...waits })
        : promoteModel(world)({ ...promotion, ...waits }),
  };
};
/** Whether the version gets requests of prod. */
const isServed = async (functionVersion: string) => {
  const live = await world.serving.prod.live(toyModel);
  return live?.version === functionVersion || live?.canary?.version === functionVersion;
};

test.each(["a champion", "a first version"] as const)(
  "with %s, a freeze holds the delivery before its first request, and it goes on afterwards",
  async (champion) => {
    const { begin, claim, redeploy, functionVersion } = await deploy(champion);
    await freeze();
    await expect(begin()).rejects.toMatchObject({
      name: "ProdClosed",
      message: "prod closed before delivery-c changed it: all models are frozen by Ada: incident",
    });
    expect(await isServed(functionVersion)).toBe(false);
    expect(await world.messages.state(delivery)).toMatchObject({
      held: { until: world.time.now + 48 * hour },
    });
    expect(await claim()).toMatchObject({ status: "held", why: "all models are frozen by Ada: incident" });
    world.time.now += 48 * hour;
    expect(await claim()).toMatchObject({ status: "granted" });
    expect(await redeploy()).toMatchObject({ functionVersion });
    await begin();
    expect(await isServed(functionVersion)).toBe(true);
  },
);

test.each(["a champion", "a first version"] as const)(
  "with %s, hours that end meanwhile hold it, too",
  async (champion) => {
    world.time.now = Date.parse("2026-01-05T16:59:00Z");
    const yaml = buildModelYaml({ changes: '{ prodHours: ["mon-fri 08:00-18:00 Europe/Zurich"] }' });
    const { begin, functionVersion } = await deploy(champion, yaml);
    world.time.now += 60_000;
    await expect(begin()).rejects.toMatchObject({ name: "ProdClosed" });
    expect(await isServed(functionVersion)).toBe(false);
  },
);

test.each(["a champion", "a first version"] as const)(
  "with %s, one more approver may break the glass",
  async (champion) => {
    const { begin, claim, approval, functionVersion } = await deploy(champion);
    await freeze();
    await expect(begin()).rejects.toMatchObject({ name: "ProdClosed" });
    await claim();
    const second = { user: "U0SECOND1", name: "Second", address: { email: "second@example.com" } };
    const broken = await world.approvals.breakGlass(approval, {
      ...{ ...second, reason: "prices are wrong", at: world.time.now },
    });
    expect(broken).toMatchObject({ result: "broken" });
    expect(await claim()).toMatchObject({ status: "granted" });
    await begin();
    expect(await isServed(functionVersion)).toBe(true);
  },
);

test.each(["a champion", "a first version"] as const)(
  "with %s, a step that died after its write to the alias is completed: nothing is left half done during the freeze",
  async (champion) => {
    const { begin, functionVersion } = await deploy(champion);
    const { route } = world.serving.prod;
    world.serving.prod.route = async (...args) => {
      await route(...args);
      throw new Error("killed");
    };
    await expect(begin()).rejects.toThrow("killed");
    world.serving.prod.route = route;
    await freeze();
    await begin();
    expect(await isServed(functionVersion)).toBe(true);
    expect((await world.ledger.ofDelivery("prod", toyModel, delivery))?.shares).toHaveLength(1);
  },
);

test.each(["a champion", "a first version"] as const)(
  "with %s, a rollback during the freeze ends the delivery",
  async (champion) => {
    const { begin, claim } = await deploy(champion);
    await freeze();
    await expect(begin()).rejects.toMatchObject({ name: "ProdClosed" });
    const entry = await world.ledger.ofDelivery("prod", toyModel, delivery);
    if (!entry) throw new Error("the delivery has no entry");
    await world.ledger.change(entry, (current) => ({ ...current, status: "ended" }));
    await expect(claim()).rejects.toMatchObject({ name: "Superseded" });
  },
);

test("an execution of an older definition goes on: it has no way back to its claim", async () => {
  const { shares } = await deploy("a champion");
  await freeze();
  expect(await shiftTraffic(world)(shares)).toMatchObject({ share: 10 });
});
