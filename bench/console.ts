/**
 * `npm run bench:console`: the console with 50 models and 1,000 deliveries in the store: time to the first byte and to a
 * usable page in a browser, what each page weighs, and Lighthouse's performance score, also of a service's API docs. Exits
 * with 1 where a page is heavier than its limit or scores below 95.
 */
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { toAuditTrail } from "#console/audit/to-audit-trail.ts";
import { createConsole } from "#console/create-console.ts";
import { verifyTrail } from "#domain/audit/verify-trail.ts";
import { createOverview } from "#domain/overview/create-overview.ts";
import { createSqliteMetrics } from "#platform/metrics/sqlite.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import { requireBrowser } from "#test/support/browser.ts";
import { failedHistory } from "#test/support/desk/sample-deliveries.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { consoleBase, createChangeBus, createConsoleRoute } from "#worlds/embedded/console-route.ts";
import { fillStore } from "./console/fill-store.ts";
import { type LighthouseResult, openLighthouse } from "./console/open-lighthouse.ts";
import { failUsage, readOptions } from "./read-options.ts";
import { readRequestBodies } from "./serve/request-bodies.ts";
import { computeSpread } from "./serve/spread.ts";
import { startServer } from "./serve/start-server.ts";

const help = `npm run bench:console -- [options]

  --models <n>             models in the store (50)
  --deliveries <n>         deliveries, at least one for each model (1000)
  --rounds <n>             rounds of each page (15)
  --lighthouse-rounds <n>  rounds of Lighthouse (3; 0: none)
  --reports <folder>       keeps Lighthouse's reports`;

const values = readOptions(help, {
  models: { type: "string", default: "50" },
  deliveries: { type: "string", default: "1000" },
  rounds: { type: "string", default: "15" },
  "lighthouse-rounds": { type: "string", default: "3" },
  reports: { type: "string" },
});
const [modelCount = 0, deliveryCount = 0, rounds = 0, lighthouseRounds = 0] = [
  ...[values.models, values.deliveries, values.rounds, values["lighthouse-rounds"]],
].map(Number);
if (!(modelCount > 0 && deliveryCount >= modelCount && rounds > 0 && lighthouseRounds >= 0))
  failUsage(
    `--models, --deliveries (at least one for each model), --rounds and --lighthouse-rounds take numbers.\n\n${help}`,
  );
/** Lighthouse's score that each page needs. */
const leastScore = 95;

const folder = await createTemporaryFolder();
const database = openDatabase(join(folder.path, "console.sqlite"));
let seededTo: number | undefined = Date.now() - deliveryCount * 60_000;
const clock = () => seededTo ?? Date.now();
const store = createSqliteStore({ database, clock });
const metrics = createSqliteMetrics({ database, clock });
const setTime = (now: number) => {
  seededTo = now;
};
const { engine, trail, withCanary, waiting } = await fillStore({
  ...{ store, metrics, clock, setTime, modelCount, deliveryCount },
});
// Pages are opened now, so that the browser counts the same ages as the server.
seededTo = undefined;

const respond = createConsole({
  source: {
    ...createOverview({
      ...{ store, metrics, clock, keepMetricsMs: 2_000 },
      deliveries: { describe: engine.deliveries.describe, history: async () => failedHistory },
    }),
    readAudit: async (model) => {
      const head = await trail.readHead(model);
      const anchor = { from: "lock" as const, place: "the bucket", at: clock() };
      const heads = head ? [{ sequence: head.sequence, hash: head.hash, ...anchor }] : [];
      return toAuditTrail(verifyTrail({ model, items: await trail.readItems(model), heads }));
    },
  },
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

const pathTo = ({ model, delivery }: { readonly model: string; readonly delivery: string }) =>
  `/console/models/${model}/deliveries/${delivery}`;
type MeasuredPage = { readonly name: string; readonly url: string; readonly limitKb: number };
const pages: readonly MeasuredPage[] = [
  { name: "home", path: "/console/", limitKb: 100 },
  { name: "deliveries", path: "/console/deliveries", limitKb: 100 },
  { name: "deliveries that failed", path: "/console/deliveries?outcome=failed", limitKb: 100 },
  { name: "model (charts)", path: "/console/models/model-00", limitKb: 300 },
  ...(withCanary
    ? [
        {
          name: "canary (charts)",
          path: `${pathTo(withCanary)}/canary`,
          limitKb: 300,
        },
      ]
    : []),
  ...(waiting
    ? [
        { name: "delivery", path: pathTo(waiting), limitKb: 100 },
        { name: "approval", path: `${pathTo(waiting)}/approval`, limitKb: 100 },
      ]
    : []),
  { name: "audit", path: "/console/models/model-00/audit", limitKb: 100 },
].map(({ path, ...page }) => ({ ...page, url: `${url}${path}` }));

/** The API docs of churn are a page of its own service. */
const churn = fileURLToPath(new URL("../models/churn", import.meta.url));
const [row = ""] = (await readRequestBodies(churn)).single;
const service = await startServer("slipway serve", row, {
  ...{ folder: churn, data: join(folder.path, "records"), python: "", wrap: [] },
});
const docs: MeasuredPage = { name: "API docs", url: new URL("/docs", service.url).href, limitKb: 100 };

/** Milliseconds to the first byte of a page's response. */
const measureFirstByte = async (address: string): Promise<number> => {
  const startedAt = performance.now();
  const response = await fetch(address);
  const ms = performance.now() - startedAt;
  if (response.status !== 200) throw new Error(`${address}: status ${response.status}`);
  await response.arrayBuffer();
  return ms;
};
/** Bytes of a page with its style, script and icon, before any compression. */
const measureWeight = async (address: string): Promise<number> => {
  const body = await (await fetch(address)).text();
  const assets = [...body.matchAll(/(?:<script[^>]*src|<link[^>]*href)="([^"#]+)"/g)].flatMap(
    ([, asset = ""]) => (asset.startsWith("data:") ? [] : [new URL(asset, address).href]),
  );
  const sizes = await Promise.all(
    [...new Set(assets)].map(async (asset) => (await (await fetch(asset)).arrayBuffer()).byteLength),
  );
  return Buffer.byteLength(body) + sizes.reduce((sum, size) => sum + size, 0);
};

const { skip, executablePath, launch } = requireBrowser();
const chromium = skip ? undefined : await launch();
/** Milliseconds from the navigation until the page is complete and its script has run, in a browser without a cache. */
const measureUsable = async (address: string): Promise<number | undefined> => {
  if (!chromium) return undefined;
  const page = await chromium.context.newPage();
  await page.route("**/*", (route) => route.continue());
  await page.goto(address, { waitUntil: "load" });
  const ms = Number(await page.evaluate("performance.getEntriesByType('navigation')[0].loadEventStart"));
  await page.close();
  return ms;
};

const failures: string[] = [];
const median = (numbers: readonly number[]) => computeSpread(numbers)?.median ?? 0;
const printRow = (name: string, cells: readonly string[]) =>
  console.log(`${name.padEnd(26)}${cells.map((cell) => cell.padStart(12)).join("")}`);

console.log(`${modelCount} models, ${deliveryCount} deliveries, medians of ${rounds} on this machine`);
printRow("page", ["first byte", "usable", "weight", "limit"]);
for (const { name, url: address, limitKb } of [...pages, docs]) {
  const first: number[] = [];
  const usable: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const [byte, ready] = [await measureFirstByte(address), await measureUsable(address)];
    // The first round warms caches.
    if (round === 0) continue;
    first.push(byte);
    if (ready !== undefined) usable.push(ready);
  }
  const weightKb = (await measureWeight(address)) / 1_000;
  if (weightKb > limitKb) failures.push(`${name} weighs ${weightKb.toFixed(0)} KB (limit ${limitKb} KB)`);
  printRow(name, [
    `${median(first).toFixed(0)} ms`,
    usable.length === 0 ? "–" : `${median(usable).toFixed(0)} ms`,
    `${weightKb.toFixed(0)} KB`,
    `${limitKb} KB`,
  ]);
}
await chromium?.[Symbol.asyncDispose]();

const lighthouse =
  skip || lighthouseRounds === 0
    ? undefined
    : await openLighthouse({ chromium: executablePath, reports: values.reports });
/** The round of the median score; of an even number the lower of the two. */
const pickMedian = (results: readonly LighthouseResult[]) =>
  results.toSorted((a, b) => a.score - b.score)[Math.floor((results.length - 1) / 2)];
if (lighthouse) {
  console.log(`\nLighthouse's performance score, medians of ${lighthouseRounds} (limit ${leastScore})`);
  printRow("page", ["mobile", "desktop"]);
  const machine: number[] = [];
  for (const { name, url: address } of [...pages, docs]) {
    const cells: string[] = [];
    for (const preset of ["mobile", "desktop"] as const) {
      const results: LighthouseResult[] = [];
      for (let round = 0; round < lighthouseRounds; round++)
        results.push(await lighthouse(name, address, preset));
      machine.push(...results.map((result) => result.machine));
      const middle = pickMedian(results);
      cells.push(String(middle?.score ?? "–"));
      if (middle && middle.score < leastScore)
        failures.push(`${name} scores ${middle.score} on ${preset} (limit ${leastScore}): ${middle.metrics}`);
    }
    printRow(name, cells);
  }
  const speed = computeSpread(machine);
  console.log(
    `Lighthouse's benchmark of this machine: ${speed?.median} (${speed?.min} to ${speed?.max}); a busy machine scores less`,
  );
}

server.close();
if ("closeAllConnections" in server) server.closeAllConnections();
await service.stop();
metrics.close();
database.close();
await folder.remove();
if (failures.length > 0) {
  console.error(failures.join("\n"));
  process.exitCode = 1;
}
