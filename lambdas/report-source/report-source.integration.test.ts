import { afterEach, beforeEach, expect, test } from "vitest";
import { createEvent } from "#domain/events/create-event.ts";
import { createGitHubReports } from "#platform/source-reports/github.ts";
import { startGitHubReportsServer } from "#test/peers/github/reports-server.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { recordApproval } from "#test/support/record-approval.ts";
import { fakeCommit, toyModel } from "#test/support/toy-model.ts";
import { reportSource } from "./report-source.ts";

let world: MemoryWorld;
let server: Awaited<ReturnType<typeof startGitHubReportsServer>>;
beforeEach(async () => {
  world = createMemoryWorld();
  server = await startGitHubReportsServer({ token: "t", commits: ["a", "b"].map(fakeCommit) });
});
afterEach(async () => {
  expect(server.violations).toEqual([]);
  await server.stop();
  world.close();
});

const run = () =>
  reportSource({
    ...world,
    reports: createGitHubReports({
      repository: "example/models",
      api: server.url,
      token: async () => "t",
      fetch,
    }),
    linkDelivery: (delivery) => `https://slipway.example.com/${delivery}`,
  });
const started = (letter: string) => ({
  detail: createEvent([letter], world.time.now, {
    type: "started",
    model: toyModel,
    delivery: `delivery-${letter}`,
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

test("a refusal of one delivery does not keep others from being reported", async () => {
  server.fail(401);
  await run()(started("a"));
  await run()(started("b"));
  expect(Object.keys(listShown())).toEqual([`delivery-b ${toyModel}-stage`]);
});

test("a person's rollback is shown at the delivery that it takes back, and is none itself", async () => {
  for (const [index, letter] of ["a", "b"].entries()) {
    await recordApproval(world, { delivery: `delivery-${letter}`, letter, version: index + 1 });
    await promoteVersion(world, letter, index + 1);
    await end(letter, "promoted");
    await run()(started(letter));
  }
  const serving = await world.ledger.serving("prod", toyModel);
  if (!serving) throw new Error("prod serves b");
  const entry = await world.ledger.begin(
    {
      ...serving,
      delivery: "rollback-1",
      commit: fakeCommit("a"),
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
    [`delivery-b ${toyModel}-prod`]: "inactive",
    [`delivery-b ${toyModel}-stage`]: "inactive",
  });
  expect(Object.keys(listShown()).some((name) => name.startsWith("rollback"))).toBe(false);
  expect(server.statuses.at(-1)).toMatchObject({ sha: fakeCommit("b"), state: "failure" });
  expect(JSON.stringify([server.statuses, server.deployments])).not.toContain("ada");
});

test("an event that is neither ours nor the schedule's is refused", async () => {
  await expect(run()("malformed")).rejects.toThrow();
});
