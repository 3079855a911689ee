import type { Check, Verdict } from "#domain/gates/verdict.ts";
import type { RulesInForce } from "#domain/policy/rules-in-force.ts";
import type { ReportedScore } from "#model-folder/manifest/find-reported-score.ts";
import { durationToSeconds } from "#model-folder/manifest/manifest.ts";
import type { Statistics } from "#platform/metrics/metrics.ts";
import type { Canaries } from "./canaries.ts";
import type { CanaryLook } from "./canary-look.ts";
import type { JudgeCanaryOutput } from "./evaluate-canary.ts";
import { maxChartedLabels, measureArm } from "./measure-canary.ts";
import { measureScores } from "./measure-scores.ts";
import { computeRequiredTraffic } from "./required-rate.ts";

/** Beyond it only judgements are kept: the rounds of a canary are fewer than 3,000 (plan-round.ts). */
const maxMeasurements = 1_000;
const limits = { checks: 20, detail: 600 } as const;

type Measured = {
  readonly delivery: string;
  readonly step: number;
  readonly percent: number;
  readonly since: number;
  readonly startedAt: number;
  readonly at: number;
  readonly rules: Pick<RulesInForce, "canary" | "canaryLimits">;
  readonly bakeMs: number;
  readonly labels: readonly string[];
  readonly arms: { readonly champion: Statistics; readonly challenger: Statistics };
  /** What each version's score is; undefined: its model has none. */
  readonly scores: {
    readonly champion: ReportedScore | undefined;
    readonly challenger: ReportedScore | undefined;
  };
};
type Judged = {
  readonly verdict: Verdict;
  readonly next: JudgeCanaryOutput["next"];
  readonly held: boolean;
  readonly checks: readonly Check[];
};

/** The most frequent labels of both versions. */
const chooseLabels = ({ labels, arms: { champion, challenger } }: Measured): readonly string[] => {
  const count = (label: string) => (champion.labels.get(label) ?? 0) + (challenger.labels.get(label) ?? 0);
  const all = [...new Set([...labels, ...champion.labels.keys(), ...challenger.labels.keys()])];
  return all.length <= maxChartedLabels
    ? all
    : all.toSorted((left, right) => count(right) - count(left)).slice(0, maxChartedLabels);
};

/**
 * Stores one measurement of a canary with its judgement, so that people see its course.
 * @param newest the measurement before it
 */
export const recordLook =
  ({ canaries }: { readonly canaries: Pick<Canaries, "addLook"> }) =>
  (newest: CanaryLook | undefined, measured: Measured) =>
  async (judged: Judged | null): Promise<void> => {
    // A closed prod is a hold: the share stays.
    const next = judged?.next === "hold" ? "bake" : judged?.next;
    // A retry of the round that decided this adds nothing.
    const last = newest?.last?.step === measured.step ? newest.last : undefined;
    if (next !== undefined && next !== "bake" && last?.next === next) return;
    const index = (newest?.index ?? -1) + 1;
    if (judged === null && index >= maxMeasurements) return;
    const { delivery, step, percent, since, startedAt, at, rules, bakeMs, arms, scores } = measured;
    const labels = chooseLabels(measured);
    const { canary, canaryLimits } = rules;
    const { requests } = computeRequiredTraffic(canary, canaryLimits);
    await canaries.addLook(delivery, {
      ...{ index, at, step, percent, since, startedAt },
      judged: judged && {
        verdict: judged.verdict,
        next: next ?? "bake",
        held: judged.held,
        checks: judged.checks
          .slice(0, limits.checks)
          .map((check) => ({ ...check, detail: check.detail.slice(0, limits.detail) })),
      },
      champion: {
        ...measureArm(arms.champion, labels),
        scores: measureScores(arms.champion, scores.champion),
      },
      challenger: {
        ...measureArm(arms.challenger, labels),
        scores: measureScores(arms.challenger, scores.challenger),
      },
      limits: {
        errorPoints: canaryLimits.errorPoints,
        p95Ratio: canaryLimits.latencyP95.ratio,
        p95SlackMs: canaryLimits.latencyP95.slackMs,
        labelSharePoints: canaryLimits.labelSharePoints,
        minSamples: canary.minSamples,
      },
      rule: {
        steps: [...canary.steps],
        bakeSeconds: bakeMs / 1_000,
        atMostSeconds: durationToSeconds(canary.atMost),
        onInconclusive: canary.onInconclusive,
        requiredRequests: Number.isFinite(requests) ? requests : null,
      },
      last: judged
        ? { at, step, next: next ?? "bake", held: judged.held, verdict: judged.verdict }
        : (newest?.last ?? null),
    });
  };
