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
import { drawRatioPlot } from "./document/draw-ratio-plot.ts";
import { replaceBetweenMarkers } from "./document/replace-between-markers.ts";
import { failUsage, readOptions } from "./read-options.ts";
import { type BenchModel, openChurn, openTexts, openTrees } from "./serve/bench-model.ts";
import { compareServers, type Scenario, type ServerComparison } from "./serve/compare-servers.ts";
import { detectPinning } from "./serve/cpu-pinning.ts";
import { describeMachine, readLoadAverage } from "./serve/describe-machine.ts";
import { formatProfile, formatServeReport, listRatioGroups } from "./serve/format-serve-report.ts";
import { listColdStartLines } from "./serve/list-cold-start-lines.ts";
import {
  listMemoryTargets,
  listServeTargets,
  type RatioTarget,
  slipway,
  summarizeRounds,
} from "./serve/list-serve-targets.ts";
import { profileSlipway } from "./serve/profile-slipway.ts";
import { readVersions } from "./serve/read-versions.ts";
import { formatReport, type ReportLine } from "./serve/report.ts";
import { type ServerKind, servers } from "./serve/servers.ts";

const parts = ["rows", "trees", "texts", "start"] as const;
type Part = (typeof parts)[number];

const help = `npm run bench:serve -- [options]

  --quick             one short round: proves that everything runs
  --only <parts>      ${parts.join(", ")}; separated by commas
  --servers <names>   servers beside "${slipway}" and "onnxruntime-node on node:http", separated by semicolons:
                      ${Object.keys(servers).join("; ")}
  --rounds <n>        7
  --seconds <n>       3, for each measurement
  --profile           compares nothing: where "${slipway}" spends its time under the load of rows and trees
  --json              prints JSON
  --write             writes docs/benchmarks.md and its plots; takes all parts and servers, and at least 7 rounds

It needs Python 3 with venv. The packages come once into the user's cache. Ctrl-C ends all servers.`;

const options = readOptions(help, {
  quick: { type: "boolean", default: false },
  only: { type: "string" },
  servers: { type: "string" },
  rounds: { type: "string" },
  seconds: { type: "string" },
  profile: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  write: { type: "boolean", default: false },
});
const readNumber = (name: "rounds" | "seconds", normally: number): number => {
  const number = Number(options[name] ?? normally);
  return Number.isInteger(number) && number > 0
    ? number
    : failUsage(`--${name} takes a whole number, 1 or more.`);
};
/** Names of a list; one that does not exist ends the run. */
const selectNames = <Name extends string>(
  option: string | undefined,
  separator: string,
  names: readonly Name[],
): readonly Name[] => {
  const wanted = option?.split(separator).map((name) => name.trim());
  const unknown = wanted?.find((name) => !names.some((known) => known === name));
  if (unknown !== undefined) failUsage(`${unknown} is none of: ${names.join(`${separator} `)}`);
  return wanted ? names.filter((name) => wanted.includes(name)) : names;
};
const rounds = readNumber("rounds", options.quick ? 1 : 7);
const seconds = readNumber("seconds", options.quick ? 1 : 3);
const selected = selectNames<Part>(options.only, ",", parts);
const allKinds = Object.keys(servers) as ServerKind[];
const compared = selectNames(options.servers, ";", allKinds);
if (options.profile && (options.json || options.only || options.servers || options.rounds))
  failUsage("--profile takes only --seconds, --quick and --write.");
if (options.write && (options.quick || options.only || options.servers || rounds < 7))
  failUsage("--write takes a whole run: no --quick, --only or --servers, and at least 7 rounds.");

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

const buildRowScenarios = (model: BenchModel): readonly Scenario[] => [
  buildSingleRows(model),
  {
    what: hundred,
    figure: "perSecond",
    requests: [takeRows(model, 100)],
    connections: 10,
    seconds,
  },
  {
    what: many,
    figure: "medianMs",
    requests: [takeRows(model, 10_000)],
    connections: 1,
    seconds,
  },
];

const benchRows = async (): Promise<void> => {
  const model = await openChurn(temporary);
  const comparison = await compare(model, tabular, buildRowScenarios(model), [
    { what: single, kind: plain, atLeast: 1.8 },
    { what: single, kind: inserting, atLeast: 2.5 },
    { what: single, kind: "FastAPI", atLeast: 6 },
    { what: single, kind: "FastAPI, tuned", atLeast: 4 },
    { what: hundred, kind: plain, atLeast: 1.8 },
    { what: hundred, kind: "FastAPI, tuned", atLeast: 4 },
    { what: many, kind: plain, atLeast: 1.8 },
    // One connection waits for the generator as well, which takes long to send megabytes.
    { what: many, kind: plain, atLeast: 1.8, by: "cpuMs" },
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
    seconds,
  };
  await compare(model, textual, [scenario], [{ what: texts, kind: batching, atLeast: 2 }]);
};

const benchColdStart = async (): Promise<void> => {
  say("cold starts …");
  const count = options.quick ? 5 : rounds * 6;
  lines.push(...(await listColdStartLines({ rounds: count, wrap: pins.server, into: temporary })));
};

const docs = new URL("../docs/", import.meta.url);
const writeSection = async (command: string, content: string): Promise<void> => {
  const document = new URL("benchmarks.md", docs);
  await writeFile(document, replaceBetweenMarkers(await readFile(document, "utf8"), command, content));
};

const profile = async (): Promise<void> => {
  const tables = [`${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${seconds} s each.`];
  const [churn, trees] = [await openChurn(temporary), await openTrees(temporary)];
  const loads = [
    ...buildRowScenarios(churn).map((scenario) => [churn, scenario] as const),
    [trees, buildSingleRows(trees)] as const,
  ];
  for (const [at, [model, scenario]] of loads.entries()) {
    say(`${model.name}, ${scenario.what}: ${slipway} is profiled …`);
    const into = join(temporary, `profile-${at}`);
    const wrap = { server: pins.server, generator: pins.generator };
    const shares = await profileSlipway(model, scenario, { into, seconds, wrap });
    tables.push(formatProfile(`${model.name}: ${scenario.what}`, shares));
  }
  const text = tables.join("\n\n");
  console.log(text);
  if (options.write) await writeSection("npm run bench:serve -- --profile --write", text);
};
const writeDocument = async (text: string): Promise<void> => {
  const title = "Time of a request, compared with Slipway (less is faster)";
  await writeFile(
    new URL("images/bench-serve.svg", docs),
    drawRatioPlot(title, comparisons.flatMap(listRatioGroups)),
  );
  await writeSection(
    "npm run bench:serve -- --write",
    `${text}\n\n![Time of a request with each server, compared with Slipway](images/bench-serve.svg)`,
  );
};

const benches: Readonly<Record<Part, () => Promise<void>>> = {
  rows: benchRows,
  trees: benchTrees,
  texts: benchTexts,
  start: benchColdStart,
};
const compareAll = async (): Promise<void> => {
  const loadBefore = readLoadAverage();
  for (const part of selected) await benches[part]();
  const machine = describeMachine({ pinned: pins.pinned, rounds, loadBefore });
  const { text, missed } = formatReport(lines, machine);
  const python = spawnSync(process.env.PYTHON ?? "python3", ["--version"], {
    encoding: "utf8",
  }).stdout.trim();
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
};

await (options.profile ? profile() : compareAll());
