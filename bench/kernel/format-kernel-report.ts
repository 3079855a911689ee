import { formatNumber } from "../document/format-number.ts";
import type { ReportMachine } from "../serve/report.ts";
import type { Spread } from "../serve/spread.ts";
import { tolerance } from "./compare-outputs.ts";
import type { MeasuredShape } from "./kept-shapes.ts";
import { computeTimes, listTargets } from "./list-targets.ts";
import type { EngineResult, ShapeResult } from "./measure-shape.ts";
import type { Shape, TrainedShape } from "./shapes.ts";

export type KernelReport = {
  readonly machine: Pick<ReportMachine, "processor" | "processors" | "pinned" | "node">;
  readonly python: string;
  readonly rowCounts: readonly number[];
  readonly shapes: readonly MeasuredShape[];
  /** Shapes that have no result yet. */
  readonly missing: readonly string[];
};

/** Microseconds, above 1,000 milliseconds. */
const formatMicros = ({ median, min, max }: Spread): string => {
  const [divisor, unit] = median < 1_000 ? [1, "µs"] : [1_000, "ms"];
  const [middle, low, high] = [median, min, max].map((value) => formatNumber(value / divisor));
  return `${middle} ${unit} (${low}–${high})`;
};

const formatDifference = (largest: number, share: number): string => {
  const percent = share * 100;
  const beyond =
    share > 0 ? `, ${percent < 1 ? percent.toFixed(2) : percent.toFixed(0)} % beyond ${tolerance}` : "";
  return `${Number.isFinite(largest) ? largest.toExponential(0) : "no number"}${beyond}`;
};

const describeShape = (shape: Shape, { trees, depth }: TrainedShape): string => {
  const classes = shape.classes === 2 ? "binary" : `${shape.classes} classes`;
  return `${shape.library}: ${trees} trees, depth ${depth}, up to ${shape.leaves} leaves, ${shape.features} features, ${classes}`;
};

const formatEngine = (
  result: EngineResult & { status: "measured" | "wrong" },
  { engines }: ShapeResult,
  rowCounts: readonly number[],
): string => {
  const { engine, version, comparison } = result;
  const cells = rowCounts.map((rows) => {
    if (result.status === "wrong") return "WRONG, not timed";
    const spread = result.cpuMicros.get(rows);
    const times = computeTimes(engines, engine, rows);
    if (!spread) return "—";
    const ratio = times === undefined || engine === "Slipway" ? "" : `, ${formatNumber(times)} ×`;
    return `${formatMicros(spread)}${ratio}`;
  });
  const difference =
    engine === "onnxruntime-node" ? "compared with" : formatDifference(comparison.largest, comparison.share);
  return `| ${[`${engine} ${version}`, ...cells, difference].join(" | ")} |`;
};

const formatWhen = ({ day, commit, rounds, loadBefore, loadAfter }: MeasuredShape["when"]): string =>
  `Measured on ${day}, code of commit ${commit}, ${rounds} rounds; load ${loadBefore} before and ${loadAfter} after.`;

const formatShape = (result: MeasuredShape, rowCounts: readonly number[]): string => {
  const { shape, trained, engines, when } = result;
  const counts = rowCounts.map((rows) => `${rows.toLocaleString("en")} ${rows === 1 ? "row" : "rows"}`);
  const shown = engines.flatMap((engine) =>
    engine.status === "left-out" ? [] : [formatEngine(engine, result, rowCounts)],
  );
  const missing = engines.flatMap((engine) =>
    engine.status === "left-out" ? [`${engine.engine} (${engine.why})`] : [],
  );
  return [
    `**${shape.name}** (${describeShape(shape, trained)})`,
    "",
    formatWhen(when),
    "",
    `| engine | ${counts.join(" | ")} | largest difference |`,
    `|---|${"---|".repeat(counts.length + 1)}`,
    ...shown,
    ...(missing.length > 0 ? ["", `Left out: ${missing.join("; ")}.`] : []),
  ].join("\n");
};

const formatTargets = ({ shapes, rowCounts }: KernelReport): string => {
  const targets = shapes.flatMap((result) => listTargets(result, rowCounts));
  return [
    "| target | required | measured | |",
    "|---|---|---|---|",
    ...targets.map(
      ({ what, atLeast, times, isMet }) =>
        `| ${what} | ≥ ${atLeast} | ${times === undefined ? "—" : formatNumber(times)} | ${isMet ? "pass" : "MISSED"} |`,
    ),
  ].join("\n");
};

/** The report as Markdown, for the terminal and for docs/benchmarks.md. */
export const formatKernelReport = (report: KernelReport): string => {
  const { machine, python, rowCounts, shapes, missing } = report;
  const { processor, processors, pinned, node } = machine;
  const place = pinned ? "all engines on one of them, one after the other" : "ENGINES NOT PINNED: no taskset";
  return [
    `${processors} processors (${processor}), ${place}; Node ${node}, Python ${python}; one thread each. Processor time of a call, median (smallest–largest) of interleaved rounds, and how many times that of Slipway. The load is the machine's average of a minute: other processes affect the results.`,
    formatTargets(report),
    ...shapes.map((result) => formatShape(result, rowCounts)),
    ...(missing.length > 0 ? [`Not measured yet: ${missing.join(", ")}.`] : []),
  ].join("\n\n");
};
