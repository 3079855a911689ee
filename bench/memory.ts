/**
 * `npm run bench:memory`: the memory of `slipway serve` when idle, and under bodies of 10,000 rows, with records. Exits
 * with 1 when a limit that was given is missed.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { listTreeMemory, measureTreeUsage, type ProcessMemory } from "#test/support/process-tree.ts";
import { type MinuteSummary, type Sample, summarizeMinutes } from "./memory/summarize-minutes.ts";
import type { LoadReport } from "./overload/load-process.ts";
import { failUsage, readOptions } from "./read-options.ts";
import { describeMachine, readLoadAverage } from "./serve/describe-machine.ts";
import { readRequestBodies } from "./serve/request-bodies.ts";
import { startServer } from "./serve/start-server.ts";

const help = `npm run bench:memory -- [options]

  --minutes <n>       5, of bodies of 10,000 rows; 30 for the whole
  --workers <n>       1
  --connections <n>   one for each worker; each sends its next request after the response
  --folder <path>     models/churn
  --limit-idle <MB>   the most resident memory of each process when idle
  --limit-load <MB>   the most memory of all processes together under load, median of all minutes
  --limit-slope <MB>  the most growth each minute after the first, of all processes together
  --json              prints JSON

"Together" counts what each process has for itself, and the files that all of them share (Node's own, 40 to 55 MB) once.`;

const options = readOptions(help, {
  minutes: { type: "string", default: "5" },
  workers: { type: "string", default: "1" },
  connections: { type: "string" },
  folder: { type: "string", default: fileURLToPath(new URL("../models/churn", import.meta.url)) },
  "limit-idle": { type: "string" },
  "limit-load": { type: "string" },
  "limit-slope": { type: "string" },
  json: { type: "boolean", default: false },
});
const readNumber = (text: string, option: string): number => {
  const number = Number(text);
  return number > 0 ? number : failUsage(`--${option} takes a number above 0.`);
};
const readLimit = (option: "limit-idle" | "limit-load" | "limit-slope"): number | undefined => {
  const text = options[option];
  return text === undefined ? undefined : readNumber(text, option);
};
const minutes = readNumber(options.minutes, "minutes");
const workers = readNumber(options.workers, "workers");
const connections = readNumber(options.connections ?? options.workers, "connections");
const limits = {
  idle: readLimit("limit-idle"),
  load: readLimit("limit-load"),
  slope: readLimit("limit-slope"),
};
const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);

const sampleMs = 2_000;
const settleMs = 10_000;
const largeRows = 10_000;

const measure = (pid: number): readonly ProcessMemory[] =>
  listTreeMemory(pid) ?? failUsage("This benchmark needs Linux's /proc.");
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const toMegabytes = (bytes: number) => bytes / 1e6;
/** What each process has for itself, and the shared files once: no other process on the machine changes it. */
const measureTogether = (processes: readonly ProcessMemory[]): number =>
  toMegabytes(
    sum(processes.map(({ residentBytes, fileBytes }) => residentBytes - fileBytes)) +
      Math.max(...processes.map(({ fileBytes }) => fileBytes)),
  );

type Measured = { readonly minute: number; readonly processes: readonly ProcessMemory[] };

const measureLoad = async (
  url: string,
  pid: number,
  body: string,
): Promise<{ readonly report: LoadReport; readonly samples: readonly Measured[] }> => {
  const program = fileURLToPath(new URL("overload/load-process.ts", import.meta.url));
  const child = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify({ url, body, seconds: minutes * 60, connections }));
  const began = performance.now();
  const samples: Measured[] = [];
  const ended = text(child.stdout);
  let isLoaded = true;
  void ended.finally(() => {
    isLoaded = false;
  });
  while (isLoaded) {
    samples.push({ minute: (performance.now() - began) / 60_000, processes: measure(pid) });
    await wait(sampleMs);
  }
  return { report: JSON.parse(await ended), samples };
};

type Row = { readonly what: string; readonly summary: MinuteSummary };

/** A row for all processes together, for their proportional memory, and for each program's largest process. */
const listRows = (samples: readonly Measured[]): readonly Row[] => {
  const summarize = (what: string, read: (processes: readonly ProcessMemory[]) => number): Row => ({
    what,
    summary: summarizeMinutes(
      samples.map(({ minute, processes }): Sample => ({ minute, megabytes: read(processes) })),
    ),
  });
  const programs = new Set(samples.flatMap(({ processes }) => processes.map(({ program }) => program)));
  return [
    summarize("all together", measureTogether),
    summarize("all, proportional (PSS)", (processes) =>
      toMegabytes(sum(processes.map(({ proportionalBytes }) => proportionalBytes))),
    ),
    summarize("all, resident (RSS), summed", (processes) =>
      toMegabytes(sum(processes.map(({ residentBytes }) => residentBytes))),
    ),
    ...[...programs].map((program) =>
      summarize(`${program}, resident`, (processes) =>
        toMegabytes(
          Math.max(
            0,
            ...processes
              .filter((process) => process.program === program)
              .map(({ residentBytes }) => residentBytes),
          ),
        ),
      ),
    ),
  ];
};

const formatTable = (rows: readonly Row[]): string =>
  [
    ["MB", "first minute", "median", "last minute", "largest", "each minute"],
    ...rows.map(({ what, summary: { first, median, last, largest, slope } }) => [
      what,
      ...[first, median, last, largest].map((value) => value.toFixed(0)),
      `${slope < 0 ? "" : "+"}${slope.toFixed(2)}`,
    ]),
  ]
    .map((cells) => cells.map((cell, at) => (at === 0 ? cell.padEnd(34) : cell.padStart(13))).join(""))
    .join("\n");

const loadBefore = readLoadAverage();
const temporary = await mkdtemp(join(tmpdir(), "slipway-memory-"));
const bodies = await readRequestBodies(options.folder);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const server = await startServer("slipway serve", bodies.of(1), {
  folder: options.folder,
  data: join(temporary, "data"),
  python: "",
  wrap: [],
  workers,
});
try {
  say(`idle for ${settleMs / 1_000} s …`);
  await wait(settleMs);
  const idle = measure(server.pid);
  say(`${minutes} minutes of bodies of ${largeRows} rows …`);
  const before = measureTreeUsage(server.pid)?.cpuMs ?? 0;
  const { report, samples } = await measureLoad(server.url, server.pid, bodies.of(largeRows));
  // Of the processes that still run.
  const cpuMs = ((measureTreeUsage(server.pid)?.cpuMs ?? 0) - before) / Math.max(1, report.answered);
  await wait(settleMs);
  const after = measure(server.pid);
  const rows = listRows(samples);
  const together = rows[0]?.summary;
  const idleLargest = Math.max(...idle.map(({ residentBytes }) => toMegabytes(residentBytes)));
  const checks = [
    { what: "idle, the largest process", value: idleLargest, limit: limits.idle },
    { what: "under load, all together, median", value: together?.median, limit: limits.load },
    { what: "growth each minute", value: together?.slope, limit: limits.slope },
    { what: "requests that failed or were refused", value: report.failed + report.refused, limit: 0 },
  ];
  const missed = checks.filter(
    ({ value, limit }) => limit !== undefined && !(value !== undefined && value <= limit),
  );
  const machine = describeMachine({ pinned: false, rounds: 1, loadBefore });
  if (options.json)
    console.log(
      JSON.stringify({ machine, minutes, workers, idle, rows, after, report, cpuMs, missed }, undefined, 2),
    );
  else {
    const describe = ({ program, residentBytes, proportionalBytes }: ProcessMemory) =>
      `${program} ${toMegabytes(residentBytes).toFixed(1)} MB resident (${toMegabytes(proportionalBytes).toFixed(1)} proportional)`;
    console.log(
      [
        `Idle: ${idle.map(describe).join("; ")}.`,
        formatTable(rows),
        `10 s after: ${after.map(describe).join("; ")}.`,
        `${report.answered} bodies of ${largeRows} rows in ${minutes} minutes (${report.perSecond.toFixed(1)} a second, median ${report.medianMs.toFixed(0)} ms, ${cpuMs.toFixed(1)} ms of processor time each); ${report.failed} failed, ${report.refused} refused.`,
        `${machine.processors} processors (${machine.processor}), Node ${machine.node}. Load ${machine.loadBefore} before and ${machine.loadAfter} after.`,
        ...missed.map(
          ({ what, value, limit }) =>
            `MISSED: ${what}: ${value?.toFixed(1) ?? "not measured"} (limit ${limit})`,
        ),
      ].join("\n"),
    );
  }
  process.exitCode = missed.length > 0 ? 1 : 0;
} finally {
  await server.stop();
  await rm(temporary, { recursive: true, force: true, maxRetries: 5 });
}
