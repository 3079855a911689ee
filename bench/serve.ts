/**
 * `npm run bench:serve`: the inference service beside FastAPI, LitServe and plain onnxruntime-node, in one run on this
 * machine: the same models, the same bodies, one processor for each server and another for the load generator.
 * Rounds are interleaved, so that a busy moment meets all of them. Ends with 1 where a target is missed.
 * Options: --json, --rounds <n> (5), --quick (one short round), --only rows|texts|start.
 */
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { pythonEnvironment } from "#test/peers/python-environment.ts";
import { bodiesOf, mixedTexts } from "./serve/bodies.ts";
import { coldStarts } from "./serve/cold-start.ts";
import { functionImage } from "./serve/function-image.ts";
import { describeMachine, load } from "./serve/machine.ts";
import { pinning } from "./serve/pinned.ts";
import { processTree } from "./serve/process-tree.ts";
import { type Line, report } from "./serve/report.ts";
import { type Load, type Measured, runLoad } from "./serve/run-load.ts";
import { type Spread, spread } from "./serve/spread.ts";
import { type Kind, type Started, startServer } from "./serve/start-server.ts";

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
const wanted = (part: "rows" | "texts" | "start") => (options.only ?? part) === part;
const models = fileURLToPath(new URL("../models/", import.meta.url));
const kinds = [
  "slipway serve",
  "onnxruntime-node on node:http",
  "FastAPI",
  "FastAPI, tuned",
  "LitServe",
] as const;
const ours = "slipway serve";
const pins = pinning();
const temporary = await mkdtemp(join(tmpdir(), "slipway-bench-"));
const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);
const lines: Line[] = [];

/** A copy of a model's folder with its manifest as JSON beside, which is what the other servers read. */
const folderFor = async (model: string): Promise<string> => {
  const folder = join(temporary, model);
  await cp(join(models, model), folder, { recursive: true });
  const manifest = readManifest(await readFile(join(folder, "model.yaml"), "utf8"));
  await writeFile(join(folder, "manifest.json"), JSON.stringify(manifest));
  return folder;
};

type Scenario = { readonly what: string; readonly load: (url: string) => Load };
type Results = ReadonlyMap<Kind, readonly Measured[]>;

/** All servers under each scenario's load, round by round; and the memory that each had at most. */
const sideBySide = async (
  model: string,
  scenarios: readonly Scenario[],
): Promise<{ results: ReadonlyMap<string, Results>; peaks: ReadonlyMap<Kind, number | undefined> }> => {
  const folder = await folderFor(model);
  const { python } = await pythonEnvironment(
    fileURLToPath(new URL("requirements-serve.txt", import.meta.url)),
  );
  const [first = ""] = (await bodiesOf(folder)).single;
  const servers: Started[] = [];
  const results = new Map(
    scenarios.map(({ what }) => [what, new Map(kinds.map((kind): [Kind, Measured[]] => [kind, []]))]),
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
    const peaks = new Map(servers.map(({ kind, pid }) => [kind, processTree(pid)?.peakBytes]));
    return { results, peaks };
  } finally {
    await Promise.all(servers.map(({ stop }) => stop()));
  }
};

const of = (results: Results | undefined, kind: Kind, figure: keyof Measured): Spread | undefined =>
  spread((results?.get(kind) ?? []).flatMap((measured) => measured[figure] ?? []));

const compare = (what: string, results: Results | undefined, figure: "perSecond" | "medianMs") => {
  const unit = figure === "perSecond" ? "requests/s" : "ms";
  for (const kind of kinds)
    lines.push({ what: `${what}: ${kind}`, measured: of(results, kind, figure), unit });
  // What neighbours on the machine change least.
  for (const kind of kinds)
    lines.push({
      what: `${what}, processor time: ${kind}`,
      measured: of(results, kind, "cpuMs"),
      unit: "ms",
    });
};

const rows = async (): Promise<void> => {
  const bodies = await bodiesOf(join(models, "churn"));
  const single = "one row, 10 connections";
  const hundred = "100 rows, 10 connections";
  const many = "10,000 rows, 1 connection, latency";
  const { results, peaks } = await sideBySide("churn", [
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
  compare(single, results.get(single), "perSecond");
  const rate = of(results.get(single), ours, "perSecond");
  const times = (other: Kind): Spread | undefined => {
    const theirs = of(results.get(single), other, "perSecond")?.median ?? Number.NaN;
    return rate && { median: rate.median / theirs, min: rate.min / theirs, max: rate.max / theirs };
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
    measured: of(results.get(single), ours, "p95Ms"),
    unit: "ms",
    target: { below: 120 },
  });
  compare(hundred, results.get(hundred), "perSecond");
  compare(many, results.get(many), "medianMs");
  lines.push({
    what: "10,000 rows: latency",
    measured: of(results.get(many), ours, "medianMs"),
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

const texts = async (): Promise<void> => {
  const folder = join(models, "review-sentiment");
  if (!existsSync(folder)) {
    say("TEXTS ARE NOT MEASURED: there is no models/review-sentiment.");
    return;
  }
  const bodies = await mixedTexts(folder);
  const what = "a text of 1 to 6 sentences, 10 connections";
  const { results } = await sideBySide("review-sentiment", [
    { what, load: (url) => ({ url, bodies, connections: 10, seconds: seconds * 2, warmUpSeconds: 2 }) },
  ]);
  compare(what, results.get(what), "perSecond");
};

const start = async (): Promise<void> => {
  say("cold starts …");
  const [event = ""] = (await bodiesOf(join(models, "churn"))).single;
  const { task, bytes } = await functionImage("churn", join(models, "churn"), temporary);
  const count = options.quick ? 5 : rounds * 6;
  const starts = await coldStarts(
    { task, model: "churn", event },
    { rounds: count, wrap: pins.server, into: temporary },
  );
  for (const figure of ["wallMs", "cpuMs"] as const) {
    const what = figure === "wallMs" ? "cold start" : "cold start, processor time";
    const empty = spread(starts.empty.map((one) => one[figure]));
    const started = spread(starts.ours.map((one) => one[figure]));
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
    measured: spread(starts.firstRecorded.map(({ wallMs }) => wallMs)),
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
const loadBefore = load();
try {
  if (wanted("rows")) await rows();
  if (wanted("texts")) await texts();
  if (wanted("start")) await start();
} finally {
  await rm(temporary, { recursive: true, force: true, maxRetries: 5 });
}
const machine = describeMachine({ pinned: pins.pinned, rounds, loadBefore });
const { text, missed } = report(lines, machine);
console.log(options.json ? JSON.stringify({ machine, lines }, undefined, 2) : text);
process.exitCode = missed ? 1 : 0;
