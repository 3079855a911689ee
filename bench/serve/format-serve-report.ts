import type { RatioGroup } from "../document/draw-ratio-plot.ts";
import { formatNumber } from "../document/format-number.ts";
import { tolerance } from "../kernel/compare-outputs.ts";
import type { Scenario, ServerComparison, ServerResult } from "./compare-servers.ts";
import { compareRounds, slipway, summarizeRounds } from "./list-serve-targets.ts";
import type { Spread } from "./spread.ts";
import type { ProfileShare } from "./summarize-profiles.ts";

const formatSpread = (spread: Spread | undefined, factor = 1): string =>
  spread
    ? `${formatNumber(spread.median * factor)} (${formatNumber(spread.min * factor)}–${formatNumber(spread.max * factor)})`
    : "—";

const formatDifference = (server: ServerResult): string => {
  if (server.status === "left-out") return "—";
  const { largest, share } = server.comparison;
  if (largest === 0) return "none";
  const beyond = share > 0 ? `, ${(share * 100).toPrecision(2)} % beyond ${tolerance}` : "";
  return `${Number.isFinite(largest) ? largest.toExponential(0) : "no number"}${beyond}`;
};

const formatServer = (comparison: ServerComparison, scenario: Scenario, server: ServerResult): string => {
  const { kind } = server;
  const { what, figure } = scenario;
  if (server.status === "wrong") return `| ${kind} | WRONG, not timed | | | | ${formatDifference(server)} |`;
  const megabytes = summarizeRounds(comparison, kind, what, "peakBytes");
  const cells = [
    kind,
    formatSpread(summarizeRounds(comparison, kind, what, figure)),
    formatSpread(summarizeRounds(comparison, kind, what, "cpuMs")),
    kind === slipway ? "" : formatSpread(compareRounds(comparison, kind, scenario)),
    megabytes ? formatNumber(megabytes.median / 1e6) : "—",
    formatDifference(server),
  ];
  return `| ${cells.join(" | ")} |`;
};

const formatScenario = (comparison: ServerComparison, scenario: Scenario): string => {
  const { model, servers } = comparison;
  const figure = scenario.figure === "perSecond" ? "requests/s" : "latency, ms";
  const shares = servers.flatMap(
    ({ kind }) => summarizeRounds(comparison, kind, scenario.what, "generatorShare")?.max ?? [],
  );
  const share = Math.max(0, ...shares);
  return [
    `**${model}: ${scenario.what}**`,
    "",
    `| server | ${figure} | processor ms a request | Slipway is times as fast | memory, MB | largest difference |`,
    "|---|---|---|---|---|---|",
    ...servers
      .filter(({ status }) => status !== "left-out")
      .map((server) => formatServer(comparison, scenario, server)),
    "",
    `The load generator used at most ${Math.round(share * 100)} % of its processor${share > 0.9 ? ": IT LIMITS THE FASTEST SERVERS" : ""}.`,
  ].join("\n");
};

const formatLeftOut = ({ model, servers }: ServerComparison): readonly string[] => {
  const leftOut = servers.flatMap((server) =>
    server.status === "left-out" ? [`${server.kind} (${server.why})`] : [],
  );
  return leftOut.length > 0 ? [`Left out of ${model}: ${leftOut.join("; ")}.`] : [];
};

/** The tables of one model's servers, as Markdown. */
export const formatServeReport = (comparison: ServerComparison): string =>
  [
    ...comparison.scenarios.map((scenario) => formatScenario(comparison, scenario)),
    ...formatLeftOut(comparison),
  ].join("\n\n");

/** What a plot shows of each scenario: how many times as long as Slipway a server takes; nothing if Slipway was not timed. */
export const listRatioGroups = (comparison: ServerComparison): readonly RatioGroup[] =>
  (comparison.servers.some(({ kind, status }) => kind === slipway && status === "measured")
    ? comparison.scenarios
    : []
  ).map((scenario) => ({
    name: `${comparison.model}: ${scenario.what}`,
    dots: comparison.servers
      .filter(({ status }) => status !== "left-out")
      .map(({ kind }) => ({ label: kind, times: compareRounds(comparison, kind, scenario)?.median })),
  }));

/** A profile as Markdown; areas below one percent are summed. */
export const formatProfile = (what: string, shares: readonly ProfileShare[]): string => {
  const shown = shares.filter(({ share }) => share >= 0.01);
  const others = shares.filter(({ share }) => share < 0.01).reduce((sum, { share }) => sum + share, 0);
  return [
    `**${what}**`,
    "",
    "| area | share of the busy time |",
    "|---|---|",
    ...shown.map(({ area, share }) => `| ${area} | ${(share * 100).toFixed(0)} % |`),
    ...(others > 0 ? [`| all others | ${(others * 100).toFixed(0)} % |`] : []),
  ].join("\n");
};
