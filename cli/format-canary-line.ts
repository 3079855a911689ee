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

/** The last judgement of the present share, with the checks that did not pass; undefined: none yet, or it is over. */
const formatLast = ({ looks, percent: share, status }: CanaryFacts): string | undefined => {
  if (status === "promoting" || status === "promoted" || status === "ended") return undefined;
  const last = looks.findLast((look) => look.judged && look.percent === share)?.judged;
  if (!last) return undefined;
  const names = last.checks
    .filter(({ verdict }) => verdict !== "pass")
    .map(({ name }) => name.replace(/^canary /, ""));
  return `last: ${last.verdict}${names.length === 0 ? "" : ` (${names.join(", ")})`}`;
};

/** Cuts a line between two words, and marks that it was cut. */
const cutLine = (line: string, width: number): string => {
  if (line.length <= width) return line;
  const whole = line.slice(0, width).replace(/\s+\S*$/, "");
  // A label without its value says nothing.
  return `${whole.replace(/(?: · last:?)?[\s·(,:]*$/, "")} …`;
};

/**
 * A canary on one line, what matters most first:
 * `churn v3 at 10 % (step 1 of 2) · next judgement in 12 min · last: inconclusive (latency p95) · 1240/381 requests · …`.
 * @param width columns of the terminal: a longer line is first said in fewer words, then cut between two words; absent: all
 */
export const formatCanaryLine = (
  facts: CanaryFacts,
  now: number,
  width = Number.POSITIVE_INFINITY,
): string => {
  const steps = facts.steps.filter((step) => step.percent < 100);
  const index = steps.findIndex((step) => step.percent === facts.percent) + 1;
  const newest = facts.looks.at(-1);
  // A step that has just begun was not measured yet: the counts before it are of another share.
  const look = newest?.percent === facts.percent ? newest : undefined;
  const last = formatLast(facts);
  const rest = [...(last === undefined ? [] : [last]), ...(look ? [formatMeasurement(look)] : [])];
  const state = formatState(facts, now);
  const name = `${facts.model} v${facts.version} at ${facts.percent} %`;
  const full = [`${name} (step ${index} of ${steps.length})`, state, ...rest].join(" · ");
  if (full.length <= width) return full;
  const short = [name, state.replace(/^next judgement in /, "judged in "), ...rest].join(" · ");
  return cutLine(short, width - " …".length);
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
