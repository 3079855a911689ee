import { formatCount, roundToDigits } from "#domain/gates/number-format.ts";
import type { Check, Verdict } from "#domain/gates/verdict.ts";
import { judgeAtMost } from "#domain/gates/verdict.ts";
import type { CanaryLimits } from "#domain/policy/policy.ts";
import type { Interval } from "#domain/statistics/interval.ts";
import { newcombeInterval } from "#domain/statistics/newcombe-interval.ts";
import type { Proportion } from "#domain/statistics/wilson-interval.ts";
import type { Statistics } from "#platform/metrics/metrics.ts";
import { confidenceLevels } from "./confidence-levels.ts";
import { computeMinRequests } from "./min-requests.ts";
import { computeP95Interval } from "./p95-interval.ts";

type Arms = { readonly champion: Statistics; readonly challenger: Statistics };

/** A pass needs the interval at 95 %, a fail the wider one (confidence-levels.ts). */
const mergeVerdicts = (atPass: Verdict, atFail: Verdict): Verdict =>
  atFail === "fail" ? "fail" : atPass === "pass" ? "pass" : "inconclusive";

const toPoints = (value: number) => roundToDigits(100 * value, 3);
const toTenths = (value: number) => Number((100 * value).toFixed(1)) + 0;
const formatSigned = (value: number) => (value > 0 ? `+${value}` : String(value));

/** All calls of an arm, those that its function could not report too. */
export const countCalls = ({ requests, unreported }: Statistics): number => requests + unreported;
export const countFailed = ({ failures, unreported }: Statistics): number => failures + unreported;

/** Too few requests leave the canary open and never fail it. */
export const checkSamples = ({ champion, challenger }: Arms, minSamples: number): Check => {
  const fewest = Math.min(countCalls(champion), countCalls(challenger));
  const enough = fewest >= minSamples;
  return {
    name: "canary samples",
    verdict: enough ? "pass" : "inconclusive",
    measured: fewest,
    limit: minSamples,
    unit: "requests",
    detail: `challenger ${formatCount(countCalls(challenger), "request")}, champion ${countCalls(champion)} (required ≥ ${minSamples} each)`,
  };
};

/** @param limit percentage points by which the challenger's share of failed requests may be higher */
export const checkErrors = ({ champion, challenger }: Arms, limit: number): Check => {
  const share = (arm: Statistics): Proportion => ({ count: countFailed(arm), total: countCalls(arm) });
  const at = (level: number) => newcombeInterval(share(challenger), share(champion), level);
  const difference = at(confidenceLevels.pass);
  const bound = { limit: limit / 100 };
  const comparable = countCalls(champion) > 0 && countCalls(challenger) > 0;
  /** What only Lambda knows: time-outs, full memory, crashes, throttles. */
  const silent =
    challenger.unreported > 0 ? ` (${challenger.unreported} without a response of the function)` : "";
  const minRequests = computeMinRequests(bound.limit);
  const verdict = mergeVerdicts(
    judgeAtMost({ ...difference, ...bound }),
    judgeAtMost({ ...at(confidenceLevels.fail), ...bound }),
  );
  return {
    name: "canary errors",
    verdict: comparable ? verdict : "inconclusive",
    measured: comparable ? toPoints(difference.estimate) : null,
    limit,
    unit: "percentage points",
    detail: comparable
      ? `error rate ${formatSigned(toPoints(difference.estimate))} pp (limit +${limit}; 95 % interval ${toPoints(difference.low)} to ${toPoints(difference.high)}): ${countFailed(challenger)} of ${formatCount(countCalls(challenger), "request")} failed on the challenger${silent}, ${countFailed(champion)} of ${countCalls(champion)} on the champion${verdict === "inconclusive" && countCalls(challenger) < minRequests ? `; a pass needs at least ${minRequests} requests, even without a failure` : ""}`
      : "error rate unknown: champion or challenger has no requests yet",
  };
};

/**
 * The ratio of the p95 latencies, challenger to champion, by the ends of both intervals. This is conservative: both ends
 * would have to be true at once. `slackMs` raises the limit where the champion is so fast that the ratio measures only
 * the machine.
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
      detail: "p95 latency unknown: champion or challenger has no requests yet",
    };
  const limitMs = (championMs: number) => Math.max(limits.ratio * championMs, championMs + limits.slackMs);
  const passes = after.pass.high <= limitMs(before.pass.low);
  const fails = after.fail.low > limitMs(before.fail.high);
  const format = (value: number) => (Number.isFinite(value) ? String(roundToDigits(value, 3)) : "unknown");
  return {
    ...check,
    verdict: fails ? "fail" : passes ? "pass" : "inconclusive",
    measured: before.estimate > 0 ? roundToDigits(after.estimate / before.estimate, 4) : null,
    detail: `p95 latency ${format(after.estimate)} ms (95 % interval ${format(after.pass.low)} to ${format(after.pass.high)} ms), champion ${format(before.estimate)} ms (${format(before.pass.low)} to ${format(before.pass.high)} ms); limit ${limits.ratio} × champion, or champion + ${limits.slackMs} ms`,
  };
};

/**
 * The share of rows with this label. The rows of a request may all be equal, so a request counts as one sample: Kish's
 * design effect at its worst (Survey Sampling, 1965, section 5.4).
 */
export const computeLabelShare = ({ labels, requests, failures }: Statistics, label: string): Proportion => {
  const rows = [...labels.values()].reduce((sum, count) => sum + count, 0);
  if (rows === 0) return { count: 0, total: 0 };
  const total = Math.max(0, Math.min(rows, requests - failures));
  return { count: ((labels.get(label) ?? 0) / rows) * total, total };
};

const judgeShift = (at: (level: number) => Interval, limit: number, labels: number): Verdict => {
  const inside = at(confidenceLevels.pass);
  // Two labels are one comparison: if one share rises, the other falls.
  const outside = at(1 - (1 - confidenceLevels.fail) / (labels > 2 ? labels : 1));
  if (outside.low > limit || outside.high < -limit) return "fail";
  return inside.low >= -limit && inside.high <= limit ? "pass" : "inconclusive";
};

/**
 * The label with the worst verdict, and of those the one with the largest shift; undefined without labels.
 * @param limit percentage points
 * @param intervalOf the challenger's share of a label minus the champion's, at a confidence level
 */
export const findLargestShift = (
  labels: readonly string[],
  limit: number,
  intervalOf: (label: string, level: number) => Interval,
) => {
  const order: readonly Verdict[] = ["fail", "inconclusive", "pass"];
  const worst = labels
    .map((label) => {
      const at = (level: number) => intervalOf(label, level);
      return { label, shift: at(confidenceLevels.pass), verdict: judgeShift(at, limit / 100, labels.length) };
    })
    .toSorted(
      (a, b) =>
        order.indexOf(a.verdict) - order.indexOf(b.verdict) ||
        Math.abs(b.shift.estimate) - Math.abs(a.shift.estimate),
    )[0];
  if (!worst) return undefined;
  const { label, shift } = worst;
  const detail = `largest label shift: ${label} ${formatSigned(toTenths(shift.estimate))} pp (limit ±${limit}; 95 % interval ${toTenths(shift.low)} to ${toTenths(shift.high)})`;
  return { ...worst, detail };
};

/**
 * The share of every label may shift by `limit` percentage points, up or down. Requests meet a version at random, so the
 * model causes any shift beyond chance. A pass requires every label within the limit and needs no correction (an
 * intersection-union test: Berger & Hsu, Stat Sci 1996;11:283). One label outside fails, with Bonferroni's correction.
 */
export const checkLabels = (
  { champion, challenger }: Arms,
  limit: number,
  known: readonly string[],
): Check => {
  const labels = [...new Set([...known, ...champion.labels.keys(), ...challenger.labels.keys()])];
  const worst = findLargestShift(labels, limit, (label, level) =>
    newcombeInterval(computeLabelShare(challenger, label), computeLabelShare(champion, label), level),
  );
  const check = { name: "canary labels", limit, unit: "percentage points" };
  const comparable = [champion, challenger].every((arm) =>
    [...arm.labels.values()].some((count) => count > 0),
  );
  if (!worst || !comparable)
    return {
      ...check,
      verdict: "inconclusive",
      measured: null,
      detail: "label shift unknown: champion or challenger has no predictions yet",
    };
  const { shift, verdict, detail } = worst;
  return { ...check, verdict, measured: toPoints(Math.abs(shift.estimate)), detail };
};
