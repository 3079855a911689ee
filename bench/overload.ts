/**
 * `npm run bench:overload`: `slipway serve --workers` under twice the load that it can answer, and its memory under large
 * bodies. Each round measures little load, the peak, and twice the peak in an open loop, interleaved in one run. Exits with
 * 1 when a target is missed: 90 % of the peak's throughput, p99 of admitted requests at most 10 times that under little
 * load, no failed request, memory that does not grow.
 * Options: --json, --rounds <n> (3), --quick (one short round), --workers <n> (one for each processor but the generator's), --rows <n> per request (20),
 * --minutes <n> of 10,000-row bodies (0.5; 30 for the whole).
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { measureTreeMemory } from "#test/support/process-tree.ts";
import type { LoadReport } from "./overload/load-process.ts";
import { splitProcessors } from "./serve/cpu-pinning.ts";
import { describeMachine, readLoadAverage } from "./serve/describe-machine.ts";
import { formatReport, type ReportLine } from "./serve/report.ts";
import { readRequestBodies } from "./serve/request-bodies.ts";
import { computeSpread } from "./serve/spread.ts";
import { startServer } from "./serve/start-server.ts";

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
    quick: { type: "boolean", default: false },
    workers: { type: "string" },
    rows: { type: "string", default: "20" },
    minutes: { type: "string", default: "0.5" },
  },
});
const rounds = options.quick ? 1 : Math.max(1, Math.round(Number(options.rounds)) || 3);
const seconds = options.quick ? 3 : 6;
const { pinned, server: wrapServer, generator: wrapGenerator, serverProcessors } = splitProcessors();
const workers = Math.max(1, Math.round(Number(options.workers ?? serverProcessors)) || 1);
const rows = Math.max(1, Math.round(Number(options.rows)) || 20);
const minutes = options.quick ? 0.1 : Math.max(0, Number(options.minutes) || 0);
const model = fileURLToPath(new URL("../models/churn", import.meta.url));
const program = fileURLToPath(new URL("overload/load-process.ts", import.meta.url));
const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);

/** Enough to keep all workers busy, and below what they admit. */
const peakConnections = 12 * workers;
const memorySamples = 60;

const runLoad = async (load: {
  url: string;
  body: string;
  seconds: number;
  perSecond?: number;
  connections?: number;
}): Promise<LoadReport> => {
  const [command = process.execPath, ...args] = [...wrapGenerator, process.execPath, program];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify(load));
  return JSON.parse(await text(child.stdout));
};

type Round = { readonly idle: LoadReport; readonly peak: LoadReport; readonly over: LoadReport };

const measureRounds = async (url: string, body: string): Promise<readonly Round[]> => {
  say("warming up …");
  const warm = await runLoad({ url, body, seconds, connections: peakConnections });
  const measured: Round[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    say(`round ${round} of ${rounds} …`);
    const idle = await runLoad({ url, body, seconds, perSecond: Math.max(5, warm.perSecond / 20) });
    const peak = await runLoad({ url, body, seconds, connections: peakConnections });
    const over = await runLoad({ url, body, seconds, perSecond: 2 * peak.perSecond });
    measured.push({ idle, peak, over });
  }
  return measured;
};

const reportRounds = (measured: readonly Round[]): readonly ReportLine[] => {
  const spread = (read: (round: Round) => number) => computeSpread(measured.map(read));
  const ms = "ms";
  return [
    { what: "peak", measured: spread(({ peak }) => peak.perSecond), unit: "requests/s" },
    {
      what: "twice the peak: admitted",
      measured: spread(({ over }) => over.perSecond),
      unit: "requests/s",
    },
    {
      what: "twice the peak: share of the peak",
      measured: spread(({ peak, over }) => over.perSecond / peak.perSecond),
      unit: "times",
      target: { atLeast: 0.9 },
    },
    {
      what: "twice the peak: the generator behind its schedule, at most",
      measured: spread(({ over }) => over.behindMs),
      unit: ms,
    },
    { what: "little load: p99", measured: spread(({ idle }) => idle.p99Ms), unit: ms },
    { what: "peak: p99", measured: spread(({ peak }) => peak.p99Ms), unit: ms },
    { what: "twice the peak: p99 of admitted", measured: spread(({ over }) => over.p99Ms), unit: ms },
    {
      what: "twice the peak: times the p99 of little load",
      measured: spread(({ idle, over }) => over.p99Ms / idle.p99Ms),
      unit: "times",
      target: { atMost: 10 },
    },
    {
      what: "twice the peak: refused with 429 and Retry-After",
      measured: spread(({ over }) => over.refused),
      unit: "requests",
    },
    {
      what: "all: requests that failed otherwise",
      measured: spread(({ idle, peak, over }) => idle.failed + peak.failed + over.failed),
      unit: "requests",
      target: { atMost: 0 },
    },
  ];
};

/** Resident memory of all processes while 10,000-row bodies come; its second quarter is compared with its last. */
const measureMemory = async (url: string, pid: number, body: string): Promise<readonly ReportLine[]> => {
  if (minutes === 0) return [];
  say(`${minutes} minutes of 10,000-row bodies …`);
  const loadSeconds = minutes * 60;
  // Two for each worker, so that large bodies wait for each other as well.
  const loaded = runLoad({ url, body, seconds: loadSeconds, connections: 2 * workers });
  const samples: number[] = [];
  for (let sample = 0; sample < memorySamples; sample += 1) {
    await wait((loadSeconds * 1_000) / memorySamples);
    const memory = measureTreeMemory(pid);
    if (memory) samples.push(memory.totalBytes / 1e6);
  }
  const { answered, failed } = await loaded;
  const quarter = Math.floor(samples.length / 4);
  const early = computeSpread(samples.slice(quarter, 2 * quarter));
  const late = computeSpread(samples.slice(-quarter));
  return [
    { what: "10,000 rows: answered", measured: computeSpread([answered]), unit: "requests" },
    {
      what: "10,000 rows: failed or refused",
      measured: computeSpread([failed]),
      unit: "requests",
      target: { atMost: 0 },
    },
    { what: "10,000 rows: resident memory, second quarter", measured: early, unit: "MB" },
    { what: "10,000 rows: resident memory, last quarter", measured: late, unit: "MB" },
    {
      what: "10,000 rows: last quarter beside the second",
      measured: early && late && computeSpread([late.median / early.median]),
      unit: "times",
      target: { atMost: 1.1 },
    },
  ];
};

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const loadBefore = readLoadAverage();
const temporary = await mkdtemp(join(tmpdir(), "slipway-overload-"));
const bodies = await readRequestBodies(model);
const body = bodies.of(rows);
const server = await startServer("slipway serve", body, {
  folder: model,
  data: join(temporary, "data"),
  python: "",
  wrap: wrapServer,
  workers,
});
const lines: ReportLine[] = [];
try {
  lines.push(...reportRounds(await measureRounds(server.url, body)));
  lines.push(...(await measureMemory(server.url, server.pid, bodies.of(10_000))));
} finally {
  await server.stop();
  await rm(temporary, { recursive: true, force: true, maxRetries: 5 });
}
const machine = describeMachine({ pinned, rounds, loadBefore });
const { text: table, missed } = formatReport(lines, machine);
console.log(options.json ? JSON.stringify({ machine, workers, rows, lines }, undefined, 2) : table);
process.exitCode = missed ? 1 : 0;
