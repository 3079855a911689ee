import type { IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import type { ConsoleLinks } from "#console/console-links.ts";
import { consolePaths } from "#console/console-paths.ts";
import type { ConsoleSource } from "#console/console-source.ts";
import { createConsole } from "#console/create-console.ts";
import { submitCanaryOrder } from "#domain/canary/submit-canary-order.ts";
import type { Comparison } from "#domain/gates/comparison.ts";
import type { Check } from "#domain/gates/verdict.ts";
import { createOverview } from "#domain/overview/create-overview.ts";
import type { StateEvent } from "#platform/deliveries/deliveries.ts";
import { failedHistory } from "#test/support/desk/sample-deliveries.ts";
import { createMemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { createNewApproval, recordApproval } from "#test/support/record-approval.ts";
import { fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { canaryOrderPath, createCanaryOrderRoute } from "#worlds/embedded/canary-order-route.ts";
import {
  consoleBase,
  consoleEvents,
  createChangeBus,
  createConsoleRoute,
} from "#worlds/embedded/console-route.ts";
import { requireLocalHost } from "#worlds/embedded/desk/origin-guards.ts";

const compare = (name: string, challenger: number, verdict: Comparison["verdict"]): Comparison => ({
  ...{ name, unit: name === "latency p95" ? "ms" : "", champion: challenger - 0.01, challenger, verdict },
  ...{ interval: { low: -0.001, high: 0.02 }, limit: name === "latency p95" ? "≤ 50" : "≥ 0.75" },
});
const check = (name: string, verdict: Check["verdict"], detail: string): Check => ({
  ...{ name, verdict, detail },
  ...{ measured: 1, limit: 1, unit: "share" },
});
const createEvidence = (accuracy: number) => ({
  champion: "version 1 (aaaaaaaaaaaa)",
  championVersion: 1,
  changed: ["gates: accuracy lowered from 0.8 to 0.75"],
  renewed: ["holdout.csv changed"],
  owner: "data-science@example.com",
  subject: "toy: tuned <again>",
  links: {
    commit: { kind: "page" as const, url: "https://example.com/commit" },
    diff: { kind: "page" as const, url: "https://example.com/diff" },
  },
  rollout: { steps: [10, 50], bake: "PT30M" },
  checks: [
    check("accuracy", "pass", `accuracy ${accuracy} (required ≥ 0.75)`),
    check("auc", "inconclusive", "95 % interval 0.7789 to 0.8235 spans the limit"),
  ],
  omitted: [{ name: "vulnerabilities", why: "no advisories", remedy: "Load them with `npm run advisories`" }],
  comparisons: [compare("accuracy", accuracy, "pass"), compare("latency p95", 12.5, "pass")],
});

export const openDelivery = "delivery-d";
export const failedDeliveryName = "delivery-c";

/**
 * A model with two versions that served, a delivery whose gates failed, and one that waits for its approvers, in a store in
 * memory.
 */
export const createConsoleWorld = async () => {
  const world = createMemoryWorld();
  const { time, claims, outcomes, engine, ledger } = world;
  time.now = Date.parse("2026-11-21T13:00:00.000Z");
  const histories = new Map<string, readonly StateEvent[]>();
  const claimStage = async (delivery: string, letter: string) => {
    const request = { environment: "stage" as const, model: toyModel, delivery, now: time.now };
    await claims.take({ ...request, commit: fakeCommit(letter), requestedAt: time.now }, "newer");
  };
  const keepOutcome = (delivery: string, letter: string, outcome: "promoted" | "failed") =>
    outcomes.keep({
      ...{ delivery, model: toyModel, commit: fakeCommit(letter), outcome, at: time.now },
      error: outcome === "failed" ? { name: "GateFailed", cause: "accuracy 0.7331 is below 0.75" } : null,
    });
  const deployToStage = (delivery: string, letter: string, version: number) =>
    ledger.begin(
      {
        ...{ environment: "stage", model: toyModel, delivery, commit: fakeCommit(letter), version },
        ...{
          digest: fakeDigest(letter),
          functionVersion: String(version),
          fence: 9,
          previous: 2,
          reason: null,
        },
      },
      time.now,
    );
  for (const [index, letter] of ["a", "b"].entries()) {
    const delivery = `delivery-${letter}`;
    const version = index + 1;
    await claimStage(delivery, letter);
    await recordApproval(world, {
      delivery,
      letter,
      version,
      evidence: createEvidence(0.79 + version / 100),
    });
    await promoteVersion(world, letter, version);
    await keepOutcome(delivery, letter, "promoted");
    time.now += 3_600_000;
  }
  await claimStage(failedDeliveryName, "c");
  await deployToStage(failedDeliveryName, "c", 3);
  await keepOutcome(failedDeliveryName, "c", "failed");
  await claims.release("stage", toyModel, failedDeliveryName);
  histories.set(failedDeliveryName, failedHistory);
  const startedAt = new Date(time.now).toISOString();
  engine.executions.set(failedDeliveryName, {
    ...{ name: failedDeliveryName, status: "FAILED", startedAt, endedAt: startedAt },
    input: { model: toyModel },
  });

  time.now += 60_000;
  await claimStage(openDelivery, "d");
  await deployToStage(openDelivery, "d", 4);
  engine.executions.set(openDelivery, {
    ...{ name: openDelivery, status: "RUNNING", startedAt: new Date(time.now).toISOString() },
    input: { model: toyModel },
  });
  const asked = new Date(time.now).toISOString();
  histories.set(openDelivery, [
    ...failedHistory.filter(({ state }) =>
      /^(ClaimStage|BuildImage|ScanImage|RegisterModel|DeployStage)$/.test(state),
    ),
    { state: "RequestApproval", status: "entered", at: asked, ms: 0 },
  ]);
  const { id } = await world.approvals.ask(
    createNewApproval(world, {
      ...{ delivery: openDelivery, letter: "d", version: 4, baseline: 2, evidence: createEvidence(0.82) },
      rule: { approvers: ["U024BE7LH", "U0BYRON12"], quorum: 2, authorMayApprove: false, timeout: "PT24H" },
      contributors: {
        ...{ people: ["sam@example.com"], unmapped: [], addresses: [], approvers: [] },
        leftOut: [{ user: "U0BYRON12", why: "contributor" }],
      },
    }),
    "a token of the test",
  );
  const deliveries = {
    describe: engine.deliveries.describe,
    history: async (delivery: string) => histories.get(delivery) ?? [],
  };
  return { world, deliveries, histories, approval: id, model: toyModel };
};
export type ConsoleWorld = Awaited<ReturnType<typeof createConsoleWorld>>;

/** The console on a world, with everything that a world may offer. */
export const openConsole = (
  { world, deliveries }: ConsoleWorld,
  {
    links = {},
    source = {},
  }: { readonly links?: Partial<ConsoleLinks>; readonly source?: Partial<ConsoleSource> } = {},
) =>
  createConsole({
    source: {
      ...createOverview({
        ...{ store: world.store, deliveries, metrics: world.metrics, clock: world.clock, keepMetricsMs: 0 },
      }),
      ...source,
    },
    now: world.clock,
    links: {
      base: consoleBase,
      channel: { label: "#deliveries", href: "/" },
      message: (delivery) => (delivery === openDelivery ? "/#m-1" : undefined),
      apiDocs: (environment, model) => `https://models.example.com/${environment}/${model}/docs`,
      records: (model) => `https://models.example.com/prod/${model}/v1/predictions`,
      command: (command) => `npx ${command}`,
      userName: (id) => (id === "U024BE7LH" ? "Ada Byron" : undefined),
      ...links,
    },
  });

/** The console on a free port; `events`: with server-sent events, as on one machine, not by asking again, as on AWS. */
export const startConsole = async (
  world: ConsoleWorld,
  {
    events = false,
    source = {},
    orders = false,
  }: {
    readonly events?: boolean;
    readonly source?: Partial<ConsoleSource>;
    /** With the forms of canaries and the route that takes them, guarded as on one machine. */
    readonly orders?: boolean;
  } = {},
) => {
  const changes = createChangeBus();
  const stop = new AbortController();
  const respond = openConsole(world, {
    source,
    links: {
      ...(events && { events: consoleEvents }),
      ...(orders && {
        orders: {
          path: (delivery: string, order: string) => `${canaryOrderPath}/${delivery}/${order}`,
          people: [{ user: "U024BE7LH", name: "Ada Byron" }],
        },
      }),
    },
  });
  const statuses: number[] = [];
  const app = new Hono();
  if (orders)
    app.use(requireLocalHost).route(
      "/",
      createCanaryOrderRoute({
        people: [{ id: "U024BE7LH", name: "Ada Byron" }],
        findModel: async (delivery) => (await world.world.approvals.ofDelivery(delivery)).at(-1)?.model,
        order: submitCanaryOrder(world.world),
        page: consolePaths(consoleBase).canary,
        stylesheet: `${consoleBase}/console.css`,
      }),
    );
  app.route(
    "/",
    createConsoleRoute({
      respond: async (request) => {
        const response = await respond(request);
        if (response.headers["content-type"]?.startsWith("text/html") !== false)
          statuses.push(response.status);
        return response;
      },
      changes,
      stop: stop.signal,
    }),
  );
  const { promise, resolve } = Promise.withResolvers<AddressInfo>();
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, resolve);
  const { port } = await promise;
  // A browser opens connections ahead of its requests; close() waits for them.
  const unused = new Set<Socket>();
  server.on("connection", (socket: Socket) => unused.add(socket));
  server.on("request", ({ socket }: IncomingMessage) => unused.delete(socket));
  return {
    url: `http://127.0.0.1:${port}`,
    changes,
    /** Of every page so far. */
    statuses,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of unused) socket.destroy();
      await closed;
    },
  };
};
