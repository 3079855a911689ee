/**
 * `npm run bench:kernel`: Slipway's kernel of trees compared with onnxruntime, the libraries' own predict and the compilers
 * of trees: the same models, the same rows, one thread, each engine in a process of its own on the same processor, rounds
 * interleaved. Answers are compared before anything is timed. Exits with 1 when a target is missed or Slipway's answers
 * differ.
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { completeListOptions, createPythonEnvironment } from "#test/peers/python-environment.ts";
import { drawKernelPlot } from "./kernel/draw-kernel-plot.ts";
import { formatKernelReport, type KernelReport } from "./kernel/format-kernel-report.ts";
import { listTargets } from "./kernel/list-targets.ts";
import { measureShape, type ShapeResult } from "./kernel/measure-shape.ts";
import { replaceBetweenMarkers } from "./kernel/replace-between-markers.ts";
import { type Shape, shapes } from "./kernel/shapes.ts";
import { trainShape } from "./kernel/train-shape.ts";
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
  --json              prints JSON
  --write             writes docs/benchmarks.md and its plots

It needs Python 3 with venv and, for timber and tl2cgen, gcc. The packages (1.2 GB) come once into the user's cache.`;

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
        shape: { type: "string" },
        rounds: { type: "string" },
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
const rounds = Number(options.rounds ?? (options.quick ? 3 : 9));
if (!Number.isInteger(rounds) || rounds < 1) fail("--rounds takes a whole number, 1 or more.");
if (options.write && (options.quick || options.only || options.shape || rounds < 7))
  fail("--write takes a whole run: no --quick, --only or --shape, and at least 7 rounds.");

/** Names of a comma-separated option; a name that does not exist ends the run. */
const selectNames = (option: string | undefined, names: readonly string[]): readonly string[] => {
  const wanted = option?.split(",").map((name) => name.trim());
  const unknown = wanted?.find((name) => !names.includes(name));
  if (unknown !== undefined) fail(`${unknown} is none of: ${names.join(", ")}`);
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
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const temporary = await mkdtemp(join(tmpdir(), "slipway-bench-"));
const pins = detectPinning();
const loadBefore = readLoadAverage();
const requirements = fileURLToPath(new URL("requirements-kernel.txt", import.meta.url));
const results: ShapeResult[] = [];
const failures: string[] = [];
try {
  const count = (await readFile(requirements, "utf8")).split("\n").filter((row) => row.includes("==")).length;
  say(`Python's ${count} packages (1.2 GB, installed by the first run in some minutes) …`);
  const { python } = await createPythonEnvironment(requirements, completeListOptions);
  for (const shape of selected) {
    say(`${shape.name}: the model is trained, or read from the cache …`);
    try {
      const { folder, trained } = await trainShape(shape, { python, requirements });
      const result = await measureShape(shape, trained, {
        folder,
        temporary,
        python,
        wrap: pins.server,
        engines,
        rowCounts,
        rounds,
        measurementMs: options.quick ? 20 : 200,
        preparationLimitMs: options.quick ? 90_000 : 900_000,
        say,
      });
      results.push(result);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      failures.push(`${shape.name} IS NOT MEASURED: ${why.trim().split("\n").at(-1)}`);
    }
  }
  const report: KernelReport = {
    machine: describeMachine({ pinned: pins.pinned, rounds, loadBefore }),
    python: spawnSync(python, ["--version"], { encoding: "utf8" }).stdout.trim().replace("Python ", ""),
    day: new Date().toISOString().slice(0, 10),
    rowCounts,
    shapes: results,
  };
  const text = formatKernelReport(report);
  console.log(
    options.json
      ? JSON.stringify(report, (_, value) => (value instanceof Map ? Object.fromEntries(value) : value), 2)
      : text,
  );
  for (const failure of failures) say(failure);
  if (options.write && failures.length === 0) {
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
  }
  const isMissed = results.some((result) => listTargets(result, rowCounts).some(({ isMet }) => !isMet));
  process.exitCode = isMissed || failures.length > 0 ? 1 : 0;
} finally {
  await rm(temporary, { recursive: true, force: true, maxRetries: 5 });
}
