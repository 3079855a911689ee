import type { CanaryRule } from "../inference/manifest.ts";
import type { Statistics } from "../platform/metrics/metrics.ts";
import type { JudgeCanaryOutput } from "../statemachine/contracts.ts";
import type { CanaryLimits } from "./policy/policy.ts";

/**
 * Which percentiles of a version's latencies to ask the metrics store for when it has so many requests
 * (ask first with none): `judgeCanary` reads `Statistics.latencyMs` in this order.
 */
export const percentilesFor = (_requests: number): readonly number[] => {
  throw new Error("follows");
};

/** Where a canary goes from step `index` when that step has passed: the next step, or all traffic. */
export const nextStep = (
  _rule: Pick<CanaryRule, "steps">,
  _index: number,
):
  | { readonly next: "shift"; readonly step: number; readonly share: number }
  | { readonly next: "promote"; readonly step: number } => {
  throw new Error("follows");
};

export const judgeCanary = (_: {
  readonly rule: CanaryRule;
  readonly limits: CanaryLimits;
  /** The labels that the model can answer; none for regression. */
  readonly labels: readonly string[];
  /** Index of the step that was baked. */
  readonly step: number;
  /** Statistics of this step's window, with `percentilesFor(requests)` of each. */
  readonly champion: Statistics;
  readonly challenger: Statistics;
  /** When the canary's first step began, epoch milliseconds: `atMost` counts from here. */
  readonly startedAt: number;
  readonly now: number;
}): JudgeCanaryOutput => {
  throw new Error("follows");
};
