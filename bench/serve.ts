/**
 * `npm run bench:serve`: the inference service compared with FastAPI, LitServe and plain onnxruntime-node, in one run on
 * this machine: the same models, the same bodies, one processor for each server and another for the load generator.
 * Rounds are interleaved, so that a busy moment affects all of them. Exits with 1 when a target is missed.
 * Options: --json, --rounds <n> (5), --quick (one short round), --only rows|texts|start.
 */
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { createPythonEnvironment } from "#test/peers/python-environment.ts";
import { measureTreeUsage } from "#test/support/process-tree.ts";
import { buildFunctionImage } from "./serve/build-function-image.ts";
import { detectPinning } from "./serve/cpu-pinning.ts";
import { describeMachine, readLoadAverage } from "./serve/describe-machine.ts";
import { measureColdStarts } from "./serve/measure-cold-starts.ts";
import { formatReport, type ReportLine } from "./serve/report.ts";
import { buildMixedTexts, readRequestBodies } from "./serve/request-bodies.ts";
import { type LoadOptions, type LoadResult, runLoad } from "./serve/run-load.ts";
import { computeSpread, type Spread } from "./serve/spread.ts";
import { type RunningServer, type ServerKind, startServer } from "./serve/start-server.ts";

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    quick: { type: "boolean", default: false },
    only: { type: "string" },
  },
});
const rounds = options.quick ? 1 : Math.max(1, Math.round(Number(options.rounds)) || 5);
const seconds = options.quick ? 2 : 5;
const isSelected = (part: "rows" | "texts" | "start") => (options.only ?? part) === part;
const models = fileURLToPath(new URL("../models/", import.meta.url));
const kinds = [
  "slipway serve",
  "onnxruntime-node on node:http",
  "FastAPI",
  "FastAPI, tuned",
  "LitServe",
] as const;
const slipway = "slipway serve";
const pins = detectPinning();
const temporary = await mkdtemp(join(tmpdir(), "slipway-bench-"));
const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);
const lines: ReportLine[] = [];

/** A copy of a model's folder with its manifest as JSON, which the other servers read. */
const prepareFolder = async (model: string): Promise<string> => {
  const folder = join(temporary, model);
  await cp(join(models, model), folder, { recursive: true });
  const manifest = readManifest(await readFile(join(folder, "model.yaml"), "utf8"));
  await writeFile(join(folder, "manifest.json"), JSON.stringify(manifest));
  return folder;
};

type Scenario = { readonly what: string; readonly load: (url: string) => LoadOptions };
type Results = ReadonlyMap<ServerKind, readonly LoadResult[]>;

/** All servers under each scenario's load, round by round, and the peak memory of each. */
const compareServers = async (
  model: string,
  scenarios: readonly Scenario[],
): Promise<{ results: ReadonlyMap<string, Results>; peaks: ReadonlyMap<ServerKind, number | undefined> }> => {
  const folder = await prepareFolder(model);
  const { python } = await createPythonEnvironment(
    fileURLToPath(new URL("requirements-serve.txt", import.meta.url)),
  );
  const [first = ""] = (await readRequestBodies(folder)).single;
  const servers: RunningServer[] = [];
  const results = new Map(
    scenarios.map(({ what }) => [what, new Map(kinds.map((kind): [ServerKind, LoadResult[]] => [kind, []]))]),
  );
  try {
    for (const kind of kinds) {
      say(`${model}: ${kind} starts …`);
      const data = join(temporary, `${model}-records`);
      servers.push(await startServer(kind, first, { folder, data, python, wrap: pins.server }));
    }
    for (let round = 1; round <= rounds; round++)
      for (const { what, load } of scenarios)
        for (const { kind, url, pid } of servers) {
          say(`${model}, ${what}, round ${round} of ${rounds}: ${kind} …`);
          results
            .get(what)
            ?.get(kind)
            ?.push(await runLoad(load(url), pid, pins.generator));
        }
    const peaks = new Map(servers.map(({ kind, pid }) => [kind, measureTreeUsage(pid)?.peakBytes]));
    return { results, peaks };
  } finally {
    await Promise.all(servers.map(({ stop }) => stop()));
  }
};

const summarizeFigure = (
  results: Results | undefined,
  kind: ServerKind,
  figure: keyof LoadResult,
): Spread | undefined =>
  computeSpread((results?.get(kind) ?? []).flatMap((measured) => measured[figure] ?? []));

const addComparison = (what: string, results: Results | undefined, figure: "perSecond" | "medianMs") => {
  const unit = figure === "perSecond" ? "requests/s" : "ms";
  for (const kind of kinds)
    lines.push({ what: `${what}: ${kind}`, measured: summarizeFigure(results, kind, figure), unit });
  // Other processes on the machine affect this figure least.
  for (const kind of kinds)
    lines.push({
      what: `${what}, processor time: ${kind}`,
      measured: summarizeFigure(results, kind, "cpuMs"),
      unit: "ms",
    });
};

const benchRows = async (): Promise<void> => {
  const bodies = await readRequestBodies(join(models, "churn"));
  const single = "one row, 10 connections";
  const hundred = "100 rows, 10 connections";
  const many = "10,000 rows, 1 connection, latency";
  const { results, peaks } = await compareServers("churn", [
    {
      what: single,
      load: (url) => ({ url, bodies: bodies.single, connections: 10, seconds, warmUpSeconds: 2 }),
    },
    {
      what: hundred,
      load: (url) => ({ url, bodies: [bodies.of(100)], connections: 10, seconds, warmUpSeconds: 1 }),
    },
    {
      what: many,
      load: (url) => ({ url, bodies: [bodies.of(10_000)], connections: 1, requests: 10, warmUpSeconds: 1 }),
    },
  ]);
  addComparison(single, results.get(single), "perSecond");
  const rate = summarizeFigure(results.get(single), slipway, "perSecond");
  const times = (other: ServerKind): Spread | undefined => {
    const otherRate = summarizeFigure(results.get(single), other, "perSecond")?.median ?? Number.NaN;
    return rate && { median: rate.median / otherRate, min: rate.min / otherRate, max: rate.max / otherRate };
  };
  lines.push({
    what: "one row: times FastAPI",
    measured: times("FastAPI"),
    unit: "times",
    target: { atLeast: 3 },
  });
  lines.push({ what: "one row: times FastAPI, tuned", measured: times("FastAPI, tuned"), unit: "times" });
  lines.push({
    what: "one row: requests per second on one processor",
    measured: rate,
    unit: "requests/s",
    target: { atLeast: 500 },
  });
  lines.push({
    what: "one row: p95",
    measured: summarizeFigure(results.get(single), slipway, "p95Ms"),
    unit: "ms",
    target: { below: 120 },
  });
  addComparison(hundred, results.get(hundred), "perSecond");
  addComparison(many, results.get(many), "medianMs");
  lines.push({
    what: "10,000 rows: latency",
    measured: summarizeFigure(results.get(many), slipway, "medianMs"),
    unit: "ms",
    target: { below: 200 },
  });
  for (const kind of kinds) {
    const peak = peaks.get(kind);
    const bytes = peak === undefined ? undefined : peak / 1e6;
    lines.push({
      what: `memory, at most: ${kind}`,
      measured: bytes === undefined ? undefined : { median: bytes, min: bytes, max: bytes },
      unit: "MB",
    });
  }
};

const benchTexts = async (): Promise<void> => {
  const folder = join(models, "review-sentiment");
  if (!existsSync(folder)) {
    say("TEXTS ARE NOT MEASURED: there is no models/review-sentiment.");
    return;
  }
  const bodies = await buildMixedTexts(folder);
  const what = "a text of 1 to 6 sentences, 10 connections";
  const { results } = await compareServers("review-sentiment", [
    { what, load: (url) => ({ url, bodies, connections: 10, seconds: seconds * 2, warmUpSeconds: 2 }) },
  ]);
  addComparison(what, results.get(what), "perSecond");
};

const benchColdStart = async (): Promise<void> => {
  say("cold starts …");
  const [event = ""] = (await readRequestBodies(join(models, "churn"))).single;
  const { task, bytes } = await buildFunctionImage("churn", join(models, "churn"), temporary);
  const count = options.quick ? 5 : rounds * 6;
  const starts = await measureColdStarts(
    { task, model: "churn", event },
    { rounds: count, wrap: pins.server, into: temporary },
  );
  for (const figure of ["wallMs", "cpuMs"] as const) {
    const what = figure === "wallMs" ? "cold start" : "cold start, processor time";
    const empty = computeSpread(starts.empty.map((start) => start[figure]));
    const started = computeSpread(starts.ours.map((start) => start[figure]));
    lines.push({ what: `${what}: an empty function`, measured: empty, unit: "ms" });
    lines.push({ what: `${what}: the model's function`, measured: started, unit: "ms" });
    lines.push({
      what: `${what}: above an empty function`,
      measured: empty &&
        started && {
          median: started.median - empty.median,
          min: started.min - empty.min,
          max: started.max - empty.max,
        },
      unit: "ms",
      ...(figure === "wallMs" ? { target: { atMost: 60 } } : {}),
    });
  }
  lines.push({
    what: "first recorded answer after it",
    measured: computeSpread(starts.firstRecorded.map(({ wallMs }) => wallMs)),
    unit: "ms",
  });
  const size = bytes / 1e6;
  lines.push({
    what: "image layers of churn, uncompressed",
    measured: { median: size, min: size, max: size },
    unit: "MB",
    target: { below: 120 },
  });
};

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const loadBefore = readLoadAverage();
try {
  if (isSelected("rows")) await benchRows();
  if (isSelected("texts")) await benchTexts();
  if (isSelected("start")) await benchColdStart();
} finally {
  await rm(temporary, { recursive: true, force: true, maxRetries: 5 });
}
const machine = describeMachine({ pinned: pins.pinned, rounds, loadBefore });
const { text, missed } = formatReport(lines, machine);
console.log(options.json ? JSON.stringify({ machine, lines }, undefined, 2) : text);
process.exitCode = missed ? 1 : 0;
