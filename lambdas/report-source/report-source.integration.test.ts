import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createEvent } from "#domain/events/create-event.ts";
import { createGitHubReports } from "#platform/source-reports/github.ts";
import type { SourceReport } from "#platform/source-reports/source-reports.ts";
import { startGitHubReportsServer } from "#test/peers/github/reports-server.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { recordApproval } from "#test/support/record-approval.ts";
import { fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { reportSource } from "./report-source.ts";

let world: MemoryWorld;
let server: Awaited<ReturnType<typeof startGitHubReportsServer>>;
let waits: number[];
let commits: string[];
let token: string;
beforeEach(async () => {
  world = createMemoryWorld();
  waits = [];
  commits = ["a", "b"].map(fakeCommit);
  token = "t";
  server = await startGitHubReportsServer({ token, commits });
});
afterEach(async () => {
  expect(server.violations).toEqual([]);
  await server.stop();
  world.close();
});

const lease = { partition: "source-reports", sort: "lease" };
const run = () =>
  reportSource({
    ...world,
    reports: createGitHubReports({
      repository: "example/models",
      api: server.url,
      token: async () => token,
      fetch,
      clock: world.clock,
      wait: async (ms) => void waits.push(ms),
    }),
    linkDelivery: (delivery) => `https://slipway.example.com/${delivery}`,
  });
const started = (letter: string, delivery = `delivery-${letter}`) => ({
  detail: createEvent([letter], world.time.now, {
    type: "started",
    model: toyModel,
    delivery,
    commit: fakeCommit(letter),
  }),
});
const schedule = { "detail-type": "Scheduled Event" };
const end = (letter: string, outcome: "promoted" | "failed") =>
  world.outcomes.keep({
    delivery: `delivery-${letter}`,
    model: toyModel,
    commit: fakeCommit(letter),
    outcome,
    error: outcome === "failed" ? { name: "GateFailed", cause: "x" } : null,
    at: world.time.now,
  });
const noteOfLastRelease = (delivery: string) =>
  world.store.put(
    { partition: "source-reports-unfinished", sort: delivery },
    { model: toyModel, commit: fakeCommit("a") },
  );
const deployOnStage = (letter: string, version: number) =>
  world.ledger.begin(
    {
      environment: "stage",
      model: toyModel,
      delivery: `delivery-${letter}`,
      commit: fakeCommit(letter),
      digest: fakeDigest(letter),
      version,
      functionVersion: String(version),
      fence: 9,
      previous: 0,
      reason: null,
    },
    world.time.now,
  );
const listShown = () =>
  Object.fromEntries(
    server.deployments.map(({ environment, payload, statuses }) => [
      `${(payload as { delivery: string }).delivery} ${environment}`,
      statuses.at(-1)?.state,
    ]),
  );

test("each event brings GitHub to the stored facts, whatever it says, and an ended delivery is not reported again", async () => {
  expect(await run()(started("a"))).toEqual({ reported: 1 });
  expect(listShown()).toEqual({ [`delivery-a ${toyModel}-stage`]: "in_progress" });
  await recordApproval(world, { delivery: "delivery-a", letter: "a", version: 1 });
  await promoteVersion(world, "a", 1);
  await end("a", "promoted");
  // A late event of the beginning.
  await run()(started("a"));
  expect(listShown()).toEqual({
    [`delivery-a ${toyModel}-stage`]: "success",
    [`delivery-a ${toyModel}-prod`]: "success",
  });
  expect(server.statuses.at(-1)).toMatchObject({
    sha: fakeCommit("a"),
    state: "success",
    context: `slipway/${toyModel}`,
    target_url: "https://slipway.example.com/delivery-a",
  });
  const calls = server.calls.length;
  expect(await run()(schedule)).toEqual({ reported: 0 });
  expect(server.calls).toHaveLength(calls);
});

test("while GitHub fails, nothing stops: the reason is logged, and the schedule repeats the report", async () => {
  server.fail(503);
  expect(await run()(started("a"))).toEqual({ reported: 1 });
  expect(world.warnings).toEqual([expect.stringContaining("the next run tries again")]);
  expect(server.deployments).toEqual([]);
  await end("a", "failed");
  expect(await run()(schedule)).toEqual({ reported: 1 });
  expect(listShown()).toEqual({ [`delivery-a ${toyModel}-stage`]: "failure" });
  expect(await run()(schedule)).toEqual({ reported: 0 });
});

test("a commit that was pushed away does not keep other deliveries from being shown, and is tried less and less often", async () => {
  commits.splice(commits.indexOf(fakeCommit("a")), 1);
  await run()(started("a"));
  await run()(started("b"));
  expect(Object.keys(listShown())).toEqual([`delivery-b ${toyModel}-stage`]);
  const tries: number[] = [];
  for (let minutes = 0; minutes < 12 * 60; minutes += 5) {
    const before = world.warnings.length;
    await run()(schedule);
    if (world.warnings.length > before) tries.push(minutes);
    world.time.now += 300_000;
  }
  expect(tries.slice(0, 5)).toEqual([0, 5, 15, 35, 75]);
  expect(tries.length).toBeLessThan(18);
  // Once the branch has the commit again, an event is enough.
  commits.push(fakeCommit("a"));
  await run()(started("a"));
  expect(listShown()).toMatchObject({ [`delivery-a ${toyModel}-stage`]: "in_progress" });
});

test("what GitHub does not take for seven days is given up", async () => {
  commits.length = 0;
  await run()(started("a"));
  world.time.now += 7 * 86_400_000 + 1_000;
  const calls = server.calls.length;
  expect(await run()(schedule)).toEqual({ reported: 0 });
  expect(server.calls).toHaveLength(calls);
});

test("after a rate limit no run calls GitHub until it ends; then everything is shown", async () => {
  server.fail({ status: 403, headers: { "retry-after": "900" }, body: { message: "secondary rate limit" } });
  await run()(started("a"));
  await run()(started("b"));
  await run()(schedule);
  expect(server.calls).toEqual([]);
  expect(world.warnings).toEqual([expect.stringContaining("could not be reported")]);
  world.time.now += 901_000;
  expect(await run()(schedule)).toEqual({ reported: 2 });
  expect(Object.keys(listShown())).toHaveLength(2);
});

test("a host that fails is not asked about every delivery that waits", async () => {
  for (let index = 0; index < 10; index++) await noteOfLastRelease(`d-${index}`);
  server.fail(...Array.from({ length: 10 }, () => 502));
  await run()(schedule);
  expect(world.warnings).toHaveLength(3);
  await run()(schedule);
  // The rest comes first, because it has not failed.
  expect(world.warnings.at(-1)).toContain("d-5");
});

test("a key that was rotated stops only the reports: with the new one all are shown", async () => {
  token = "rotated";
  await run()(started("a"));
  await run()(started("b"));
  expect(listShown()).toEqual({});
  expect(world.warnings.length).toBeGreaterThan(0);
  token = "t";
  world.time.now += 300_000;
  await run()(schedule);
  expect(Object.keys(listShown())).toHaveLength(2);
});

test("of many deliveries at once each gets one deployment, and what is shown costs no further call", async () => {
  const names = Array.from({ length: 30 }, (_, index) => `d-${String(index).padStart(3, "0")}`);
  await Promise.all(names.map((name) => run()(started("a", name))));
  expect(Object.keys(listShown()).toSorted()).toEqual(names.map((name) => `${name} ${toyModel}-stage`));
  expect(server.deployments).toHaveLength(names.length);
  const calls = server.calls.length;
  await run()(schedule);
  expect(server.calls).toHaveLength(calls);
});

test("an event reports its own delivery, and not all that wait", async () => {
  for (let index = 0; index < 5; index++) await run()(started("a", `going-on-${index}`));
  server.fail(502);
  await run()(started("a", "failed"));
  expect(await run()(started("b"))).toEqual({ reported: 1 });
  expect(Object.keys(listShown())).not.toContain(`failed ${toyModel}-stage`);
  expect(await run()(schedule)).toEqual({ reported: 7 });
  expect(Object.keys(listShown())).toContain(`failed ${toyModel}-stage`);
});

test("a thousand deliveries at once are shown one after the other, none is forgotten and none is shown twice", async () => {
  let running = 0;
  let most = 0;
  const shown: string[] = [];
  const show = async ({ delivery }: SourceReport) => {
    most = Math.max(most, ++running);
    shown.push(delivery);
    await setImmediate();
    running--;
  };
  const report = reportSource({ ...world, reports: { show }, linkDelivery: (delivery) => delivery });
  const names = Array.from({ length: 1_000 }, (_, index) => `d-${String(index).padStart(4, "0")}`);
  await Promise.all(names.map((name) => report(started("a", name))));
  expect(most).toBe(1);
  expect(shown.toSorted()).toEqual(names);
});

test("what is noted while the lease is given back is reported too", async () => {
  const shown: string[] = [];
  let isNoted = false;
  const { store } = world;
  const report = reportSource({
    ...world,
    store: {
      ...store,
      remove: async (key, options) => {
        if (key.sort === lease.sort && !isNoted) {
          isNoted = true;
          // It finds the lease taken.
          expect(await report(started("b"))).toEqual({ reported: 0 });
        }
        return store.remove(key, options);
      },
    },
    reports: { show: async ({ delivery }) => void shown.push(delivery) },
    linkDelivery: (delivery) => delivery,
  });
  await report(started("a"));
  expect(shown).toEqual(["delivery-a", "delivery-b"]);
});

test("a run that was killed keeps the next from reporting no longer than it could have run", async () => {
  const killed = new Promise<never>(() => undefined);
  void reportSource({
    ...world,
    reports: { show: () => killed },
    linkDelivery: (delivery) => delivery,
  })(started("a"));
  await vi.waitFor(async () => expect(await world.store.get(lease)).toBeDefined());
  await run()(started("b"));
  expect(server.calls).toEqual([]);
  world.time.now += 311_000;
  await run()(schedule);
  expect(Object.keys(listShown())).toHaveLength(2);
});

test("a note of the last release is still reported", async () => {
  await noteOfLastRelease("delivery-a");
  expect(await run()(schedule)).toEqual({ reported: 1 });
  expect(Object.keys(listShown())).toEqual([`delivery-a ${toyModel}-stage`]);
});

/** Both are promoted, b after a. */
const promoteBoth = async () => {
  for (const [index, letter] of ["a", "b"].entries()) {
    await recordApproval(world, { delivery: `delivery-${letter}`, letter, version: index + 1 });
    await promoteVersion(world, letter, index + 1);
    await end(letter, "promoted");
    await run()(started(letter));
  }
};
const all = (letter: string, state: string) => ({
  [`delivery-${letter} ${toyModel}-stage`]: state,
  [`delivery-${letter} ${toyModel}-prod`]: state,
});

test("a late event of a version that was replaced does not end the one that serves", async () => {
  await promoteBoth();
  expect(listShown()).toEqual({ ...all("a", "inactive"), ...all("b", "success") });
  expect(server.statuses.filter(({ sha }) => sha === fakeCommit("a")).at(-1)?.description).toContain(
    "was promoted and later replaced",
  );
  await run()(started("a"));
  expect(listShown()).toEqual({ ...all("a", "inactive"), ...all("b", "success") });
});

test("a delivery that was not promoted gives stage back to the version that prod serves", async () => {
  await recordApproval(world, { delivery: "delivery-a", letter: "a", version: 1 });
  await promoteVersion(world, "a", 1);
  await end("a", "promoted");
  await run()(started("a"));
  await recordApproval(world, { delivery: "delivery-b", letter: "b", version: 2 });
  await deployOnStage("b", 2);
  await run()(started("b"));
  expect(listShown()).toMatchObject({
    [`delivery-a ${toyModel}-stage`]: "inactive",
    [`delivery-b ${toyModel}-stage`]: "success",
  });
  await end("b", "failed");
  await run()(started("b"));
  expect(listShown()).toEqual({
    ...all("a", "success"),
    ...all("b", "inactive"),
    [`delivery-b ${toyModel}-prod`]: "failure",
  });
});

test("a person's rollback is shown at the delivery that it takes back, and is none itself", async () => {
  await promoteBoth();
  const serving = await world.ledger.serving("prod", toyModel);
  if (!serving) throw new Error("prod serves b");
  const entry = await world.ledger.begin(
    {
      ...serving,
      delivery: "rollback-1",
      commit: fakeCommit("a"),
      digest: fakeDigest("a"),
      version: 1,
      previous: serving.sequence,
      reason: "ada: slow",
      takesBack: "delivery-b",
    },
    world.time.now,
  );
  await world.ledger.change(entry, (current) => ({
    ...current,
    status: "promoted",
    promotedAt: world.time.now,
  }));
  const rolledBack = createEvent(["rollback-1"], world.time.now, {
    type: "rolled-back",
    model: toyModel,
    delivery: "rollback-1",
    commit: fakeCommit("a"),
    environment: "prod",
    from: null,
    to: null,
    reason: "ada: slow",
  });
  await run()({ detail: rolledBack });
  expect(listShown()).toMatchObject({
    ...all("b", "inactive"),
    // What serves again.
    ...all("a", "success"),
  });
  expect(Object.keys(listShown()).some((name) => name.startsWith("rollback"))).toBe(false);
  const statusesOf = (letter: string) => server.statuses.filter(({ sha }) => sha === fakeCommit(letter));
  expect(statusesOf("b").at(-1)).toMatchObject({ state: "failure" });
  expect(statusesOf("a").at(-1)).toMatchObject({
    state: "success",
    description: expect.stringContaining("serves prod"),
  });
  expect(JSON.stringify([server.statuses, server.deployments])).not.toContain("ada");
});

test("an event that is neither ours nor the schedule's is refused", async () => {
  await expect(run()("malformed")).rejects.toThrow();
});
