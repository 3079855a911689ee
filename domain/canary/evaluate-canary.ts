import * as z from "zod";
import { Check, combineVerdicts, Verdict } from "#domain/gates/verdict.ts";
import type { CanaryLimits } from "#domain/policy/policy.ts";
import { type CanaryRule, durationToSeconds } from "#model-folder/manifest/manifest.ts";
import type { Statistics } from "#platform/metrics/metrics.ts";
import { checkErrors, checkLabels, checkP95, checkSamples } from "./canary-checks.ts";
import { findNextStep } from "./find-next-step.ts";

export const JudgeCanaryOutput = z.object({
  verdict: Verdict,
  /** What the machine does now: `shift` to step `step`, `bake` once more, `promote`, or `roll-back`. */
  next: z.enum(["shift", "bake", "promote", "roll-back"]),
  step: z.int().min(0),
  checks: z.array(Check),
  error: z.object({ name: z.literal("CanaryFailed"), cause: z.string() }).nullable(),
});
export type JudgeCanaryOutput = z.infer<typeof JudgeCanaryOutput>;

type CanaryObservation = {
  readonly rule: CanaryRule;
  readonly limits: CanaryLimits;
  /** The labels that the model can answer; none for regression. */
  readonly labels: readonly string[];
  /** Index of the step that was baked. */
  readonly step: number;
  /** Of this step's window, each with the latencies at `choosePercentiles(requests)`. */
  readonly champion: Statistics;
  readonly challenger: Statistics;
  /** When the canary's first step began, epoch milliseconds: `atMost` counts from here. */
  readonly startedAt: number;
  /** Epoch milliseconds. */
  readonly now: number;
};

const joinDetails = (checks: readonly Check[], verdict: Check["verdict"]) =>
  checks
    .filter((check) => check.verdict === verdict)
    .map(({ detail }) => detail)
    .join(" ");

/** What to do with a canary that can neither pass nor fail yet: wait on, or give up with the reason. */
const resolveInconclusive = ({
  rule,
  startedAt,
  now,
}: CanaryObservation): { bake: true } | { bake: false; because: string } => {
  if (rule.onInconclusive === "roll-back")
    return { bake: false, because: "The canary was inconclusive, and its rule is to roll back then." };
  // Written so that a time that is no number ends the canary instead of prolonging it.
  return now - startedAt < durationToSeconds(rule.atMost) * 1_000
    ? { bake: true }
    : { bake: false, because: `The canary was still inconclusive after ${rule.atMost}.` };
};

/**
 * One look at a canary: the challenger's live traffic against the champion's at the same time.
 * All checks pass: on to the next step, or to promotion. One fails: roll back, also before there are
 * enough samples. Otherwise bake once more, until `atMost`; what is missing is never a pass.
 */
export const evaluateCanary = (look: CanaryObservation): JudgeCanaryOutput => {
  const { rule, limits, labels, step } = look;
  const arms = { champion: look.champion, challenger: look.challenger };
  const answersLabels = labels.length > 0 || arms.champion.labels.size > 0 || arms.challenger.labels.size > 0;
  const checks = [
    checkSamples(arms, rule.minSamples),
    checkErrors(arms, limits.errorPoints),
    checkP95(arms, limits.latencyP95),
    ...(answersLabels ? [checkLabels(arms, limits.labelSharePoints, labels)] : []),
  ];
  const verdict = combineVerdicts(checks);
  const rollBack = (cause: string): JudgeCanaryOutput => ({
    verdict,
    next: "roll-back",
    step,
    checks,
    error: { name: "CanaryFailed", cause },
  });
  switch (verdict) {
    case "pass": {
      const { next, step: to } = findNextStep(rule, step);
      return { verdict, next, step: to, checks, error: null };
    }
    case "fail":
      return rollBack(joinDetails(checks, "fail"));
    case "inconclusive": {
      const then = resolveInconclusive(look);
      if (then.bake) return { verdict, next: "bake", step, checks, error: null };
      return rollBack(`${then.because} ${joinDetails(checks, "inconclusive")}`);
    }
    default:
      return verdict satisfies never;
  }
};
