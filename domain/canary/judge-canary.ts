import * as z from "zod";
import { Check, Verdict, verdictOf } from "#domain/gates/verdict.ts";
import type { CanaryLimits } from "#domain/policy/policy.ts";
import { type CanaryRule, seconds } from "#model-folder/manifest/manifest.ts";
import type { Statistics } from "#platform/metrics/metrics.ts";
import { errorsCheck, labelsCheck, p95Check, samplesCheck } from "./canary-checks.ts";
import { nextStep } from "./next-step.ts";

export const JudgeCanaryOutput = z.object({
  verdict: Verdict,
  /** What the machine does now: `shift` to step `step`, `bake` once more, `promote`, or `roll-back`. */
  next: z.enum(["shift", "bake", "promote", "roll-back"]),
  step: z.int().min(0),
  checks: z.array(Check),
  error: z.object({ name: z.literal("CanaryFailed"), cause: z.string() }).nullable(),
});
export type JudgeCanaryOutput = z.infer<typeof JudgeCanaryOutput>;

type Look = {
  readonly rule: CanaryRule;
  readonly limits: CanaryLimits;
  /** The labels that the model can answer; none for regression. */
  readonly labels: readonly string[];
  /** Index of the step that was baked. */
  readonly step: number;
  /** Of this step's window, each with the latencies at `percentilesFor(requests)`. */
  readonly champion: Statistics;
  readonly challenger: Statistics;
  /** When the canary's first step began, epoch milliseconds: `atMost` counts from here. */
  readonly startedAt: number;
  /** Epoch milliseconds. */
  readonly now: number;
};

const details = (checks: readonly Check[], verdict: Check["verdict"]) =>
  checks
    .filter((check) => check.verdict === verdict)
    .map(({ detail }) => detail)
    .join(" ");

/** What to do with a canary that can neither pass nor fail yet: wait on, or give up with the reason. */
const whenInconclusive = ({
  rule,
  startedAt,
  now,
}: Look): { bake: true } | { bake: false; because: string } => {
  if (rule.onInconclusive === "roll-back")
    return { bake: false, because: "The canary was inconclusive, and its rule is to roll back then." };
  // Written so that a time that is no number ends the canary instead of prolonging it.
  return now - startedAt < seconds(rule.atMost) * 1_000
    ? { bake: true }
    : { bake: false, because: `The canary was still inconclusive after ${rule.atMost}.` };
};

/**
 * One look at a canary: the challenger's live traffic against the champion's at the same time.
 * All checks pass: on to the next step, or to promotion. One fails: roll back, also before there are
 * enough samples. Otherwise bake once more, until `atMost`; what is missing is never a pass.
 */
export const judgeCanary = (look: Look): JudgeCanaryOutput => {
  const { rule, limits, labels, step } = look;
  const arms = { champion: look.champion, challenger: look.challenger };
  const answersLabels = labels.length > 0 || arms.champion.labels.size > 0 || arms.challenger.labels.size > 0;
  const checks = [
    samplesCheck(arms, rule.minSamples),
    errorsCheck(arms, limits.errorPoints),
    p95Check(arms, limits.latencyP95),
    ...(answersLabels ? [labelsCheck(arms, limits.labelSharePoints, labels)] : []),
  ];
  const verdict = verdictOf(checks);
  const rollBack = (cause: string): JudgeCanaryOutput => ({
    verdict,
    next: "roll-back",
    step,
    checks,
    error: { name: "CanaryFailed", cause },
  });
  switch (verdict) {
    case "pass": {
      const { next, step: to } = nextStep(rule, step);
      return { verdict, next, step: to, checks, error: null };
    }
    case "fail":
      return rollBack(details(checks, "fail"));
    case "inconclusive": {
      const then = whenInconclusive(look);
      if (then.bake) return { verdict, next: "bake", step, checks, error: null };
      return rollBack(`${then.because} ${details(checks, "inconclusive")}`);
    }
    default:
      return verdict satisfies never;
  }
};
