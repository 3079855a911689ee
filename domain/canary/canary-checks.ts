import { formatCount, roundToDigits } from "#domain/gates/number-format.ts";
import type { Check, Verdict } from "#domain/gates/verdict.ts";
import { judgeAtMost } from "#domain/gates/verdict.ts";
import type { CanaryLimits } from "#domain/policy/policy.ts";
import type { Interval } from "#domain/statistics/interval.ts";
import { newcombeInterval } from "#domain/statistics/newcombe-interval.ts";
import { twoSidedZ } from "#domain/statistics/normal-quantile.ts";
import type { Proportion } from "#domain/statistics/wilson-interval.ts";
import type { Statistics } from "#platform/metrics/metrics.ts";
import { confidence } from "./confidence.ts";
import { computeP95Interval } from "./p95-interval.ts";

type Arms = { readonly champion: Statistics; readonly challenger: Statistics };

/** A pass needs only the interval at 95 %, a fail the wider one; a fail goes before a pass. */
const mergeVerdicts = (atPass: Verdict, atFail: Verdict): Verdict =>
  atFail === "fail" ? "fail" : atPass === "pass" ? "pass" : "inconclusive";

const toPoints = (value: number) => roundToDigits(100 * value, 3);
const formatSigned = (value: number) => (value > 0 ? `+${value}` : String(value));

/** Enough requests to each version; too few leave a canary open, they never fail it. */
export const checkSamples = ({ champion, challenger }: Arms, minSamples: number): Check => {
  const fewest = Math.min(champion.requests, challenger.requests);
  const enough = fewest >= minSamples;
  return {
    name: "canary samples",
    verdict: enough ? "pass" : "inconclusive",
    measured: fewest,
    limit: minSamples,
    unit: "requests",
    detail: `The challenger got ${formatCount(challenger.requests, "request")} and the champion ${champion.requests}; ${enough ? "" : "each needs "}at least ${minSamples}${enough ? " each were asked" : ""}.`,
  };
};

/** Why a canary without a single failure can be open still: Wilson's upper end of 0 in n is z² / (n + z²). */
const computeMinRequests = (limit: number): number =>
  limit > 0 ? Math.ceil((twoSidedZ(confidence.pass) ** 2 * (1 - limit)) / limit) : Number.POSITIVE_INFINITY;

/** The share of failed requests, challenger − champion, at most `limit` percentage points more. */
export const checkErrors = ({ champion, challenger }: Arms, limit: number): Check => {
  const share = ({ failures, requests }: Statistics): Proportion => ({ count: failures, of: requests });
  const at = (level: number) => newcombeInterval(share(challenger), share(champion), level);
  const shown = at(confidence.pass);
  const bound = { limit: limit / 100 };
  const seen = champion.requests > 0 && challenger.requests > 0;
  const needed = computeMinRequests(bound.limit);
  const verdict = mergeVerdicts(
    judgeAtMost({ ...shown, ...bound }),
    judgeAtMost({ ...at(confidence.fail), ...bound }),
  );
  return {
    name: "canary errors",
    verdict: seen ? verdict : "inconclusive",
    measured: seen ? toPoints(shown.estimate) : null,
    limit,
    unit: "percentage points",
    detail: seen
      ? `${challenger.failures} of the challenger's ${challenger.requests} requests failed and ${champion.failures} of the champion's ${champion.requests}: ${formatSigned(toPoints(shown.estimate))} points (95 % interval ${toPoints(shown.low)} to ${toPoints(shown.high)}), at most +${limit} allowed${verdict === "inconclusive" && challenger.requests < needed ? `; even without a failure it takes ${needed} requests to tell` : ""}.`
      : "One of the two versions has no requests yet, so their errors cannot be compared.",
  };
};

/**
 * The p95's ratio, challenger over champion, by the ends of both intervals: conservative, because both
 * would have to lie at their far end at once. `slackMs` lifts the limit where the champion is so fast that
 * the ratio measures the machine.
 */
export const checkP95 = ({ champion, challenger }: Arms, limits: CanaryLimits["latencyP95"]): Check => {
  const before = computeP95Interval(champion.requests, champion.latencyMs);
  const after = computeP95Interval(challenger.requests, challenger.latencyMs);
  const check = { name: "canary latency p95", limit: limits.ratio, unit: "times the champion's" };
  if (!before || !after)
    return {
      ...check,
      verdict: "inconclusive",
      measured: null,
      detail: "One of the two versions has no latencies yet, so they cannot be compared.",
    };
  const allowed = (championMs: number) => Math.max(limits.ratio * championMs, championMs + limits.slackMs);
  const passes = after.pass.high <= allowed(before.pass.low);
  const fails = after.fail.low > allowed(before.fail.high);
  const ms = (value: number) => (Number.isFinite(value) ? String(roundToDigits(value, 3)) : "unknown");
  return {
    ...check,
    verdict: fails ? "fail" : passes ? "pass" : "inconclusive",
    measured: before.estimate > 0 ? roundToDigits(after.estimate / before.estimate, 4) : null,
    detail: `The challenger's p95 is ${ms(after.estimate)} ms (95 % interval ${ms(after.pass.low)} to ${ms(after.pass.high)}), the champion's ${ms(before.estimate)} ms (${ms(before.pass.low)} to ${ms(before.pass.high)}); ${limits.ratio} times, or ${limits.slackMs} ms more, is allowed.`,
  };
};

/**
 * Rows with this label. Rows of one request may be alike, so they count for no more than their requests:
 * Kish's design effect at its worst (Survey Sampling, 1965, section 5.4), where a request is one sample.
 */
const computeLabelShare = ({ labels, requests, failures }: Statistics, label: string): Proportion => {
  const rows = [...labels.values()].reduce((sum, count) => sum + count, 0);
  if (rows === 0) return { count: 0, of: 0 };
  const of = Math.max(0, Math.min(rows, requests - failures));
  return { count: ((labels.get(label) ?? 0) / rows) * of, of };
};

const judgeShift = (at: (level: number) => Interval, limit: number, labels: number): Verdict => {
  const inside = at(confidence.pass);
  // Two labels move together, so they are one comparison.
  const outside = at(1 - (1 - confidence.fail) / (labels > 2 ? labels : 1));
  if (outside.low > limit || outside.high < -limit) return "fail";
  return inside.low >= -limit && inside.high <= limit ? "pass" : "inconclusive";
};

/**
 * The share of every label, challenger − champion, at most `limit` percentage points up or down. Which
 * request meets which version is chance alone, so a shift beyond chance is the model's.
 * All labels must stay inside for a pass, which needs no correction (an intersection-union test: Berger &
 * Hsu, Stat Sci 1996;11:283); any one label outside is a fail, whose confidence is raised by Bonferroni.
 */
export const checkLabels = (
  { champion, challenger }: Arms,
  limit: number,
  known: readonly string[],
): Check => {
  const labels = [...new Set([...known, ...champion.labels.keys(), ...challenger.labels.keys()])];
  const shifts = labels.map((label) => {
    const at = (level: number) =>
      newcombeInterval(computeLabelShare(challenger, label), computeLabelShare(champion, label), level);
    return { label, shown: at(confidence.pass), verdict: judgeShift(at, limit / 100, labels.length) };
  });
  const order: readonly Verdict[] = ["fail", "inconclusive", "pass"];
  const worst = shifts.toSorted(
    (a, b) =>
      order.indexOf(a.verdict) - order.indexOf(b.verdict) ||
      Math.abs(b.shown.estimate) - Math.abs(a.shown.estimate),
  )[0];
  const check = { name: "canary labels", limit, unit: "percentage points" };
  const seen = [champion, challenger].every((arm) => [...arm.labels.values()].some((count) => count > 0));
  if (!worst || !seen)
    return {
      ...check,
      verdict: "inconclusive",
      measured: null,
      detail: "One of the two versions has answered no row yet, so their labels cannot be compared.",
    };
  const { label, shown, verdict } = worst;
  return {
    ...check,
    verdict,
    measured: toPoints(Math.abs(shown.estimate)),
    detail: `Of all labels ${label} moved the most that matters: ${formatSigned(toPoints(shown.estimate))} points (95 % interval ${toPoints(shown.low)} to ${toPoints(shown.high)}), at most ${limit} up or down allowed.`,
  };
};
