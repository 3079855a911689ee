/**
 * `npm run bench:console`: the console with 50 models and 1,000 deliveries in the store: time to the first byte and to a
 * usable page in a browser, and what each page weighs. Exits with 1 where a page is heavier than its limit.
 */
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createConsole } from "#console/create-console.ts";
import { createApprovals } from "#domain/approval/approvals.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createOverview } from "#domain/overview/create-overview.ts";
import { createSqliteMetrics } from "#platform/metrics/sqlite.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import { requireBrowser } from "#test/support/browser.ts";
import { failedHistory } from "#test/support/desk/sample-deliveries.ts";
import { fakeDeliveries } from "#test/support/fake-deliveries.ts";
import { plainCipher } from "#test/support/plain-cipher.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { consoleBase, createChangeBus, createConsoleRoute } from "#worlds/embedded/console-route.ts";
import { computeSpread } from "./serve/spread.ts";

const { values } = parseArgs({
  options: {
    models: { type: "string", default: "50" },
    deliveries: { type: "string", default: "1000" },
    rounds: { type: "string", default: "15" },
  },
});
const [modelCount = 0, deliveryCount = 0, rounds = 0] = [values.models, values.deliveries, values.rounds].map(
  Number,
);
if (!(modelCount > 0 && deliveryCount >= modelCount && rounds > 0)) {
  console.error("--models, --deliveries (at least one for each model) and --rounds take numbers.");
  process.exit(2);
}

const folder = await createTemporaryFolder();
const database = openDatabase(join(folder.path, "console.sqlite"));
let now = Date.now() - deliveryCount * 60_000;
const clock = () => now;
const store = createSqliteStore({ database, clock });
const metrics = createSqliteMetrics({ database, clock });
const engine = fakeDeliveries();
const claims = createClaims({ store });
const ledger = createLedger({ store });
const outcomes = createOutcomes({ store });
const approvals = createApprovals({ store, cipher: plainCipher, deliveries: engine.deliveries });

const hex = (seed: number, length: number) => seed.toString(16).padStart(8, "0").repeat(8).slice(0, length);
const names = [
  "accuracy",
  "AUC",
  "latency p95",
  "cost per million",
  "cold start",
  "image size",
  "breaking changes",
];
const createEvidence = (index: number) => ({
  ...{ champion: "version 1", championVersion: 1, changed: [], renewed: ["golden.json changed"] },
  ...{
    owner: "data-science@example.com",
    subject: `a change, number ${index}`,
    rollout: { steps: [10, 50], bake: "PT30M" },
  },
  checks: names.map((name) => ({
    ...{ name, verdict: "pass" as const, measured: 0.8, limit: 0.75, unit: "share" },
    detail: `${name} 0.8 (required ≥ 0.75; 95 % interval 0.78 to 0.82; 1,409 rows)`,
  })),
  omitted: [{ name: "vulnerabilities", why: "no advisories", remedy: "Load them with npm run advisories" }],
  comparisons: names.map((name, column) => ({
    ...{
      name,
      unit: column > 1 ? "ms" : "",
      champion: 0.8,
      challenger: 0.8 + (index % 7) / 100,
      limit: "≥ 0.75",
    },
    ...{ interval: { low: -0.01, high: 0.02 }, verdict: "pass" as const },
  })),
});

const isFailed = (index: number) => index % 9 === 8;
/** Deliveries of all models in turns, as their steps store them; the last of each fifth model waits for its approvers. */
const seed = async () => {
  for (let index = 0; index < deliveryCount; index++) {
    now += 60_000;
    const model = `model-${String(index % modelCount).padStart(2, "0")}`;
    const version = Math.floor(index / modelCount) + 1;
    const isLast = index + modelCount >= deliveryCount;
    const commit = hex(index + 1, 40);
    const digest = `sha256:${hex(index + 1, 64)}`;
    const delivery = `${model}-${commit.slice(0, 12)}-${hex(index, 8)}`;
    const subject = { model, delivery, commit };
    await claims.take({ environment: "stage", ...subject, requestedAt: now, now }, "newer");
    const entry = {
      ...subject,
      digest,
      version,
      functionVersion: String(version),
      fence: index + 1,
      reason: null,
    };
    const previous = (await ledger.serving("prod", model))?.sequence ?? 0;
    await ledger.begin({ environment: "stage", ...entry, previous }, now);
    const waits = isLast && index % 5 === 0;
    engine.executions.set(delivery, {
      ...{ name: delivery, status: waits ? "RUNNING" : "SUCCEEDED", input: { model } },
      ...{ startedAt: new Date(now).toISOString(), endedAt: new Date(now + 50_000).toISOString() },
    });
    if (!isFailed(index)) {
      const rule = { approvers: ["U024BE7LH"], quorum: 1, authorMayApprove: true, timeout: "PT24H" };
      const { id } = await approvals.ask(
        {
          ...{
            ...subject,
            digest,
            version,
            baseline: previous,
            fence: index + 1,
            pusher: null,
            contributors: null,
            rule,
          },
          ...{ author: { name: "Sam Carter", email: "sam@example.com" }, evidence: createEvidence(index) },
          ...{ askedAt: now, expiresAt: now + 86_400_000 },
        },
        `token-${index}`,
      );
      if (waits) continue;
      const person = { user: "U024BE7LH", name: "Ada Byron", email: "ada@example.com" };
      await approvals.vote(id, { ...person, verdict: "approved", reason: null, at: now });
      const onProd = await ledger.begin({ environment: "prod", ...entry, previous }, now);
      const shares = [10, 50, 100].map((percent) => ({ percent, from: now }));
      const { checks } = createEvidence(index);
      await ledger.change(onProd, (current) => ({
        ...current,
        status: "promoted",
        promotedAt: now,
        shares,
        checks,
      }));
    }
    const error = isFailed(index) ? { name: "GateFailed", cause: "accuracy 0.7331 is below 0.75" } : null;
    await outcomes.keep({ ...subject, outcome: error ? "failed" : "promoted", error, at: now + 50_000 });
    await claims.release("stage", model, delivery);
    for (let request = 0; request < 20; request++)
      metrics.request({
        ...{
          environment: "prod",
          model,
          version: String(version),
          at: now - request,
          latencyMs: 5 + request,
        },
        ...{ failed: false, labels: new Map([["stay", 1]]) },
      });
  }
};
await seed();

const respond = createConsole({
  source: createOverview({
    ...{ store, metrics, clock, keepMetricsMs: 2_000 },
    deliveries: { describe: engine.deliveries.describe, history: async () => failedHistory },
  }),
  now: clock,
  links: { base: consoleBase, command: (command) => `npx ${command}` },
});
const app = new Hono().route(
  "/",
  createConsoleRoute({ respond, changes: createChangeBus(), stop: new AbortController().signal }),
);
const listening = Promise.withResolvers<AddressInfo>();
const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, listening.resolve);
const url = `http://127.0.0.1:${(await listening.promise).port}`;

const last = [...engine.executions.keys()].findLast((name) => name.startsWith("model-00-")) ?? "";
const delivery = `/console/models/model-00/deliveries/${last}`;
const pages: readonly { name: string; path: string; limitKb: number }[] = [
  { name: "home", path: "/console/", limitKb: 100 },
  { name: "deliveries", path: "/console/deliveries", limitKb: 100 },
  { name: "deliveries that failed", path: "/console/deliveries?outcome=failed", limitKb: 100 },
  { name: "model (charts)", path: "/console/models/model-00", limitKb: 300 },
  { name: "delivery", path: delivery, limitKb: 100 },
  { name: "approval", path: `${delivery}/approval`, limitKb: 100 },
];

/** Milliseconds to the first byte of a page's response. */
const measureFirstByte = async (path: string): Promise<number> => {
  const startedAt = performance.now();
  const response = await fetch(`${url}${path}`);
  const ms = performance.now() - startedAt;
  if (response.status !== 200) throw new Error(`${path}: status ${response.status}`);
  await response.arrayBuffer();
  return ms;
};
/** Bytes of a page with its style, script and icon, before any compression. */
const measureWeight = async (path: string): Promise<number> => {
  const body = await (await fetch(`${url}${path}`)).text();
  const assets = [...body.matchAll(/(?:src|<link[^>]*href)="([^"#]+)"/g)].map(([, address = ""]) => address);
  const sizes = await Promise.all(
    [...new Set(assets)].map(
      async (address) => (await (await fetch(`${url}${address}`)).arrayBuffer()).byteLength,
    ),
  );
  return Buffer.byteLength(body) + sizes.reduce((sum, size) => sum + size, 0);
};

const { skip, launch } = requireBrowser();
const chromium = skip ? undefined : await launch();
/** Milliseconds from the navigation until the page is complete and its script has run, in a browser without a cache. */
const measureUsable = async (path: string): Promise<number | undefined> => {
  if (!chromium) return undefined;
  const page = await chromium.context.newPage();
  await page.route("**/*", (route) => route.continue());
  await page.goto(`${url}${path}`, { waitUntil: "load" });
  const ms = Number(await page.evaluate("performance.getEntriesByType('navigation')[0].loadEventStart"));
  await page.close();
  return ms;
};

let isTooHeavy = false;
const median = (numbers: readonly number[]) => computeSpread(numbers)?.median ?? 0;
console.log(`${modelCount} models, ${deliveryCount} deliveries, medians of ${rounds} on this machine`);
console.log(
  `${"page".padEnd(26)}${["first byte", "usable", "weight", "limit"].map((name) => name.padStart(12)).join("")}`,
);
for (const { name, path, limitKb } of pages) {
  const first: number[] = [];
  const usable: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const [byte, ready] = [await measureFirstByte(path), await measureUsable(path)];
    // The first round warms caches.
    if (round === 0) continue;
    first.push(byte);
    if (ready !== undefined) usable.push(ready);
  }
  const weightKb = (await measureWeight(path)) / 1_000;
  isTooHeavy ||= weightKb > limitKb;
  const cells = [
    `${median(first).toFixed(0)} ms`,
    usable.length === 0 ? "–" : `${median(usable).toFixed(0)} ms`,
    `${weightKb.toFixed(0)} KB`,
    `${limitKb} KB`,
  ];
  console.log(`${name.padEnd(26)}${cells.map((cell) => cell.padStart(12)).join("")}`);
}
await chromium?.[Symbol.asyncDispose]();
server.close();
if ("closeAllConnections" in server) server.closeAllConnections();
metrics.close();
database.close();
await folder.remove();
if (isTooHeavy) {
  console.error("A page is heavier than its limit.");
  process.exitCode = 1;
}
