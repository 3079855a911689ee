import { roundToDigits } from "#domain/gates/number-format.ts";
import type { Check, CheckResults } from "#domain/gates/verdict.ts";
import type { CanaryLimits } from "#domain/policy/policy.ts";
import type { CanaryRule } from "#model-folder/manifest/manifest.ts";
import { computeRequiredTraffic, formatRate } from "./required-rate.ts";

/** What prod served of the champion in a window. */
type RecordedTraffic = {
  readonly requests: number;
  /** Epoch milliseconds. */
  readonly from: number;
  readonly to: number;
};

const name = "canary traffic";
const minuteMs = 60_000;
/** A shorter time says little about the hours of a canary. */
const minWindowMs = 60 * minuteMs;

const onInconclusive = ({ onInconclusive, atMost }: CanaryRule): string => {
  switch (onInconclusive) {
    case "extend":
      return `will probably be inconclusive until ${atMost} and then be rolled back`;
    case "ask":
      return `will probably be inconclusive until ${atMost} and then ask the approvers again`;
    case "roll-back":
      return "will probably be inconclusive at the end of a bake and be rolled back";
    default:
      return onInconclusive satisfies never;
  }
};

/**
 * Whether prod's recorded traffic is enough for the canary, so that approvers know it before they approve. An estimate: it
 * never fails a delivery. Without a champion there is no canary, and after less than an hour there is no estimate.
 * @param recorded undefined: prod serves no version of the model; unreadable: its metrics could not be read
 */
export const checkTraffic = ({
  rule,
  limits,
  recorded,
}: {
  readonly rule: CanaryRule;
  readonly limits: Pick<CanaryLimits, "errorPoints">;
  readonly recorded: RecordedTraffic | "unreadable" | undefined;
}): CheckResults => {
  const omit = (why: string): CheckResults => ({ checks: [], omitted: [{ name, why }] });
  if (!recorded) return omit("a model's first version has no canary");
  if (recorded === "unreadable") return omit("prod's metrics could not be read");
  const windowMs = recorded.to - recorded.from;
  if (!(windowMs >= minWindowMs)) return omit("prod has served the champion for less than an hour");
  const perMinute = recorded.requests / (windowMs / minuteMs);
  const needed = computeRequiredTraffic(rule, limits);
  const days = roundToDigits(windowMs / (24 * 60 * minuteMs), 2);
  const seen = `prod had ${formatRate(perMinute, (rate) => roundToDigits(rate, 3))} (last ${days} days)`;
  const needs = Number.isFinite(needed.perMinute)
    ? `the canary needs ${formatRate(needed.perMinute, Math.ceil)}: ${needed.requests} to each version at each step within ${rule.atMost}`
    : "no traffic is enough for this canary";
  const isEnough = perMinute >= needed.perMinute;
  const check: Check = {
    name,
    verdict: isEnough ? "pass" : "inconclusive",
    measured: roundToDigits(perMinute, 4),
    limit: Number.isFinite(needed.perMinute) ? roundToDigits(needed.perMinute, 4) : null,
    unit: "requests/min",
    detail: isEnough
      ? `${seen}; ${needs}`
      : `not enough traffic: ${seen}, but ${needs}; the canary ${onInconclusive(rule)}`,
  };
  return { checks: [check], omitted: [] };
};
