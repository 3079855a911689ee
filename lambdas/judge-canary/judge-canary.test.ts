import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFreezes } from "#domain/changes/freezes.ts";
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
const hour = 3_600_000;
const asking = buildModelYaml({
  canary: "{ steps: [10, 50], bake: PT30M, minSamples: 200, onInconclusive: ask, atMost: PT6H }",
});

/** A canary at its first step; both manifests ask. */
const startCanary = async () => {
  const champion = await promoteVersion(world, "a", 1);
  world.commit("a", asking);
  world.commit("c", asking);
  const entry = await world.ledger.begin(
    {
      ...{ environment: "prod", model: toyModel, delivery, commit: fakeCommit("c") },
      ...{ digest: fakeDigest("c"), version: 3, functionVersion: "9", fence: 5, previous: champion.sequence },
      reason: null,
    },
    world.time.now,
  );
  const since = world.time.now;
  await world.ledger.change(entry, (current) => ({
    ...current,
    status: "canary",
    shares: [{ percent: 10, from: since }],
  }));
  return {
    ...{ delivery, model: toyModel, commit: fakeCommit("c"), step: 0, since },
    championVersion: champion.functionVersion,
    functionVersion: "9",
  };
};
const request = (version: string, requests: number, failed = false) => {
  for (let index = 0; index < requests; index++)
    world.metrics.request({
      ...{ environment: "prod", model: toyModel, version, at: world.time.now },
      ...{ latencyMs: 5, failed, labels: new Map([["yes", 1]]) },
    });
};
const judge = judgeCanary;
const readEntry = async () => world.ledger.ofDelivery("prod", toyModel, delivery);
const acceptStep = (step: number) =>
  recordApproval(world, { delivery, letter: "c", version: 3, canary: { step, percent: 10 } });

describe("the scores of both versions", () => {
  const score = (version: string, scores: readonly number[]) =>
    world.metrics.request({
      ...{ environment: "prod", model: toyModel, version, at: world.time.now },
      ...{ latencyMs: 5, failed: false, labels: new Map([["yes", 1]]), scores },
    });
  const look = async (input: Awaited<ReturnType<typeof startCanary>>) => {
    world.time.now += 60_000;
    await judge(world)(input);
    return world.canaries.lastLook(delivery);
  };

  test("are measured in each round, with what the score is", async () => {
    const input = await startCanary();
    score(input.championVersion, [0.1, 0.2, 0.3, 0.4, 0.5]);
    score("9", [-1, 2]);
    const found = await look(input);
    const yes = { of: "label", name: "yes", scale: "probability", unit: null };
    expect(found?.champion.scores).toEqual({
      ...yes,
      ...{ count: 5, percentiles: { p10: 0.1, p25: 0.2, p50: 0.3, p75: 0.4, p90: 0.5 } },
    });
    expect(found?.challenger.scores).toEqual({
      ...yes,
      ...{ count: 2, percentiles: { p10: -1, p25: -1, p50: -1, p75: 2, p90: 2 } },
    });
  });

  test("do not change how the canary is judged", async () => {
    const input = await startCanary();
    for (let index = 0; index < 2_000; index++) {
      score(input.championVersion, [0.01]);
      score("9", [0.99]);
    }
    world.time.now += 60_000 * 30;
    expect(await judge(world)(input)).toMatchObject({ verdict: "pass", next: "shift" });
  });

  test("are neither read nor shown where the model has none", async () => {
    const input = await startCanary();
    world.commit(
      "c",
      buildModelYaml({ output: '{ labels: ["no", "yes"], scores: none, labelOutput: label }' }),
    );
    score("9", [0.5]);
    const asked: boolean[] = [];
    const metrics = {
      ...world.metrics,
      statistics: (...[window, options]: Parameters<typeof world.metrics.statistics>) => {
        asked.push(options.scorePercentiles !== undefined);
        return world.metrics.statistics(window, options);
      },
    };
    world.time.now += 60_000;
    await judge({ ...world, metrics })(input);
    const found = await world.canaries.lastLook(delivery);
    expect(asked).toEqual([true, false]);
    expect(found?.challenger.scores).toBeNull();
    expect(found?.champion.scores).toMatchObject({ name: "yes", count: 0, percentiles: null });
  });
});

describe("while prod is closed", () => {
  const freeze = (hours: number) =>
    createFreezes(world).freeze({
      scope: "*",
      until: world.time.now + hours * hour,
      reason: "Black Friday",
      by: { id: "1000", name: "Ada" },
    });
  const closing = async () => {
    const input = await startCanary();
    return { input, look: () => judge(world)({ ...input, waitsWhileClosed: true }) };
  };

  test("a sound canary keeps its step, and goes on when prod opens", async () => {
    const { input, look } = await closing();
    await freeze(2);
    world.time.now += hour;
    request("1", 2_000);
    request("9", 2_000);
    world.time.now += 1;
    expect(await look()).toMatchObject({ verdict: "pass", next: "bake", step: 0, waitSeconds: 60 });
    // Nor does an execution of an older definition go on.
    expect(await judge(world)(input)).toMatchObject({ next: "bake", step: 0 });
    world.time.now += hour;
    expect(await look()).toMatchObject({ verdict: "pass", next: "shift", step: 1 });
  });

  test("a canary that is proven worse is rolled back at once", async () => {
    const { look } = await closing();
    await freeze(2);
    world.time.now += hour;
    request("1", 2_000);
    request("9", 2_000, true);
    world.time.now += 1;
    expect(await look()).toMatchObject({ next: "roll-back", error: { name: "CanaryFailed" } });
  });

  test("the time in which it was held does not count towards its longest time", async () => {
    const { look } = await closing();
    world.time.now += hour;
    await freeze(24);
    expect(await look()).toMatchObject({ next: "bake", error: null });
    world.time.now += 23 * hour;
    // A round, in which a person's abort acts: 24 hours / 300.
    expect(await look()).toMatchObject({ next: "bake", error: null, waitSeconds: 288 });
    world.time.now += hour;
    // 25 hours after its start, of which 1 counts (limit 6 hours).
    expect(await look()).toMatchObject({ next: "bake" });
    world.time.now += 5 * hour - 1;
    expect(await look()).toMatchObject({ next: "bake" });
    // The next judgement is at the end of a bake.
    world.time.now += hour;
    expect(await look()).toMatchObject({ next: "ask" });
  });

  test("an accepted step waits, too", async () => {
    const { input } = await closing();
    const canaryApproval = await acceptStep(0);
    await freeze(2);
    const resume = () => judge(world)({ ...input, canaryApproval, waitsWhileClosed: true });
    expect(await resume()).toMatchObject({ next: "hold", waitSeconds: 60 });
    world.time.now += hour;
    expect(await resume()).toMatchObject({ next: "hold", verdict: "inconclusive" });
    // It is judged at the end of a bake alone, because each judgement is another chance of a false result.
    world.time.now += 60_000;
    expect(await resume()).toMatchObject({ next: "hold", checks: [] });
    world.time.now += hour;
    expect(await resume()).toMatchObject({ next: "shift", step: 1 });
  });

  test("one more approver and a reason let it go on, and the ledger names both", async () => {
    const { look } = await closing();
    const rule = {
      approvers: ["U024BE7LH", "U0SECOND1"],
      quorum: 1,
      authorMayApprove: true,
      timeout: "PT24H",
    };
    const approval = await recordApproval(world, { delivery, letter: "c", version: 3, rule });
    await freeze(4);
    world.time.now += hour;
    expect(await look()).toMatchObject({ next: "bake", checks: [{}, {}, {}, {}] });
    const glass = { user: "U0SECOND1", name: "Eve", reason: "prices are wrong", at: world.time.now };
    await world.approvals.breakGlass(approval, { ...glass, address: { email: "eve@example.com" } });
    expect(await look()).toMatchObject({ next: "bake" });
    expect(await readEntry()).toMatchObject({ breakGlass: glass });
  });
});

test("a canary without samples bakes, then asks with the time that the approvers have", async () => {
  const input = await startCanary();
  world.time.now += hour;
  expect(await judge(world)(input)).toMatchObject({ verdict: "inconclusive", next: "bake" });
  world.time.now += 5 * hour;
  expect(await judge(world)(input)).toMatchObject({
    verdict: "inconclusive",
    next: "ask",
    error: null,
    approvalTimeoutSeconds: 86_460,
  });
});

test("with the approval of this step it goes on, still inconclusive, and the ledger names who let it go on", async () => {
  const input = await startCanary();
  world.time.now += 6 * hour;
  const approval = await acceptStep(0);
  for (let time = 0; time < 2; time++)
    expect(await judge(world)({ ...input, canaryApproval: approval })).toMatchObject({
      verdict: "inconclusive",
      next: "shift",
      step: 1,
    });
  const entry = await readEntry();
  expect(entry?.acceptedSteps).toMatchObject([{ percent: 10, approval, by: ["U024BE7LH"] }]);
  expect(entry?.checks.some(({ verdict }) => verdict === "pass")).toBe(false);
});

test("the approval of another step, or of the version itself, lets no step go on", async () => {
  const input = await startCanary();
  for (const approval of [
    await acceptStep(1),
    await recordApproval(world, { delivery, letter: "c", version: 3 }),
    "none",
  ])
    await expect(judge(world)({ ...input, canaryApproval: approval })).rejects.toMatchObject({
      name: "ApprovalMismatch",
    });
});

test("a version that failed while the approvers decided is rolled back, and the ledger lists no accepted step", async () => {
  const input = await startCanary();
  request(input.championVersion, 2_000);
  request("9", 400, true);
  world.time.now += 6 * hour;
  expect(await judge(world)({ ...input, canaryApproval: await acceptStep(0) })).toMatchObject({
    verdict: "fail",
    next: "roll-back",
    error: { name: "CanaryFailed" },
  });
  expect((await readEntry())?.acceptedSteps).toEqual([]);
});

test("the look after weeks reads only what CloudWatch still has, so that a failure counts", async () => {
  const input = await startCanary();
  world.time.now += 20 * 24 * hour;
  const windows: number[] = [];
  const metrics = {
    ...world.metrics,
    statistics: (...[window, options]: Parameters<typeof world.metrics.statistics>) => {
      windows.push(window.to - window.from);
      return world.metrics.statistics(window, options);
    },
  };
  await judge({ ...world, metrics })({ ...input, canaryApproval: await acceptStep(0) });
  expect(new Set(windows)).toEqual(new Set([14 * 24 * hour]));
});

test("a version that proved itself while the approvers decided passes by its samples, not by their decision", async () => {
  const input = await startCanary();
  request(input.championVersion, 5_000);
  request("9", 5_000);
  world.time.now += 6 * hour;
  expect(await judge(world)({ ...input, canaryApproval: await acceptStep(0) })).toMatchObject({
    verdict: "pass",
    next: "shift",
  });
  expect((await readEntry())?.acceptedSteps).toEqual([]);
});
