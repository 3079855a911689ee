/**
 * `npm run bench:kernel`: Slipway's kernel of trees compared with onnxruntime, the libraries' own predict and the compilers
 * of trees: the same models, the same rows, one thread, each engine in a process of its own on the same processor, rounds
 * interleaved. Answers are compared before anything is timed. Shapes that are complete are kept, so that a run of hours can
 * be stopped and continued. Exits with 1 when a target is missed or Slipway's answers differ.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { peerCache } from "#test/peers/cache-peer-folder.ts";
import { completeListOptions, createPythonEnvironment } from "#test/peers/python-environment.ts";
import { replaceBetweenMarkers } from "./document/replace-between-markers.ts";
import { drawKernelPlot } from "./kernel/draw-kernel-plot.ts";
import { formatKernelReport, type KernelReport } from "./kernel/format-kernel-report.ts";
import { identifyMeasuredCode } from "./kernel/identify-measured-code.ts";
import { type MeasuredShape, openKeptShapes } from "./kernel/kept-shapes.ts";
import { listTargets } from "./kernel/list-targets.ts";
import { measureShape } from "./kernel/measure-shape.ts";
import { type Shape, shapes } from "./kernel/shapes.ts";
import { trainShape } from "./kernel/train-shape.ts";
import { failUsage, readOptions } from "./read-options.ts";
import { detectPinning } from "./serve/cpu-pinning.ts";
import { describeMachine, readLoadAverage } from "./serve/describe-machine.ts";

/** Slipway and what its answers are compared with are always measured. */
const ownEngines = ["Slipway", "onnxruntime-node"];
const otherEngines = [
  "onnxruntime",
  "daal4py",
  "lleaves",
  "timber",
  "timber --no-optimize",
  "treelite",
  "tl2cgen",
  "YDF",
  "CatBoost",
  "LightGBM",
  "XGBoost",
  "scikit-learn",
];

const help = `npm run bench:kernel -- [options]

  --quick             three shapes, three short rounds, 1 and 10,000 rows: proves that everything runs
  --only <engines>    engines beside Slipway and onnxruntime-node, separated by commas:
                      ${otherEngines.join(", ")}
  --shape <shapes>    shapes, separated by commas:
                      ${shapes.map(({ name }) => name).join(",\n                      ")}
  --rounds <n>        9 (at least 7 for figures that are written)
  --fresh             measures the shapes again that are kept from an earlier run
  --json              prints JSON
  --write             writes docs/benchmarks.md and its plots after each shape, with every shape that is kept

A shape that is complete is kept in the user's cache for this code, these packages and this processor. A run that
was stopped by Ctrl-C goes on after it; only --quick keeps nothing.

It needs Python 3 with venv and, for timber and tl2cgen, gcc. The packages (1.2 GB) come once into the user's cache.`;

const options = readOptions(help, {
  quick: { type: "boolean", default: false },
  only: { type: "string" },
  shape: { type: "string" },
  rounds: { type: "string" },
  json: { type: "boolean", default: false },
  fresh: { type: "boolean", default: false },
  write: { type: "boolean", default: false },
});
const rounds = Number(options.rounds ?? (options.quick ? 3 : 9));
if (!Number.isInteger(rounds) || rounds < 1) failUsage("--rounds takes a whole number, 1 or more.");
if (options.write && (options.quick || options.only || rounds < 7))
  failUsage("--write takes all engines: no --quick or --only, and at least 7 rounds.");

/** Names of a comma-separated option; a name that does not exist ends the run. */
const selectNames = (option: string | undefined, names: readonly string[]): readonly string[] => {
  const wanted = option?.split(",").map((name) => name.trim());
  const unknown = wanted?.find((name) => !names.includes(name));
  if (unknown !== undefined) failUsage(`${unknown} is none of: ${names.join(", ")}`);
  return wanted ?? names;
};
const selectShapes = (): readonly Shape[] => {
  if (options.shape === undefined && options.quick) return shapes.filter(({ quick }) => quick);
  const names = selectNames(
    options.shape,
    shapes.map(({ name }) => name),
  );
  return shapes.filter(({ name }) => names.includes(name));
};
const engines = [...ownEngines, ...selectNames(options.only, otherEngines)];
const selected = selectShapes();
const rowCounts = options.quick ? [1, 10_000] : [1, 10, 100, 1_000, 10_000];

const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);
const temporary = await mkdtemp(join(tmpdir(), "slipway-bench-"));
process.on("exit", () => rmSync(temporary, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const pins = detectPinning();
const requirements = fileURLToPath(new URL("requirements-kernel.txt", import.meta.url));
const measurementMs = options.quick ? 20 : 200;

/** What a kept result depends on besides its code and its rounds. */
const hashConditions = (codeHash: string, python: string): string =>
  createHash("sha256")
    .update(JSON.stringify([codeHash, python, process.version, cpus()[0]?.model, pins.pinned]))
    .update(JSON.stringify([engines, rowCounts, measurementMs]))
    .digest("hex")
    .slice(0, 16);

const writeDocument = async (text: string, results: readonly MeasuredShape[]): Promise<void> => {
  const docs = new URL("../docs/", import.meta.url);
  const plotted = [1, 10_000];
  for (const rows of plotted)
    await writeFile(new URL(`images/bench-kernel-${rows}.svg`, docs), drawKernelPlot(results, rows));
  const images = plotted.map(
    (rows) =>
      `![Processor time of each engine for ${rows} rows, compared with Slipway](images/bench-kernel-${rows}.svg)`,
  );
  const document = new URL("benchmarks.md", docs);
  const written = replaceBetweenMarkers(
    await readFile(document, "utf8"),
    "npm run bench:kernel -- --write",
    [text, ...images].join("\n\n"),
  );
  await writeFile(document, written);
};

const count = (await readFile(requirements, "utf8")).split("\n").filter((row) => row.includes("==")).length;
say(`Python's ${count} packages (1.2 GB, installed by the first run in some minutes) …`);
const { python } = await createPythonEnvironment(requirements, completeListOptions);
const pythonVersion = spawnSync(python, ["--version"], { encoding: "utf8" })
  .stdout.trim()
  .replace("Python ", "");
const code = await identifyMeasuredCode();
const kept = openKeptShapes(join(peerCache, "bench-kernel", hashConditions(code.hash, pythonVersion)));
const results = new Map<Shape, MeasuredShape>();
const failures: string[] = [];

const measure = async (shape: Shape): Promise<MeasuredShape> => {
  const known = options.quick || options.fresh ? undefined : await kept.read(shape, rounds);
  if (known) {
    say(`${shape.name}: measured on ${known.when.day}, kept (--fresh measures it again).`);
    return known;
  }
  say(`${shape.name}: the model is trained, or read from the cache …`);
  const { folder, trained } = await trainShape(shape, { python, requirements });
  const loadBefore = readLoadAverage();
  const result = await measureShape(shape, trained, {
    folder,
    temporary,
    python,
    wrap: pins.server,
    engines,
    rowCounts,
    rounds,
    measurementMs,
    preparationLimitMs: options.quick ? 90_000 : 900_000,
    say,
  });
  const day = new Date().toISOString().slice(0, 10);
  const when = { day, commit: code.commit, rounds, loadBefore, loadAfter: readLoadAverage() };
  const measured = { ...result, when };
  if (!options.quick) await kept.write(measured);
  return measured;
};

/** Shapes in their own order: those of this run, and for --write all others that are kept, too. */
const createReport = (): KernelReport => {
  const measured = shapes.flatMap((shape) => results.get(shape) ?? []);
  const { processor, processors, pinned, node } = describeMachine({
    pinned: pins.pinned,
    rounds,
    loadBefore: 0,
  });
  const wanted = options.write ? shapes : selected;
  return {
    machine: { processor, processors, pinned, node },
    python: pythonVersion,
    rowCounts,
    shapes: measured,
    missing: wanted.filter((shape) => !results.has(shape)).map(({ name }) => name),
  };
};

if (options.write)
  for (const shape of shapes) {
    const known = options.fresh && selected.includes(shape) ? undefined : await kept.read(shape, 7);
    if (known) results.set(shape, known);
  }
for (const shape of selected) {
  try {
    results.set(shape, await measure(shape));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    failures.push(`${shape.name} IS NOT MEASURED: ${why.trim().split("\n").at(-1)}`);
    continue;
  }
  const report = createReport();
  if (options.write) await writeDocument(formatKernelReport(report), report.shapes);
}
const report = createReport();
console.log(
  options.json
    ? JSON.stringify(report, (_, value) => (value instanceof Map ? Object.fromEntries(value) : value), 2)
    : formatKernelReport(report),
);
for (const failure of failures) say(failure);
const isMissed = report.shapes.some((result) => listTargets(result, rowCounts).some(({ isMet }) => !isMet));
process.exitCode = isMissed || failures.length > 0 ? 1 : 0;
