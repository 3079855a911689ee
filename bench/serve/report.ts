import type { Spread } from "./spread.ts";

type ReportTarget = { readonly atLeast: number } | { readonly atMost: number } | { readonly below: number };
export type ReportLine = {
  readonly what: string;
  /** Undefined: not measured, which counts as a missed target. */
  readonly measured: Spread | undefined;
  readonly unit: "requests/s" | "requests" | "ms" | "MB" | "times";
  readonly target?: ReportTarget;
};
export type ReportMachine = {
  readonly processor: string;
  readonly processors: number;
  readonly pinned: boolean;
  readonly node: string;
  readonly rounds: number;
  readonly loadBefore: number;
  readonly loadAfter: number;
};

const meetsTarget = (value: number, target: ReportTarget): boolean =>
  "atLeast" in target
    ? value >= target.atLeast
    : "atMost" in target
      ? value <= target.atMost
      : value < target.below;

const formatNumber = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
const formatTarget = (target: ReportTarget): string =>
  "atLeast" in target
    ? `≥ ${target.atLeast}`
    : "atMost" in target
      ? `≤ ${target.atMost}`
      : `< ${target.below}`;

/** A table of medians with their spread and targets; `missed`: at least one target is not met. */
export const formatReport = (
  lines: readonly ReportLine[],
  machine: ReportMachine,
): { readonly text: string; readonly missed: boolean } => {
  const isMet = ({ measured, target }: ReportLine) =>
    !target || (measured && meetsTarget(measured.median, target));
  const cells = [
    ["what", "median", "min – max", "unit", "target", ""],
    ...lines.map((line) => {
      const { what, measured, unit, target } = line;
      return [
        what,
        measured ? formatNumber(measured.median) : "—",
        measured ? `${formatNumber(measured.min)} – ${formatNumber(measured.max)}` : "",
        unit,
        target ? formatTarget(target) : "",
        target ? (isMet(line) ? "pass" : "MISSED") : "",
      ];
    }),
  ];
  const widths = [0, 1, 2, 3, 4].map((at) => Math.max(...cells.map((row) => (row[at] ?? "").length)));
  const table = cells.map((row) =>
    row
      .map((cell, at) =>
        at === 1 || at === 2 ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
  const { processor, processors, pinned, node, rounds, loadBefore, loadAfter } = machine;
  const place = pinned
    ? "each server on the same one processor, the load generator on another"
    : "SERVERS AND LOAD GENERATOR SHARED ALL PROCESSORS: there is no taskset here, or one processor only";
  return {
    text: `${table.join("\n")}\n\n${rounds} round${rounds === 1 ? "" : "s"}; ${processors} processors (${processor}), Node ${node}; ${place}. Load ${loadBefore} before and ${loadAfter} after: other processes on the machine affect the results.`,
    missed: lines.some((line) => !isMet(line)),
  };
};
