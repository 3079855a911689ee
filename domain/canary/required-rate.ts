import type { CanaryLimits } from "#domain/policy/policy.ts";
import { type CanaryRule, durationToSeconds } from "#model-folder/manifest/manifest.ts";
import { computeMinRequests } from "./min-requests.ts";

type RequiredTraffic = {
  /** Requests to each version in each step. */
  readonly requests: number;
  /** Requests per minute to the model, steadily; infinite: no rate is enough. */
  readonly perMinute: number;
};

const bisections = 60;

/**
 * The traffic that a canary without a failure needs, so that every step can pass before `atMost`: with less it ends as
 * inconclusive. A step lasts its bake at least, and as long as the smaller share of the traffic needs.
 */
export const computeRequiredTraffic = (
  { steps, minSamples, bake, atMost }: Pick<CanaryRule, "steps" | "minSamples" | "bake" | "atMost">,
  { errorPoints }: Pick<CanaryLimits, "errorPoints">,
): RequiredTraffic => {
  const requests = Math.max(minSamples, computeMinRequests(errorPoints / 100));
  const minutes = (duration: string) => durationToSeconds(duration) / 60;
  const needed = (perMinute: number): number =>
    steps.reduce((sum, percent) => {
      const share = Math.min(percent, 100 - percent) / 100;
      return sum + Math.max(minutes(bake), requests / (perMinute * share));
    }, 0);
  if (steps.length * minutes(bake) > minutes(atMost) || !Number.isFinite(needed(1)))
    return { requests, perMinute: Number.POSITIVE_INFINITY };
  let [low, high] = [0, 1];
  while (needed(high) > minutes(atMost)) high *= 2;
  for (let count = 0; count < bisections; count++) {
    const middle = (low + high) / 2;
    if (needed(middle) > minutes(atMost)) low = middle;
    else high = middle;
  }
  return { requests, perMinute: high };
};

/** A rate as people read it: per hour below one a minute. */
export const formatRate = (perMinute: number, round: (value: number) => number): string => {
  const perHour = perMinute < 1;
  const count = round(perHour ? 60 * perMinute : perMinute);
  return `${count} request${count === 1 ? "" : "s"} ${perHour ? "an hour" : "a minute"}`;
};
