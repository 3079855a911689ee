import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { giveCanaryOrder, type OrderRequest } from "#domain/canary/give-canary-order.ts";
import { createFreezes } from "#domain/changes/freezes.ts";
import { promoteModel } from "#lambdas/promote-model/promote-model.ts";
import { shiftTraffic } from "#lambdas/shift-traffic/shift-traffic.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { recordApproval } from "#test/support/record-approval.ts";
import { buildModelYaml, fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { judgeCanary } from "./judge-canary.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const delivery = "delivery-c";
const minute = 60_000;
const hour = 60 * minute;
const yaml = (onInconclusive: string) =>
  buildModelYaml({
    canary: `{ steps: [10, 50], bake: PT30M, minSamples: 200, onInconclusive: ${onInconclusive}, atMost: PT6H }`,
  });
const ada = { user: "U024BE7LH", name: "Ada" };

/** A canary at its first step with an approval of its version, whose contributor is Ada's other address. */
const startCanary = async (onInconclusive = "extend", contributors: string[] = []) => {
  const champion = await promoteVersion(world, "a", 1, yaml(onInconclusive));
  world.commit("c", yaml(onInconclusive));
  const approval = await recordApproval(world, {
    ...{ delivery, letter: "c", version: 3 },
    rule: { approvers: [ada.user], quorum: 1, authorMayApprove: false, timeout: "PT24H" },
    contributors: {
      ...{ people: contributors, addresses: contributors, unmapped: [], approvers: [], leftOut: [] },
      shown: [{ user: ada.user, email: "ada@example.com" }],
    },
  });
  const grant = await world.claims.take(
    { environment: "prod", model: toyModel, delivery, requestedAt: 1, now: world.time.now },
    "free",
  );
  const fence = grant.status === "granted" ? grant.fence : 0;
  const target = world.serving.prod;
  const published = await target.publish(toyModel, {
    ...{ digest: fakeDigest("c"), memoryMb: 512, timeoutSeconds: 30 },
    variables: { SLIPWAY_MODEL: toyModel, SLIPWAY_MODEL_VERSION: "3", SLIPWAY_ENVIRONMENT: "prod" },
  });
  await world.ledger.begin(
    {
      ...{ environment: "prod", model: toyModel, delivery, commit: fakeCommit("c"), fence },
      ...{ digest: fakeDigest("c"), version: 3, functionVersion: published.version },
      ...{ previous: champion.sequence, reason: null },
    },
    world.time.now,
  );
  const subject = { delivery, model: toyModel, commit: fakeCommit("c") };
  const versions = {
    championVersion: champion.functionVersion,
    functionVersion: published.version,
  };
  const shift = (step: number) => shiftTraffic(world)({ ...subject, ...versions, fence, step });
  const promote = () =>
    promoteModel(world)({
      ...{ ...subject, fence, stageFence: 1, digest: fakeDigest("c"), version: 3 },
      ...{ functionVersion: published.version, approval, approvedBy: [] },
    });
  const { since } = await shift(0);
  return {
    ...{ versions, approval, shift, promote },
    judge: (step = 0, from = since) => judgeCanary(world)({ ...subject, ...versions, step, since: from }),
  };
};
const order = (request: OrderRequest, person = ada) => giveCanaryOrder(world)(delivery, request, person);
const call = (version: string, requests: number, failed = false) => {
  for (let index = 0; index < requests; index++)
    world.metrics.request({
      ...{ environment: "prod", model: toyModel, version, at: world.time.now },
      ...{ latencyMs: 5, failed, labels: new Map([["yes", 1]]) },
    });
};
const readEntry = async () => world.ledger.ofDelivery("prod", toyModel, delivery);
const readWeight = async () => (await world.serving.prod.live(toyModel))?.canary?.weight ?? 0;

describe("a round of a canary", () => {
  test("judges only at the end of a bake, measures in between, and waits a minute so that an order acts soon", async () => {
    const { judge, versions } = await startCanary();
    call(versions.championVersion, 5_000);
    call(versions.functionVersion, 5_000);
    for (let passed = 0; passed < 29; passed++) {
      world.time.now += minute;
      expect(await judge()).toMatchObject({ next: "bake", checks: [] });
    }
    world.time.now += minute;
    expect(await judge()).toMatchObject({ next: "shift", step: 1, verdict: "pass" });
    const looks = await world.canaries.looks(delivery);
    expect(looks.filter(({ judged }) => judged)).toHaveLength(1);
    expect(looks.length).toBeGreaterThan(15);
    expect(looks.at(-1)).toMatchObject({
      percent: 10,
      judged: { verdict: "pass", next: "shift" },
      challenger: {
        requests: 5_000,
        p50: { value: 5 },
        labels: [{ label: "no" }, { label: "yes", value: 1 }],
      },
    });
  });

  test("waits exactly until the judgement that is near, and never less than a minute before it", async () => {
    const { judge } = await startCanary();
    world.time.now += minute;
    expect((await judge()).waitSeconds).toBe(60);
    world.time.now += 27.5 * minute;
    expect((await judge()).waitSeconds).toBe(90);
  });
});

describe("an abort", () => {
  test("ends the canary at the next round, by who and why, and is in the ledger", async () => {
    const { judge } = await startCanary();
    expect(await order({ kind: "abort", reason: "customers complain" })).toMatchObject({ taken: true });
    await expect(judge()).rejects.toMatchObject({
      name: "CanaryAborted",
      message: "Ada (U024BE7LH) aborted the canary: customers complain",
    });
    expect((await readEntry())?.orders).toMatchObject([{ kind: "abort", by: "U024BE7LH" }]);
  });

  test("counts even after the last judgement has passed: nothing is shifted or promoted", async () => {
    const { shift, promote } = await startCanary();
    await order({ kind: "abort", reason: "stop" });
    await expect(shift(1)).rejects.toMatchObject({ name: "CanaryAborted" });
    await expect(promote()).rejects.toMatchObject({ name: "CanaryAborted" });
    expect(await readWeight()).toBe(0.1);
  });

  test("comes too late once the promotion has begun, and says what to do", async () => {
    const { promote } = await startCanary();
    await promote();
    expect(await order({ kind: "abort", reason: "stop" })).toMatchObject({
      taken: false,
      sentence: expect.stringContaining("slipway rollback"),
    });
  });

  test("is open to a contributor who is an approver, who may give no other order", async () => {
    await startCanary("extend", ["ada@example.com"]);
    expect(await order({ kind: "hold", forMs: hour, reason: "wait" })).toMatchObject({
      taken: false,
      sentence: expect.stringContaining("contributed"),
    });
    expect(await order({ kind: "go" })).toMatchObject({ taken: false });
    expect(await order({ kind: "abort", reason: "my own mistake" })).toMatchObject({ taken: true });
  });

  test("is refused to others", async () => {
    await startCanary();
    for (const request of [
      { kind: "abort", reason: "x" },
      { kind: "hold", forMs: hour, reason: "x" },
      { kind: "end-hold" },
      { kind: "go" },
    ] as const)
      expect(await order(request, { user: "U0STRANGE", name: "Eve" })).toMatchObject({
        taken: false,
        sentence: expect.stringContaining("not an approver"),
      });
  });
});

describe("a hold", () => {
  test("keeps the share until its end although every check passed; then the canary is judged at once", async () => {
    const { judge, versions } = await startCanary();
    call(versions.championVersion, 5_000);
    call(versions.functionVersion, 5_000);
    expect(await order({ kind: "hold", forMs: 2 * hour, reason: "a sale" })).toMatchObject({ taken: true });
    world.time.now += 30 * minute;
    expect(await judge()).toMatchObject({ verdict: "pass", next: "bake", step: 0 });
    world.time.now += 80 * minute;
    expect(await judge()).toMatchObject({ verdict: "pass", next: "bake" });
    world.time.now += 11 * minute;
    expect(await judge()).toMatchObject({ next: "shift", step: 1 });
  });

  test("does not keep a version that fails", async () => {
    const { judge, versions } = await startCanary();
    call(versions.championVersion, 2_000);
    call(versions.functionVersion, 400, true);
    await order({ kind: "hold", forMs: 2 * hour, reason: "a sale" });
    world.time.now += 30 * minute;
    expect(await judge()).toMatchObject({ next: "roll-back", error: { name: "CanaryFailed" } });
  });

  test("prolongs the canary's longest time by its own", async () => {
    const { judge } = await startCanary();
    await order({ kind: "hold", forMs: 4 * hour, reason: "a sale" });
    world.time.now += 6 * hour;
    expect(await judge()).toMatchObject({ next: "bake" });
    world.time.now += 4 * hour;
    expect(await judge()).toMatchObject({ next: "roll-back" });
  });

  test("that a person ends lets the canary go on as its rule says, and asks nobody", async () => {
    const { judge, versions } = await startCanary();
    await order({ kind: "hold", forMs: 2 * hour, reason: "a sale" });
    world.time.now += 30 * minute;
    expect(await judge()).toMatchObject({ verdict: "inconclusive", next: "bake" });
    const bob = { user: "U0SECOND1", name: "Bob" };
    expect(await order({ kind: "end-hold" }, bob)).toMatchObject({ taken: false });
    const ended = await order({ kind: "end-hold" });
    expect(ended).toEqual({
      taken: true,
      sentence:
        "The hold has ended: the canary goes on as its rule says, and is judged at the next round (within 2 min).",
    });
    // A retry changes nothing.
    expect(await order({ kind: "end-hold" })).toEqual(ended);
    expect(await judge()).toMatchObject({ verdict: "inconclusive", next: "bake" });
    call(versions.championVersion, 5_000);
    call(versions.functionVersion, 5_000);
    world.time.now += 30 * minute;
    expect(await judge()).toMatchObject({ verdict: "pass", next: "shift" });
    expect((await readEntry())?.orders).toMatchObject([
      { kind: "hold", reason: "a sale", until: expect.any(Number) },
      { kind: "end-hold", by: ada.user, name: "Ada" },
    ]);
  });

  test("that has ended by itself cannot be ended: an old message's click asks nobody", async () => {
    const { judge } = await startCanary();
    await order({ kind: "hold", forMs: hour, reason: "a sale" });
    world.time.now += hour;
    expect(await order({ kind: "end-hold" })).toEqual({
      taken: false,
      sentence: "Nobody holds this canary now: its hold has ended.",
    });
    expect(await judge()).toMatchObject({ next: "bake" });
  });

  test("without an end, or longer than a day, is refused", async () => {
    await startCanary();
    for (const forMs of [0, -hour, Number.NaN, Number.POSITIVE_INFINITY, 25 * hour])
      expect(await order({ kind: "hold", forMs, reason: "x" })).toMatchObject({ taken: false });
  });

  test("shows in the message until when, by whom and why", async () => {
    await startCanary();
    await order({ kind: "hold", forMs: hour, reason: "a sale" });
    const state = await world.messages.state(delivery);
    expect(state?.progress).toMatch(/gets 10 % of prod's traffic; held by Ada for 1 h, until .* UTC: a sale/);
    expect(state?.canary).toMatchObject({
      percent: 10,
      heldUntil: world.time.now + hour,
      takes: ["hold", "end-hold"],
    });
  });
});

describe("a go", () => {
  test("asks the approvers at the next round, although the rule only extends; it lets nothing on by itself", async () => {
    const { judge } = await startCanary("extend");
    world.time.now += minute;
    expect(await order({ kind: "go" })).toMatchObject({ taken: true });
    expect(await judge()).toMatchObject({ verdict: "inconclusive", next: "ask", step: 0 });
  });

  test("does not shorten a bake: a canary that passes early goes on at the end of its bake, and nobody is asked", async () => {
    const { judge, versions } = await startCanary();
    call(versions.championVersion, 5_000);
    call(versions.functionVersion, 5_000);
    world.time.now += minute;
    expect(await order({ kind: "go" })).toMatchObject({
      taken: true,
      sentence: expect.stringContaining("goes on at the end of its bake"),
    });
    for (let passed = 1; passed < 30; passed++) {
      expect(await judge()).toMatchObject({ next: "bake", step: 0 });
      world.time.now += minute;
    }
    expect(await judge()).toMatchObject({ verdict: "pass", next: "shift", step: 1 });
    // It was judged once: looks in between would be further chances of a false result.
    const looks = await world.canaries.looks(delivery);
    expect(looks.filter(({ judged }) => judged)).toHaveLength(1);
  });

  test("is refused while somebody holds the canary, so that nobody asks the approvers by mistake", async () => {
    const { judge } = await startCanary();
    await order({ kind: "hold", forMs: hour, reason: "a sale" });
    world.time.now += minute;
    expect(await order({ kind: "go" })).toEqual({
      taken: false,
      sentence: "Ada holds this canary: end the hold first.",
    });
    expect(await judge()).toMatchObject({ next: "bake" });
  });

  test("is refused once the approvers have decided about the step, as a hold is: both would do nothing", async () => {
    await startCanary();
    const step = { delivery, letter: "c", version: 3, canary: { step: 0, percent: 10 } } as const;
    await recordApproval(world, step);
    for (const request of [{ kind: "go" }, { kind: "hold", forMs: hour, reason: "x" }] as const)
      expect(await order(request)).toMatchObject({
        taken: false,
        sentence: expect.stringContaining("have decided"),
      });
    expect((await world.messages.state(delivery))?.canary).toMatchObject({ takes: [] });
  });

  test("is refused once its step has passed, because nobody would be asked", async () => {
    const { judge, versions } = await startCanary();
    call(versions.championVersion, 5_000);
    call(versions.functionVersion, 5_000);
    world.time.now += 30 * minute;
    expect(await judge()).toMatchObject({ next: "shift" });
    expect(await order({ kind: "go" })).toMatchObject({
      taken: false,
      sentence: expect.stringContaining("just passed"),
    });
    expect((await world.messages.state(delivery))?.canary).toMatchObject({ takes: ["hold"] });
  });

  test("says that the approvers are asked once prod opens, where it is closed", async () => {
    const { judge } = await startCanary();
    const by = { id: "1000", name: "Olga" };
    const freezes = createFreezes(world);
    await freezes.freeze({ scope: "*", until: world.time.now + 2 * hour, reason: "Black Friday", by });
    world.time.now += hour;
    await judge();
    expect(await order({ kind: "go" })).toMatchObject({
      taken: true,
      sentence: expect.stringMatching(/^Prod is closed \(.*Black Friday\)\. Once it opens/),
    });
    expect((await world.messages.state(delivery))?.progress).toMatch(/Ada asked .* asked once prod opens$/);
    expect(await judge()).toMatchObject({ next: "bake" });
    world.time.now += hour;
    expect(await judge()).toMatchObject({ next: "ask" });
  });

  test("that a hold takes back stays in the ledger", async () => {
    const { judge } = await startCanary();
    await order({ kind: "go" });
    world.time.now += minute;
    await order({ kind: "hold", forMs: hour, reason: "not now" });
    world.time.now += hour;
    expect(await judge()).toMatchObject({ next: "bake" });
    expect((await readEntry())?.orders).toMatchObject([{ kind: "go" }, { kind: "hold", reason: "not now" }]);
  });

  test("never overrides a fail, nor a rule that rolls back", async () => {
    const { judge, versions } = await startCanary();
    call(versions.championVersion, 2_000);
    call(versions.functionVersion, 400, true);
    world.time.now += minute;
    await order({ kind: "go" });
    expect(await judge()).toMatchObject({ verdict: "fail", next: "roll-back" });
  });

  test("is refused where the rule in force rolls an inconclusive canary back", async () => {
    const { judge } = await startCanary("roll-back");
    world.time.now += minute;
    await judge();
    expect(await order({ kind: "go" })).toMatchObject({
      taken: false,
      sentence: expect.stringContaining("onInconclusive: roll-back"),
    });
  });
});

test("an order that comes during a round is not overtaken by its decision", async () => {
  const { judge, versions } = await startCanary();
  call(versions.championVersion, 5_000);
  call(versions.functionVersion, 5_000);
  world.time.now += 30 * minute;
  const { statistics } = world.metrics;
  let ordered = false;
  world.metrics.statistics = async (...args) => {
    const measured = await statistics(...args);
    if (!ordered) {
      ordered = true;
      await order({ kind: "hold", forMs: hour, reason: "in the meantime" });
    }
    return measured;
  };
  expect(await judge()).toMatchObject({ verdict: "pass", next: "bake", step: 0 });
});

test("in any order of traffic, time and orders, nothing passes a fail and no share grows while it is held", async () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant("wait" as const), minutes: fc.integer({ min: 1, max: 90 }) }),
    fc.record({ kind: fc.constant("traffic" as const), failing: fc.boolean() }),
    fc.record({ kind: fc.constant("hold" as const), forMs: fc.integer({ min: minute, max: 3 * hour }) }),
    fc.constant({ kind: "end-hold" as const }),
    fc.constant({ kind: "go" as const }),
    fc.constant({ kind: "abort" as const }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 3, maxLength: 14 }), async (actions) => {
      world.close();
      world = createMemoryWorld();
      const { judge, shift, versions } = await startCanary();
      let [step, since, aborted, heldUntil, hasFailed] = [0, world.time.now, false, 0, false];
      for (const each of actions) {
        if (each.kind === "wait") world.time.now += each.minutes * minute;
        if (each.kind === "traffic") {
          call(versions.championVersion, 1_000);
          call(versions.functionVersion, 1_000, each.failing);
          // The window of a judgement ends before its own instant.
          world.time.now += 1;
          hasFailed ||= each.failing;
        }
        if (each.kind === "hold") {
          const { taken } = await order({ kind: "hold", forMs: each.forMs, reason: "x" });
          if (taken) heldUntil = world.time.now + each.forMs;
        }
        if (each.kind === "end-hold" && (await order({ kind: "end-hold" })).taken) heldUntil = 0;
        if (each.kind === "go" && (await order({ kind: "go" })).taken)
          expect(world.time.now).toBeGreaterThanOrEqual(heldUntil);
        if (each.kind === "abort") aborted ||= (await order({ kind: "abort", reason: "x" })).taken;
        const before = await readWeight();
        const judged = await judge(step, since).catch((error: unknown) => error);
        if (aborted) {
          expect(judged).toMatchObject({ name: "CanaryAborted" });
          await expect(shift(Math.min(step + 1, 1))).rejects.toMatchObject({ name: "CanaryAborted" });
          expect(await readWeight()).toBe(before);
          return;
        }
        const { verdict, next, step: to } = judged as Awaited<ReturnType<typeof judge>>;
        if (verdict === "fail") expect(next).toBe("roll-back");
        if (next === "shift" || next === "promote") {
          expect(verdict).toBe("pass");
          expect(hasFailed).toBe(false);
          expect(world.time.now).toBeGreaterThanOrEqual(heldUntil);
          expect(world.time.now - since).toBeGreaterThanOrEqual(30 * minute);
        }
        if (next === "ask") expect(verdict).toBe("inconclusive");
        if (next !== "shift" && next !== "bake") return;
        if (next === "shift") {
          ({ since } = await shift(to));
          step = to;
        } else if (world.time.now < heldUntil) expect(await readWeight()).toBe(before);
      }
    }),
    { numRuns: 15 },
  );
});
