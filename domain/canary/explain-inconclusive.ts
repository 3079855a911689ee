import { formatCount } from "#domain/gates/number-format.ts";
import type { Check } from "#domain/gates/verdict.ts";
import { computeMinRequests } from "./min-requests.ts";

/** The checks of live traffic (canary-checks.ts), as their names begin; a replay and the forecast of the traffic are others. */
const prefix = "canary ";
const liveChecks: readonly string[] = ["samples", "errors", "latency p95", "labels"];

/**
 * Why a canary has no verdict, as the end of a sentence: too few requests for any pass, or otherwise the checks of live
 * traffic that are inconclusive.
 * @param checks those of the judgement, or all that its question is bound to
 */
const explain = (checks: readonly Check[]): string => {
  const live = checks.flatMap((check) => {
    const name = check.name.startsWith(prefix) ? check.name.slice(prefix.length) : "";
    return liveChecks.includes(name) ? [{ ...check, name }] : [];
  });
  const find = (wanted: string) => live.find(({ name }) => name === wanted);
  const samples = find("samples");
  const leastForErrors = computeMinRequests((find("errors")?.limit ?? 0) / 100);
  // Without a limit of errors no number of requests is enough, so their number is not the cause.
  const required = Math.max(samples?.limit ?? 0, Number.isFinite(leastForErrors) ? leastForErrors : 0);
  const measured = samples?.measured ?? required;
  if (measured < required)
    return `live traffic was not enough (${measured} of the ${formatCount(required, "request")} to each version that a pass needs)`;
  const names = live.filter(({ verdict }) => verdict === "inconclusive").map(({ name }) => name);
  const last = names.at(-1);
  if (last === undefined) return "not every check of its live traffic has a verdict";
  return names.length === 1
    ? `${last} is inconclusive`
    : `${names.slice(0, -1).join(", ")} and ${last} are inconclusive`;
};

/** What the approvers of an inconclusive canary decide about: that it has no verdict, and why; without a final period. */
export const describeInconclusiveCanary = (
  percent: number,
  checks: readonly Check[],
): { readonly what: string; readonly why: string } => ({
  what: `The canary has no verdict at ${percent} % of prod`,
  why: explain(checks),
});
