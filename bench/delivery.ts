/**
 * `npm run bench:delivery`: the cost of a rehearsal on this machine, measured on real runs in separate processes,
 * on data folders that are removed afterwards. A benchmark, not a test: it always exits with 0.
 * Options: --json, --rounds <n> (5), --fresh-clone (also times git clone, npm ci and the start in a temporary folder).
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { measureTreeMemory, type TreeMemory } from "#test/support/process-tree.ts";
import { type WatchedRehearsal, watchRehearsal } from "#test/support/rehearsal-process.ts";
import { measureThroughput } from "./measure-throughput.ts";

type Line = {
  readonly what: string;
  /** In the line's unit; null: no target. */
  readonly aim: number | null;
  readonly measured: number | null;
  readonly unit: "s" | "MB" | "requests/s";
  readonly detail: string;
};

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    "fresh-clone": { type: "boolean", default: false },
  },
});
const rounds = Math.max(1, Math.round(Number(options.rounds)) || 5);
const checkout = fileURLToPath(new URL("..", import.meta.url));
const installed = join(checkout, "node_modules");
const command = join(checkout, "cli", "slipway.ts");
const temporary = await mkdtemp(join(tmpdir(), "slipway-bench-"));

const seconds = (ms: number) => Math.round(ms / 10) / 100;
const megabytes = (bytes: number) => Math.round(bytes / 1e6);
const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);

/** `npm start -- …` without npm, which adds about 0.2 s. */
const startRehearsal = (folder: string, more: readonly string[] = []): WatchedRehearsal =>
  watchRehearsal(
    process.execPath,
    [join(checkout, "scripts", "start.mjs"), "--json", "--port", "0", "--data", folder, ...more],
    { cwd: checkout },
  );

/** From the start to the first approval request on an empty data folder, several times. */
const benchStartUp = async (): Promise<readonly Line[]> => {
  const times: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    say(`start to the approval request, round ${round} of ${rounds} …`);
    const began = performance.now();
    const rehearsal = startRehearsal(join(temporary, `start-${round}`));
    try {
      await rehearsal.waitFor("question");
      times.push(performance.now() - began);
    } finally {
      await rehearsal.stop();
    }
  }
  const sorted = times.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const median =
    sorted.length % 2 ? (sorted[half] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
  const spread = `${seconds(sorted[0] ?? 0)} to ${seconds(sorted.at(-1) ?? 0)} s over ${sorted.length} rounds`;
  return [
    {
      what: "start to the approval request, installed",
      aim: 5,
      measured: seconds(median),
      unit: "s",
      detail: `median; ${spread}, each on an empty data folder`,
    },
  ];
};

/** States that wait by design: approvals and bakes. */
const waitingStates = new Set(["Bake", "RequestApproval"]);

/** On a very busy machine a canary stays open without conclusive latencies; the report then shows the figures so far. */
const longestRunMs = 240_000;

/** Both deliveries with --approve; memory is sampled every 250 ms. */
const benchWholeRun = async (folder: string): Promise<readonly Line[]> => {
  say("both deliveries, approved …");
  const began = performance.now();
  const rehearsal = startRehearsal(folder, ["--approve"]);
  const states = () => rehearsal.events.flatMap((event) => (event.event === "state" ? [event] : []));
  const inCanary = () =>
    states().some(({ state }) => state === "StartCanary") &&
    !states().some(({ state, delivery }) => state === "PromoteModel" && delivery === second());
  const second = () => states().find(({ state }) => state === "StartCanary")?.delivery;
  let peak: TreeMemory | undefined;
  let worker = 0;
  const timer = setInterval(() => {
    const now = measureTreeMemory(rehearsal.pid);
    worker = Math.max(worker, now?.largestWorkerBytes ?? 0);
    if (now && inCanary() && now.totalBytes > (peak?.totalBytes ?? 0)) peak = now;
  }, 250);
  const limit = setTimeout(() => void rehearsal.stop(), longestRunMs);
  const { code } = await rehearsal.ended().finally(() => {
    clearInterval(timer);
    clearTimeout(limit);
  });
  const tookMs = performance.now() - began;
  const runs = states().filter(({ delivery, status }) => delivery === second() && status === "succeeded");
  const own = runs.filter(({ state }) => !waitingStates.has(state));
  const longest = own
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, 4)
    .map(({ state, ms }) => `${state} ${ms} ms`);
  const canaryChecks = own.filter(({ state }) => state === "JudgeCanary").length;
  if (code !== 0) say(`the run ended with exit code ${code}`);
  return [
    {
      what: "steps of the second version's delivery",
      aim: 5,
      measured: own.length > 0 ? seconds(own.reduce((sum, { ms }) => sum + ms, 0)) : null,
      unit: "s",
      detail: `without bake and approval, under traffic; ${longest.join(", ")}; ${canaryChecks} canary checks`,
    },
    {
      what: "all processes, resident memory, peak during the canary",
      aim: 600,
      measured: peak ? megabytes(peak.totalBytes) : null,
      unit: "MB",
      detail: peak
        ? `${peak.processes} processes; ${megabytes(peak.proportionalBytes)} MB where shared pages count once`
        : "not measured: there is no /proc here, or the run ended before its canary",
    },
    {
      what: "largest inference worker, resident memory",
      aim: 150,
      measured: worker > 0 ? megabytes(worker) : null,
      unit: "MB",
      detail: "peak of the run",
    },
    {
      what: "both deliveries, approved, start to exit",
      aim: null,
      measured: seconds(tookMs),
      unit: "s",
      detail: `two canary steps with a bake of 3 s each; exit code ${code}`,
    },
  ];
};

/** Prod's throughput through the gateway: one row per request, ten connections, no other traffic. */
const benchThroughput = async (folder: string): Promise<readonly Line[]> => {
  say("requests per second …");
  const rehearsal = startRehearsal(folder, ["--traffic", "0"]);
  try {
    const { url, model } = await rehearsal.waitFor("serving", ({ environment }) => environment === "prod");
    const golden = JSON.parse(await readFile(join(checkout, "models", model, "golden.json"), "utf8"));
    const body = JSON.stringify({ rows: golden.rows.slice(0, 1) });
    const load = await measureThroughput(`${url}/v1/predict`, body, { connections: 10, forMs: 5_000 });
    return [
      {
        what: "prod through the gateway",
        aim: null,
        measured: Math.round(load.perSecond),
        unit: "requests/s",
        detail: `one row per request, 10 connections; median ${load.medianMs.toFixed(1)} ms, p95 ${load.p95Ms.toFixed(1)} ms, ${load.failed} failed; the caller ran on the same machine`,
      },
    ];
  } finally {
    await rehearsal.stop();
  }
};

/** `slipway rollback` as a separate command, on a running rehearsal under traffic. */
const benchRollback = async (folder: string): Promise<readonly Line[]> => {
  say("rollback from a second terminal …");
  const rehearsal = startRehearsal(folder);
  try {
    await rehearsal.waitFor("serving", ({ environment }) => environment === "prod");
    const began = performance.now();
    const child = spawn(process.execPath, [command, "rollback", "churn", "--json", "--data", folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    const [code] = await once(child, "close");
    const tookMs = performance.now() - began;
    const rollbackMs = code === 0 ? JSON.parse(output).ms : undefined;
    return [
      {
        what: "rollback from a second terminal",
        aim: 5,
        measured: code === 0 ? seconds(tookMs) : null,
        unit: "s",
        detail:
          code === 0
            ? `the whole command under traffic, with ${rollbackMs} ms for the rollback, golden vectors and ledger included`
            : `the command ended with ${code}`,
      },
    ];
  } finally {
    await rehearsal.stop();
  }
};

/** The first start: clone, npm ci with an empty cache, start, approval request. Only committed files are cloned. */
const benchFreshClone = async (): Promise<readonly Line[]> => {
  say("git clone and npm start …");
  const folder = join(temporary, "clone");
  const began = performance.now();
  const cloned = spawnSync("git", ["clone", "--quiet", checkout, folder], { stdio: "inherit" });
  if (cloned.status !== 0) throw new Error("the clone failed");
  const clonedAfter = performance.now() - began;
  const rehearsal = watchRehearsal("npm", ["start", "--silent", "--", "--json", "--port", "0"], {
    cwd: folder,
    env: { ...process.env, npm_config_cache: join(temporary, "npm-cache") },
  });
  try {
    await rehearsal.waitFor("question");
    const tookMs = performance.now() - began;
    return [
      {
        what: "fresh clone to the approval request",
        aim: 60,
        measured: seconds(tookMs),
        unit: "s",
        detail: `git clone ${seconds(clonedAfter)} s, then npm start with npm's cache empty; depends on the network`,
      },
    ];
  } finally {
    await rehearsal.stop();
  }
};

/** The size of the packages that `npm ci` installs; Terraform's provider package must not be among them. */
const measurePackages = async (): Promise<readonly Line[]> => {
  const { stdout } = spawnSync("du", ["-skL", installed], { encoding: "utf8" });
  const kilobytes = Number(stdout.split(/\s/)[0]);
  const provider = existsSync(join(installed, "@cdktn", "provider-aws"));
  return [
    {
      what: "node_modules on disk",
      aim: null,
      measured: kilobytes > 0 ? megabytes(kilobytes * 1_024) : null,
      unit: "MB",
      detail: provider
        ? "with Terraform's provider package, which npm start must not install"
        : "without Terraform's provider package",
    },
  ];
};

const lines: Line[] = [];
const measure = async (what: string, work: () => Promise<readonly Line[]>): Promise<void> => {
  try {
    lines.push(...(await work()));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    lines.push({ what, aim: null, measured: null, unit: "s", detail: `not measured: ${why}` });
  }
};

const loadBefore = loadavg()[0] ?? 0;
const run = join(temporary, "run");
try {
  await measure("node_modules on disk", measurePackages);
  await measure("start to the approval request", benchStartUp);
  await measure("both deliveries", () => benchWholeRun(run));
  await measure("prod through the gateway", () => benchThroughput(run));
  await measure("rollback from a second terminal", () => benchRollback(run));
  if (options["fresh-clone"]) await measure("fresh clone", benchFreshClone);
} finally {
  await rm(temporary, { recursive: true, force: true, maxRetries: 5 });
}

const machine = {
  processors: availableParallelism(),
  node: process.version,
  loadBefore: Math.round(loadBefore * 100) / 100,
  loadAfter: Math.round((loadavg()[0] ?? 0) * 100) / 100,
};
if (options.json) console.log(JSON.stringify({ machine, lines }, undefined, 2));
else {
  const formatResult = ({ aim, measured }: Line) =>
    aim === null ? "" : measured === null ? "?" : measured <= aim ? "yes" : "NO";
  const rows = [
    ["what", "target", "measured", "met"],
    ...lines.map((line) => [
      line.what,
      line.aim === null ? "" : `≤ ${line.aim} ${line.unit}`,
      line.measured === null ? "—" : `${line.measured} ${line.unit}`,
      formatResult(line),
    ]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  rows.forEach((row, index) => {
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
    const detail = lines[index - 1]?.detail;
    if (detail) console.log(`    ${detail}`);
  });
  console.log(
    `\n${machine.processors} processors, Node ${machine.node}, load ${machine.loadBefore} before and ${machine.loadAfter} after. Other processes on the machine affect the results.`,
  );
}
