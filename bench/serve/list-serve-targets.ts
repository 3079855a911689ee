import type { Scenario, ServerComparison } from "./compare-servers.ts";
import type { ReportLine } from "./report.ts";
import type { LoadResult } from "./run-load.ts";
import type { ServerKind } from "./servers.ts";
import { computeSpread, type Spread } from "./spread.ts";

export const slipway: ServerKind = "slipway serve";

const readRounds = ({ servers }: ServerComparison, kind: ServerKind, what: string): readonly LoadResult[] => {
  const server = servers.find((result) => result.kind === kind);
  return (server?.status === "measured" && server.rounds.get(what)) || [];
};

/** The spread of one figure over all rounds; undefined where it was not measured. */
export const summarizeRounds = (
  comparison: ServerComparison,
  kind: ServerKind,
  what: string,
  figure: keyof LoadResult,
): Spread | undefined =>
  computeSpread(readRounds(comparison, kind, what).flatMap((round) => round[figure] ?? []));

/** Undefined where it was not measured. */
const compareRound = (
  own: LoadResult,
  other: LoadResult,
  figure: Scenario["figure"] | "cpuMs",
): number | undefined => {
  switch (figure) {
    case "perSecond":
      return own.perSecond / other.perSecond;
    case "medianMs":
      return other.medianMs / own.medianMs;
    case "cpuMs":
      return own.cpuMs && other.cpuMs && other.cpuMs / own.cpuMs;
  }
};

/**
 * How many times as fast as another server Slipway is, by rounds: both are measured within moments, so what slows the machine
 * down for minutes meets both.
 * @param figure `cpuMs`: how many times Slipway's processor time another server's is
 */
export const compareRounds = (
  comparison: ServerComparison,
  kind: ServerKind,
  { what, figure }: { readonly what: string; readonly figure: Scenario["figure"] | "cpuMs" },
): Spread | undefined => {
  const own = readRounds(comparison, slipway, what);
  const ratios = readRounds(comparison, kind, what).flatMap((other, round) => {
    const same = own[round];
    return (same && compareRound(same, other, figure)) ?? [];
  });
  return computeSpread(ratios);
};

/** How many times as fast as another server Slipway has to be, by the scenario's figure or by processor time. */
export type RatioTarget = {
  readonly what: string;
  readonly kind: ServerKind;
  readonly atLeast: number;
  readonly by?: "cpuMs";
};

/** A line for each target between servers; a server that was left out, or is wrong, is no target: the table names it. */
export const listServeTargets = (
  comparison: ServerComparison,
  targets: readonly RatioTarget[],
): readonly ReportLine[] =>
  targets.flatMap(({ what, kind, atLeast, by }) => {
    const scenario = comparison.scenarios.find((candidate) => candidate.what === what);
    const isTimed = comparison.servers.some((server) => server.kind === kind && server.status === "measured");
    if (!scenario || !isTimed) return [];
    const measured = compareRounds(comparison, kind, { what, figure: by ?? scenario.figure });
    return [
      {
        what: `${comparison.model}, ${what}${by ? ", processor time" : ""}: times ${kind}`,
        measured,
        unit: "times" as const,
        target: { atLeast },
      },
    ];
  });

/** Memory of Slipway, idle and at most under a scenario's load. */
export const listMemoryTargets = (comparison: ServerComparison, what: string): readonly ReportLine[] => {
  const own = comparison.servers.find(({ kind }) => kind === slipway);
  if (own?.status !== "measured") return [];
  const toMegabytes = (bytes: Spread | undefined): Spread | undefined =>
    bytes && { median: bytes.median / 1e6, min: bytes.min / 1e6, max: bytes.max / 1e6 };
  const idle = computeSpread(own.idleBytes === undefined ? [] : [own.idleBytes]);
  const peak = summarizeRounds(comparison, slipway, what, "peakBytes");
  return [
    {
      what: `${comparison.model}, memory of ${slipway}, idle`,
      measured: toMegabytes(idle),
      unit: "MB",
      target: { atMost: 90 },
    },
    {
      what: `${comparison.model}, memory of ${slipway}, ${what}`,
      measured: toMegabytes(peak),
      unit: "MB",
      target: { atMost: 200 },
    },
  ];
};
