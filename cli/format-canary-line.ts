import type { CanaryFacts } from "#domain/canary/canary-facts.ts";
import type { CanaryLook } from "#domain/canary/canary-look.ts";
import { formatDuration } from "#domain/canary/format-duration.ts";

const percent = (share: number) => `${Number((100 * share).toFixed(2))} %`;
const ms = (value: number) => `${Number(value.toPrecision(3))} ms`;

const formatMeasurement = ({ champion, challenger, rule }: CanaryLook): string => {
  const required = rule.requiredRequests === null ? "" : `/${rule.requiredRequests}`;
  const requests = `${Math.min(champion.requests, challenger.requests)}${required} requests`;
  const errors =
    challenger.errors && champion.errors
      ? `errors ${percent(challenger.errors.value)} (prod ${percent(champion.errors.value)})`
      : "errors unknown";
  const p95 =
    challenger.p95 && champion.p95
      ? `p95 ${ms(challenger.p95.value)} (prod ${ms(champion.p95.value)})`
      : "p95 unknown";
  return [requests, errors, p95].join(" · ");
};

const formatState = (facts: CanaryFacts, now: number): string => {
  const { nextLookAt, hold, abort, question } = facts;
  switch (facts.status) {
    case "running":
      if (facts.closed)
        return `prod is closed: ${facts.closed.why}${facts.closed.until === null ? "" : `, for another ${formatDuration(facts.closed.until - now)}`}`;
      return nextLookAt === null
        ? "first measurement within a minute"
        : nextLookAt > now
          ? `next judgement in ${formatDuration(nextLookAt - now)}`
          : "judged now";
    case "held":
      return `held by ${hold?.name ?? "?"} for another ${formatDuration((hold?.until ?? now) - now)}: ${hold?.reason ?? ""}`;
    case "asked":
      return `inconclusive: the approvers decide within ${formatDuration((question?.expiresAt ?? now) - now)}`;
    case "aborting":
      return `aborted by ${abort?.name ?? "?"}: ${abort?.reason ?? ""}`;
    case "promoting":
      return "passed: prod's traffic is moving to it";
    case "promoted":
      return "promoted: it serves prod";
    case "ended":
      if (facts.error) return `ended: ${facts.error.name}: ${facts.error.cause}`;
      return abort ? `aborted by ${abort.name}: ${abort.reason}` : "ended: prod is as it was";
    default:
      return facts.status satisfies never;
  }
};

/**
 * A canary on one line, what matters most first, because a terminal may cut it:
 * `churn v3 at 10 % (step 1 of 2) · next judgement in 12 min · 1240/200 requests · …`.
 */
export const formatCanaryLine = (facts: CanaryFacts, now: number): string => {
  const steps = facts.steps.filter((step) => step.percent < 100);
  const index = steps.findIndex((step) => step.percent === facts.percent) + 1;
  const newest = facts.looks.at(-1);
  // A step that has just begun was not measured yet: the counts before it are of another share.
  const look = newest?.percent === facts.percent ? newest : undefined;
  return [
    `${facts.model} v${facts.version} at ${facts.percent} % (step ${index} of ${steps.length})`,
    formatState(facts, now),
    ...(look ? [formatMeasurement(look)] : []),
  ].join(" · ");
};

/** One judgement on one line, or undefined for a measurement between two. */
export const formatJudgement = (model: string, look: CanaryLook): string | undefined => {
  if (!look.judged) return undefined;
  const { verdict, next, held, checks } = look.judged;
  const what = held ? `held at ${look.percent} %` : next;
  const unclear = checks.filter((check) => check.verdict !== "pass").map(({ name }) => name);
  const named = unclear.length === 0 ? "" : ` (${unclear.join(", ")})`;
  return `${new Date(look.at).toISOString()} ${model} at ${look.percent} %: ${verdict}${named} → ${what} · ${formatMeasurement(look)}`;
};
