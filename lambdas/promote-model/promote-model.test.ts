import { afterEach, beforeEach, expect, test } from "vitest";
import { deployModel } from "#lambdas/deploy-model/deploy-model.ts";
import { rollBack } from "#lambdas/roll-back/roll-back.ts";
import { shiftTraffic } from "#lambdas/shift-traffic/shift-traffic.ts";
import type { Serving } from "#platform/serving/serving.ts";
import type { Store } from "#platform/store/store.ts";
import type { PromoteModelInput } from "#statemachine/contracts.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { recordApproval } from "#test/support/record-approval.ts";
import { fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { promoteModel } from "./promote-model.ts";

/** The calls of capabilities, in order; each argument list as JSON. */
const calls: string[] = [];
const record = <Capability extends object>(name: string, capability: Capability): Capability =>
  new Proxy(capability, {
    get: (target, property, receiver) => {
      const member: unknown = Reflect.get(target, property, receiver);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        calls.push(`${name}.${String(property)} ${JSON.stringify(args)}`);
        return member.apply(target, args);
      };
    },
  });

let world: MemoryWorld;
let input: PromoteModelInput;
const delivery = "delivery-b";
beforeEach(async () => {
  world = createMemoryWorld({ instrument: (store: Store) => record("store", store) });
  await promoteVersion(world, "a", 1);
  input = await deploy();
  calls.length = 0;
});
afterEach(() => world.close());

/** A delivery that has verified its version on prod and may promote it. */
const deploy = async () => {
  const commit = world.commit("b");
  const grant = await world.claims.take(
    { environment: "prod", model: toyModel, delivery, requestedAt: world.time.now, now: world.time.now },
    "free",
  );
  if (grant.status !== "granted") throw new Error("prod must be free");
  const approval = await recordApproval(world, { delivery, letter: "b", version: 2 });
  const artifact = {
    delivery,
    model: toyModel,
    commit,
    digest: fakeDigest("b"),
    version: 2,
    fence: grant.fence,
    approval,
  };
  const { functionVersion } = await deployModel(world)({ ...artifact, environment: "prod" });
  const approvedBy = ["U1", "U2"].map((user) => ({ user, name: "Approver", at: "2026-11-21T12:00:00.000Z" }));
  return { ...artifact, stageFence: 1, functionVersion, approvedBy };
};
const served = async () => {
  const live = await world.serving.prod.live(toyModel);
  return { version: live?.version, canary: live?.canary };
};

test("the order is: ledger promoting, alias, alias read back, ledger promoted", async () => {
  const prod: Serving = record("prod", world.serving.prod);
  await promoteModel({ ...world, serving: { prod } })(input);
  const at = (pattern: RegExp) => calls.findIndex((call) => pattern.test(call));
  const promoting = at(/^store\.put .*ledger#prod.*"status":"promoting"/);
  const alias = at(/^prod\.route /);
  const back = calls.findLastIndex((call) => /^prod\.live /.test(call));
  const promoted = at(/^store\.put .*ledger#prod.*"status":"promoted"/);
  expect([promoting, alias, back, promoted]).toEqual(
    [promoting, alias, back, promoted].toSorted((a, b) => a - b),
  );
  expect(promoting).toBeGreaterThanOrEqual(0);
  expect(back).toBeGreaterThan(alias);
  expect(calls.filter((call) => /"status":"promoted"/.test(call))).toHaveLength(1);
});

test("the ledger keeps the approvers of the decision, not those of the state's data", async () => {
  expect(input.approvedBy).toHaveLength(2);
  await promoteModel(world)(input);
  expect((await world.ledger.serving("prod", toyModel))?.approvedBy).toEqual(["U024BE7LH"]);
});

test("a second run promotes nothing again and returns the time of the first", async () => {
  const first = await promoteModel(world)(input);
  world.time.now += 60_000;
  expect(await promoteModel(world)(input)).toEqual(first);
  expect((await world.ledger.serving("prod", toyModel))?.shares.map(({ percent }) => percent)).toEqual([100]);
});

test("two runs at once promote once, and neither takes the commit point back", async () => {
  const before = calls.length;
  const [one, two] = await Promise.all([promoteModel(world)(input), promoteModel(world)(input)]);
  expect(one).toEqual(two);
  const statuses = calls
    .slice(before)
    .flatMap((call) => call.match(/ledger#prod.*"status":"(promoting|promoted)"/)?.[1] ?? []);
  expect(statuses.lastIndexOf("promoting")).toBeLessThan(statuses.indexOf("promoted"));
});

test("a run that was delayed before its first write does not take back what the next run committed", async () => {
  const claims = {
    ...world.claims,
    // The other run starts and ends while this one checks its claim.
    assertHeld: async () => void (await promoteModel(world)(input)),
  };
  const crashing = {
    ...world.serving.prod,
    live: () => Promise.reject(new Error("killed after its first write")),
  };
  await expect(promoteModel({ ...world, claims, serving: { prod: crashing } })(input)).rejects.toThrow(
    "killed",
  );
  expect((await world.ledger.serving("prod", toyModel))?.version).toBe(2);
});

test("an alias that does not read back is retried, and nothing is committed", async () => {
  const prod = {
    ...world.serving.prod,
    route: async () => ({ version: "2", description: "", revision: "9" }),
  };
  await expect(promoteModel({ ...world, serving: { prod } })(input)).rejects.toMatchObject({
    name: "TemporaryFault",
  });
  expect((await world.ledger.serving("prod", toyModel))?.version).toBe(1);
});

test("a delivery whose claim was taken by force promotes nothing", async () => {
  await world.claims.take(
    { environment: "prod", model: toyModel, delivery: "rollback-1", requestedAt: 1, now: 1 },
    "force",
  );
  await expect(promoteModel(world)(input)).rejects.toMatchObject({ name: "Superseded" });
  expect(await served()).toEqual({ version: "1", canary: undefined });
});

test("a step that seemed dead writes nothing after the delivery was rolled back", async () => {
  const claims = {
    ...world.claims,
    assertHeld: async () =>
      void (await rollBack(world)({ delivery, model: toyModel, commit: fakeCommit("b"), error: null })),
  };
  await expect(promoteModel({ ...world, claims })(input)).rejects.toMatchObject({ name: "Superseded" });
  await expect(
    shiftTraffic(world)({
      delivery,
      model: toyModel,
      commit: fakeCommit("b"),
      fence: input.fence,
      championVersion: "1",
      functionVersion: "2",
      step: 0,
    }),
  ).rejects.toMatchObject({ name: "Superseded" });
  expect(await served()).toEqual({ version: "1", canary: undefined });
  expect((await world.ledger.serving("prod", toyModel))?.version).toBe(1);
});

test("a rollback while prod's alias moves decides what prod serves", async () => {
  const { route } = world.serving.prod;
  const prod = {
    ...world.serving.prod,
    route: async (...args: Parameters<typeof route>) => {
      const routed = await route(...args);
      await rollBack(world)({ delivery, model: toyModel, commit: fakeCommit("b"), error: null });
      return routed;
    },
  };
  await expect(promoteModel({ ...world, serving: { prod } })(input)).rejects.toThrow();
  expect(await served()).toEqual({ version: "1", canary: undefined });
  expect((await world.ledger.ofDelivery("prod", toyModel, delivery))?.status).toBe("ended");
});
