/**
 * `npm run bench:serve`: the inference service compared with FastAPI, LitServe, KServe, MLServer, mlflow and plain
 * onnxruntime-node, in one run on this machine: the same models, the same rows, one thread, one processor for each server and
 * another for the load generator. Answers are compared before anything is timed; rounds are interleaved, so that a busy moment
 * affects all servers. Exits with 1 when a target is missed.
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { drawRatioPlot } from "./document/draw-ratio-plot.ts";
import { replaceBetweenMarkers } from "./document/replace-between-markers.ts";
import { type BenchModel, openChurn, openTexts, openTrees } from "./serve/bench-model.ts";
import { buildFunctionImage } from "./serve/build-function-image.ts";
import { compareServers, type Scenario, type ServerComparison } from "./serve/compare-servers.ts";
import { detectPinning } from "./serve/cpu-pinning.ts";
import { describeMachine, readLoadAverage } from "./serve/describe-machine.ts";
import { formatServeReport, listRatioGroups } from "./serve/format-serve-report.ts";
import {
  listMemoryTargets,
  listServeTargets,
  type RatioTarget,
  slipway,
  summarizeRounds,
} from "./serve/list-serve-targets.ts";
import { measureColdStarts } from "./serve/measure-cold-starts.ts";
import { readVersions } from "./serve/read-versions.ts";
import { formatReport, type ReportLine } from "./serve/report.ts";
import { readRequestBodies } from "./serve/request-bodies.ts";
import { type ServerKind, servers } from "./serve/servers.ts";
import { computeSpread } from "./serve/spread.ts";

const parts = ["rows", "trees", "texts", "start"] as const;
type Part = (typeof parts)[number];

const help = `npm run bench:serve -- [options]

  --quick             one short round: proves that everything runs
  --only <parts>      ${parts.join(", ")}; separated by commas
  --servers <names>   servers beside "${slipway}" and "onnxruntime-node on node:http", separated by semicolons:
                      ${Object.keys(servers).join("; ")}
  --rounds <n>        7
  --seconds <n>       3, for each measurement
  --json              prints JSON
  --write             writes docs/benchmarks.md and its plots; takes all parts and servers, and at least 7 rounds

It needs Python 3 with venv. The packages come once into the user's cache. Ctrl-C ends all servers.`;

const fail = (sentence: string): never => {
  console.error(sentence);
  process.exit(2);
};

const readOptions = () => {
  try {
    return parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string" },
        servers: { type: "string" },
        rounds: { type: "string" },
        seconds: { type: "string" },
        json: { type: "boolean", default: false },
        write: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
  }
};

const options = readOptions();
if (options.help) {
  console.log(help);
  process.exit();
}
const readNumber = (name: "rounds" | "seconds", normally: number): number => {
  const number = Number(options[name] ?? normally);
  return Number.isInteger(number) && number > 0 ? number : fail(`--${name} takes a whole number, 1 or more.`);
};
/** Names of a list; one that does not exist ends the run. */
const selectNames = <Name extends string>(
  option: string | undefined,
  separator: string,
  names: readonly Name[],
): readonly Name[] => {
  const wanted = option?.split(separator).map((name) => name.trim());
  const unknown = wanted?.find((name) => !names.some((known) => known === name));
  if (unknown !== undefined) fail(`${unknown} is none of: ${names.join(`${separator} `)}`);
  return wanted ? names.filter((name) => wanted.includes(name)) : names;
};
const rounds = readNumber("rounds", options.quick ? 1 : 7);
const seconds = readNumber("seconds", options.quick ? 1 : 3);
const selected = selectNames<Part>(options.only, ",", parts);
const allKinds = Object.keys(servers) as ServerKind[];
const compared = selectNames(options.servers, ";", allKinds);
if (options.write && (options.quick || options.only || options.servers || rounds < 7))
  fail("--write takes a whole run: no --quick, --only or --servers, and at least 7 rounds.");

const plain: ServerKind = "onnxruntime-node on node:http";
const inserting: ServerKind = "onnxruntime-node, an insert each";
const batching: ServerKind = "FastAPI, batching";
/** Without them there is nothing to compare. */
const always: readonly ServerKind[] = [slipway, plain];
const selectKinds = (kinds: readonly ServerKind[]) =>
  kinds.filter((kind) => always.includes(kind) || compared.includes(kind));
const tabular = allKinds.filter((kind) => kind !== batching);
const textual: readonly ServerKind[] = [slipway, plain, "FastAPI", "FastAPI, tuned", batching, "LitServe"];

const pins = detectPinning();
const temporary = await mkdtemp(join(tmpdir(), "slipway-bench-"));
process.on("exit", () => rmSync(temporary, { recursive: true, force: true, maxRetries: 5 }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);
const lines: ReportLine[] = [];
const comparisons: ServerComparison[] = [];

const single = "one row, 10 connections";
const hundred = "100 rows, 10 connections";
const many = "10,000 rows, 1 connection";
const texts = "a text of 1 to 6 sentences, 10 connections";

const takeRows = ({ rows }: BenchModel, count: number) =>
  Array.from({ length: count }, (_, at) => rows[at % rows.length] ?? {});
const buildSingleRows = (model: BenchModel): Scenario => ({
  what: single,
  figure: "perSecond",
  requests: takeRows(model, 200).map((row) => [row]),
  connections: 10,
  seconds,
  warmUpSeconds: 1,
});

const compare = async (
  model: BenchModel,
  kinds: readonly ServerKind[],
  scenarios: readonly Scenario[],
  targets: readonly RatioTarget[],
): Promise<ServerComparison> => {
  const wrap = { server: pins.server, generator: pins.generator };
  const comparison = await compareServers(model, selectKinds(kinds), scenarios, {
    temporary,
    rounds,
    wrap,
    say,
  });
  comparisons.push(comparison);
  lines.push(...listServeTargets(comparison, targets));
  return comparison;
};

const benchRows = async (): Promise<void> => {
  const model = await openChurn(temporary);
  const scenarios: readonly Scenario[] = [
    buildSingleRows(model),
    {
      what: hundred,
      figure: "perSecond",
      requests: [takeRows(model, 100)],
      connections: 10,
      seconds,
      warmUpSeconds: 1,
    },
    {
      what: many,
      figure: "medianMs",
      requests: [takeRows(model, 10_000)],
      connections: 1,
      amount: options.quick ? 3 : 8,
      warmUpSeconds: 1,
    },
  ];
  const comparison = await compare(model, tabular, scenarios, [
    { what: single, kind: plain, atLeast: 1.8 },
    { what: single, kind: inserting, atLeast: 2.5 },
    { what: single, kind: "FastAPI", atLeast: 6 },
    { what: single, kind: "FastAPI, tuned", atLeast: 4 },
    { what: hundred, kind: plain, atLeast: 1.8 },
    { what: hundred, kind: "FastAPI, tuned", atLeast: 4 },
    { what: many, kind: plain, atLeast: 1.8 },
    { what: many, kind: "FastAPI, tuned", atLeast: 5 },
  ]);
  const p95 = summarizeRounds(comparison, slipway, single, "p95Ms");
  lines.push({ what: `churn, ${single}: p95`, measured: p95, unit: "ms", target: { below: 120 } });
  const latency = summarizeRounds(comparison, slipway, many, "medianMs");
  lines.push({ what: `churn, ${many}: latency`, measured: latency, unit: "ms", target: { below: 200 } });
  lines.push(...listMemoryTargets(comparison, many));
};

const benchTrees = async (): Promise<void> => {
  const model = await openTrees(temporary);
  await compare(model, tabular, [buildSingleRows(model)], [{ what: single, kind: plain, atLeast: 1.5 }]);
};

const benchTexts = async (): Promise<void> => {
  const model = await openTexts(temporary);
  const scenario: Scenario = {
    what: texts,
    figure: "perSecond",
    requests: model.rows.map((row) => [row]),
    connections: 10,
    seconds: seconds * 2,
    warmUpSeconds: 1,
  };
  await compare(model, textual, [scenario], [{ what: texts, kind: batching, atLeast: 2 }]);
};

const benchColdStart = async (): Promise<void> => {
  say("cold starts …");
  const churn = fileURLToPath(new URL("../models/churn", import.meta.url));
  const [event = ""] = (await readRequestBodies(churn)).single;
  const { task, bytes } = await buildFunctionImage("churn", churn, temporary);
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

const writeDocument = async (text: string): Promise<void> => {
  const docs = new URL("../docs/", import.meta.url);
  const title = "Time of a request, compared with Slipway (less is faster)";
  await writeFile(
    new URL("images/bench-serve.svg", docs),
    drawRatioPlot(title, comparisons.flatMap(listRatioGroups)),
  );
  const document = new URL("benchmarks.md", docs);
  const written = replaceBetweenMarkers(
    await readFile(document, "utf8"),
    "npm run bench:serve -- --write",
    `${text}\n\n![Time of a request with each server, compared with Slipway](images/bench-serve.svg)`,
  );
  await writeFile(document, written);
};

const benches: Readonly<Record<Part, () => Promise<void>>> = {
  rows: benchRows,
  trees: benchTrees,
  texts: benchTexts,
  start: benchColdStart,
};
const loadBefore = readLoadAverage();
for (const part of selected) await benches[part]();
const machine = describeMachine({ pinned: pins.pinned, rounds, loadBefore });
const { text, missed } = formatReport(lines, machine);
const python = spawnSync(process.env.PYTHON ?? "python3", ["--version"], { encoding: "utf8" }).stdout.trim();
const report = [
  `${new Date().toISOString().slice(0, 10)}. ${await readVersions()} ${python}. One thread each. Medians of ${rounds} interleaved rounds of ${seconds} s (smallest–largest); "times as fast" is the median of the ratios within each round.`,
  `\`\`\`\n${text}\n\`\`\``,
  ...comparisons.map(formatServeReport),
].join("\n\n");
console.log(
  options.json
    ? JSON.stringify(
        { machine, lines, comparisons },
        (key, value) =>
          key === "requests" ? undefined : value instanceof Map ? Object.fromEntries(value) : value,
        2,
      )
    : report,
);
if (options.write) await writeDocument(report);
process.exitCode = missed ? 1 : 0;
