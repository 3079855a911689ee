import { ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import {
  type ApprovalRule,
  type CanaryRule,
  durationToSeconds,
  type Manifest,
} from "#model-folder/manifest/manifest.ts";
import { compareManifests } from "./compare-manifests.ts";
import type { CanaryLimits, Policy } from "./policy.ts";
import { computeStrictestPolicy, policyRules } from "./strictest-policy.ts";
import { isLooser } from "./strictness.ts";

/** Bounds of one score: at least `min` (accuracy, auc) or at most `max` (mae, rmse), where a manifest sets one. */
export type ScoreInForce = {
  readonly min?: number;
  readonly max?: number;
  readonly notWorseThanChampionBy?: number;
};

export type GatesInForce = {
  readonly accuracy?: ScoreInForce;
  readonly auc?: ScoreInForce;
  readonly mae?: ScoreInForce;
  readonly rmse?: ScoreInForce;
  readonly latencyP95Ms: number;
  readonly imageSizeMb: number;
  readonly vulnerabilities: { readonly critical: number; readonly high: number };
};

export type RulesInForce = {
  readonly gates: GatesInForce;
  readonly approval: ApprovalRule;
  readonly canary: CanaryRule;
  readonly canaryLimits: CanaryLimits;
  readonly resources: Manifest["resources"];
  /** What the challenger's manifest allows that the champion's did not, a sentence each: the message's first line. */
  readonly loosened: readonly string[];
  /** What it changes besides. */
  readonly changed: readonly string[];
};

const pickShortest = (durations: readonly string[]) =>
  durations.toSorted((a, b) => durationToSeconds(a) - durationToSeconds(b))[0] ?? "";
const pickLongest = (durations: readonly string[]) =>
  durations.toSorted((a, b) => durationToSeconds(b) - durationToSeconds(a))[0] ?? "";
const defined = <T>(values: readonly (T | undefined)[]): T[] => values.filter((value) => value !== undefined);

const scores = { classification: ["accuracy", "auc"], regression: ["mae", "rmse"] } as const;
type Score = (typeof scores)[keyof typeof scores][number];

/** Each bound that anyone sets, at its strictest; undefined where nobody sets one. */
const combineScores = (
  score: Score,
  floor: Policy,
  manifests: readonly Manifest[],
): ScoreInForce | undefined => {
  const set: readonly ScoreInForce[] = defined(manifests.map(({ gates }) => gates[score]));
  const mins = defined(set.map(({ min }) => min));
  const maxs = defined(set.map(({ max }) => max));
  const losses = defined([
    floor.gates.notWorseThanChampionBy[score],
    ...set.map(({ notWorseThanChampionBy }) => notWorseThanChampionBy),
  ]);
  const bounds = {
    ...(mins.length > 0 ? { min: Math.max(...mins) } : {}),
    ...(maxs.length > 0 ? { max: Math.min(...maxs) } : {}),
    ...(losses.length > 0 ? { notWorseThanChampionBy: Math.min(...losses) } : {}),
  };
  return Object.keys(bounds).length > 0 ? bounds : undefined;
};

const hasPositive = (manifest: Manifest) =>
  manifest.task === "classification" && manifest.output.positive !== undefined;

const combineGates = (floor: Policy, manifests: readonly Manifest[], challenger: Manifest): GatesInForce => {
  const all = [floor.gates, ...manifests.map(({ gates }) => gates)];
  const least = (of: (gates: (typeof all)[number]) => number) => Math.min(...all.map(of));
  // The floor holds for every score that can be measured, so that a manifest without a gate escapes nothing.
  const measurable = scores[challenger.task].filter(
    // A challenger that drops its positive label is still asked for the score that it hides.
    (score) => score !== "auc" || manifests.some((each) => hasPositive(each) || each.gates.auc),
  );
  const bounds = measurable.map((score) => [score, combineScores(score, floor, manifests)] as const);
  return {
    ...Object.fromEntries(bounds.filter(([, bound]) => bound !== undefined)),
    latencyP95Ms: least(({ latencyP95Ms }) => latencyP95Ms),
    imageSizeMb: least(({ imageSizeMb }) => imageSizeMb),
    vulnerabilities: {
      critical: least(({ vulnerabilities }) => vulnerabilities.critical),
      high: least(({ vulnerabilities }) => vulnerabilities.high),
    },
  };
};

/**
 * Who approves is not the challenger's to say once there is a champion: its manifest's approvers decide, so a
 * commit cannot appoint its own judges, and a team replaces an approver by having the old ones approve it.
 */
const combineApprovals = (
  floor: Policy,
  manifests: readonly Manifest[],
  named: Manifest,
  challenger: Manifest,
): ApprovalRule => {
  const rules = [floor.approval, ...manifests.map(({ approval }) => approval)];
  const quorum = Math.max(...rules.map((rule) => rule.quorum));
  const approvers = [...new Set(named.approval.approvers)].filter((user) =>
    floor.approval.approvers.includes(user),
  );
  if (approvers.length < quorum) {
    const whose = named === challenger ? "the manifest" : "the champion's manifest";
    const message = `${challenger.name} could never be approved: ${quorum} approval${quorum === 1 ? " is" : "s are"} needed, and of the approvers that ${whose} names (${named.approval.approvers.join(", ")}) the platform's policy allows ${approvers.length === 0 ? "none" : approvers.join(", ")}`;
    const remedy =
      "Name approvers that the platform's copy of the policy (`slipway policy show`) and policy.yaml both allow, or ask the platform team to allow these.";
    throw new ManifestInvalid([
      { severity: "error", file: "model.yaml", path: "approval.approvers", message, remedy },
    ]);
  }
  return {
    approvers,
    quorum,
    authorMayApprove: rules.every((rule) => rule.authorMayApprove),
    timeout: pickShortest(rules.map((rule) => rule.timeout)),
  };
};

/** Every stop that anyone asks for: a canary waits wherever one of the manifests would have waited. */
const combineCanaries = (floor: Policy, manifests: readonly Manifest[]): CanaryRule => {
  const rules = manifests.map(({ canary }) => canary);
  const stops = [...new Set(rules.flatMap(({ steps }) => steps))].toSorted((a, b) => a - b);
  const first = floor.canary.firstStep;
  return {
    steps: (stops[0] ?? 100) > first ? [first, ...stops] : stops,
    bake: pickLongest([floor.canary.bake, ...rules.map(({ bake }) => bake)]),
    minSamples: Math.max(floor.canary.minSamples, ...rules.map(({ minSamples }) => minSamples)),
    onInconclusive: rules.some(({ onInconclusive }) => onInconclusive === "roll-back")
      ? "roll-back"
      : "extend",
    atMost: pickShortest([floor.canary.atMost, ...rules.map(({ atMost }) => atMost)]),
  };
};

/** What a model's function records is what its own manifest says, so one that keeps too much is refused. */
const assertRecordLimits = (floor: Policy, { name, records }: Manifest): void => {
  if (floor.records === undefined) return;
  for (const rule of ["inputs", "ttlDays"] as const) {
    const table = policyRules.get(`records.${rule}`);
    if (table === undefined || !isLooser(table, records[rule], floor.records[rule])) continue;
    throw new ManifestInvalid([
      {
        severity: "error",
        file: "model.yaml",
        path: `records.${rule}`,
        message: `${name} would record more than the platform's policy allows: ${records[rule]}, at most ${floor.records[rule]} is allowed`,
        remedy: `Write ${floor.records[rule]}, or ask the platform team to allow more.`,
      },
    ]);
  }
};

/**
 * The rules that a delivery is held to: each at the strictest of the platform's copy, the commit's `policy.yaml`, the
 * champion's manifest and the challenger's, because whoever changes a model also commits its manifest. What the
 * challenger's manifest loosens is in force from the delivery after this one, and never below the platform's copy.
 * Approvers are those of the champion's manifest (the challenger's for a first version) whom the floor allows.
 * Throws ManifestInvalid, with a sentence, when those are fewer than the quorum, or when the model's function would
 * record more than the platform allows.
 * @param platform the platform's copy of the policy
 * @param committed the commit's `policy.yaml`, which can only tighten the platform's copy; undefined: it has none
 */
export const computeRulesInForce = ({
  platform,
  committed,
  champion,
  challenger,
}: {
  readonly platform: Policy;
  readonly committed?: Policy | undefined;
  readonly champion?: Manifest | undefined;
  readonly challenger: Manifest;
}): RulesInForce => {
  const floor = computeStrictestPolicy(platform, committed);
  assertRecordLimits(floor, challenger);
  const manifests = champion ? [champion, challenger] : [challenger];
  const { loosened, tightened } = compareManifests({ champion, challenger });
  return {
    gates: combineGates(floor, manifests, challenger),
    approval: combineApprovals(floor, manifests, champion ?? challenger, challenger),
    canary: combineCanaries(floor, manifests),
    canaryLimits: floor.canary.limits,
    // What a model needs may grow with the model, up to the floor.
    resources: {
      memoryMb: Math.min(floor.resources.memoryMb, challenger.resources.memoryMb),
      timeoutSeconds: Math.min(floor.resources.timeoutSeconds, challenger.resources.timeoutSeconds),
    },
    loosened,
    changed: tightened,
  };
};
