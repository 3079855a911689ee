import * as z from "zod";
import { Check, combineVerdicts, Verdict } from "#domain/gates/verdict.ts";
import type { CanaryLimits } from "#domain/policy/policy.ts";
import { type CanaryRule, durationToSeconds } from "#model-folder/manifest/manifest.ts";
import type { Statistics } from "#platform/metrics/metrics.ts";
import { checkErrors, checkLabels, checkP95, checkSamples } from "./canary-checks.ts";
import { findNextStep } from "./find-next-step.ts";

export const JudgeCanaryOutput = z.object({
  verdict: Verdict,
  /**
   * What the state machine does now: `shift` to step `step`, `bake` once more, `promote`, `roll-back`, or `ask` the
   * approvers whether an inconclusive canary goes on. `hold`: they let this step go on, but prod is closed.
   */
  next: z.enum(["shift", "bake", "promote", "roll-back", "ask", "hold"]),
  step: z.int().min(0),
  checks: z.array(Check),
  error: z.object({ name: z.literal("CanaryFailed"), cause: z.string() }).nullable(),
  /** Why there is no replay, where there should be one: the approvers see this too. */
  omitted: z.array(z.object({ name: z.string(), why: z.string() })),
  /** How long the question of `ask` may take: its state's timeout. */
  approvalTimeoutSeconds: z.int().positive().max(2_147_483),
  /** How long the next wait lasts: a round, which is shorter than a bake, so that people's orders act soon. */
  waitSeconds: z.int().positive().max(2_147_483),
});
export type JudgeCanaryOutput = z.infer<typeof JudgeCanaryOutput>;

type CanaryObservation = {
  readonly rule: CanaryRule;
  readonly limits: CanaryLimits;
  /** The labels that the model can predict; none for regression. */
  readonly labels: readonly string[];
  /** Index of the step that ended its bake. */
  readonly step: number;
  /** Measured in this step's window, with the latencies at `choosePercentiles(requests)`. */
  readonly champion: Statistics;
  readonly challenger: Statistics;
  /** Start of the first step, epoch milliseconds: `atMost` counts from here. */
  readonly startedAt: number;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Approvers have decided that this step goes on without a verdict. A failed check still rolls back. */
  readonly accepted?: boolean;
  /** A hold keeps the version at its share. A failed check still rolls back. */
  readonly held?: boolean;
  /** Somebody ordered "go": without a verdict the approvers are asked now, unless the rule rolls back. */
  readonly asked?: boolean;
};

/** One look at a canary, without what the step adds for the state machine. */
type CanaryJudgement = Pick<JudgeCanaryOutput, "verdict" | "next" | "step" | "error"> & {
  readonly checks: readonly Check[];
};

const joinDetails = (checks: readonly Check[], verdict: Check["verdict"]) =>
  checks
    .filter((check) => check.verdict === verdict)
    .map(({ detail }) => detail)
    .join("; ");

const resolveInconclusive = ({
  rule,
  startedAt,
  now,
  asked,
}: CanaryObservation): { next: "bake" | "ask" } | { next: "roll-back"; reason: string } => {
  if (rule.onInconclusive === "roll-back")
    return { next: "roll-back", reason: "the canary is inconclusive (onInconclusive: roll-back)" };
  if (asked) return { next: "ask" };
  // In this order a NaN ends the canary instead of prolonging it.
  if (now - startedAt < durationToSeconds(rule.atMost) * 1_000) return { next: "bake" };
  return rule.onInconclusive === "ask"
    ? { next: "ask" }
    : { next: "roll-back", reason: `the canary is still inconclusive after ${rule.atMost}` };
};

/**
 * Judges a canary after a bake: the challenger's live traffic against the champion's in the same window. If every check
 * passes, the canary goes to the next step, or to promotion. If one fails, it is rolled back, even before there are enough
 * samples. Otherwise it bakes once more, until `atMost`; then it is rolled back, or the approvers decide. Missing data is
 * never a pass: a step that people let go on stays inconclusive.
 */
export const evaluateCanary = (observation: CanaryObservation): CanaryJudgement => {
  const { rule, limits, labels, step, champion, challenger } = observation;
  const arms = { champion, challenger };
  const predictsLabels = labels.length > 0 || champion.labels.size > 0 || challenger.labels.size > 0;
  const checks = [
    checkSamples(arms, rule.minSamples),
    checkErrors(arms, limits.errorPoints),
    checkP95(arms, limits.latencyP95),
    ...(predictsLabels ? [checkLabels(arms, limits.labelSharePoints, labels)] : []),
  ];
  const verdict = combineVerdicts(checks);
  const goOn = (): CanaryJudgement => {
    const { next, step: nextStep } = findNextStep(rule, step);
    return { verdict, next, step: nextStep, checks, error: null };
  };
  const rollBack = (cause: string): CanaryJudgement => ({
    verdict,
    next: "roll-back",
    step,
    checks,
    error: { name: "CanaryFailed", cause },
  });
  if (observation.held && verdict !== "fail") return { verdict, next: "bake", step, checks, error: null };
  switch (verdict) {
    case "pass":
      return goOn();
    case "fail":
      return rollBack(joinDetails(checks, "fail"));
    case "inconclusive": {
      if (observation.accepted) return goOn();
      const resolution = resolveInconclusive(observation);
      if (resolution.next !== "roll-back")
        return { verdict, next: resolution.next, step, checks, error: null };
      return rollBack(`${resolution.reason}: ${joinDetails(checks, "inconclusive")}`);
    }
    default:
      return verdict satisfies never;
  }
};
