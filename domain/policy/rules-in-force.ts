import { findOpening } from "#domain/changes/find-opening.ts";
import { ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import {
  listMeasurableScores,
  type ScoreName,
  taskScores,
} from "#model-folder/manifest/list-measurable-scores.ts";
import {
  type ApprovalRule,
  type CanaryRule,
  durationToSeconds,
  isUserGroup,
  type Manifest,
} from "#model-folder/manifest/manifest.ts";
import type { ArtifactRules } from "#platform/artifact-rules/artifact-rules.ts";
import { compareManifests } from "./compare-manifests.ts";
import type { CanaryLimits, Policy } from "./policy.ts";
import { computeStrictestPolicy, onInconclusive, policyRules } from "./strictest-policy.ts";
import { isLooser } from "./strictness.ts";

/** At least `min` or at most `max`; a coverage has both. */
export type ScoreInForce = {
  readonly min?: number;
  readonly max?: number;
  readonly notWorseThanChampionBy?: number;
};

export type GatesInForce = Readonly<Partial<Record<ScoreName, ScoreInForce>>> & {
  readonly latencyP95Ms: number;
  readonly imageSizeMb: number;
  readonly vulnerabilities: { readonly critical: number; readonly high: number };
};

export type ApprovalInForce = ApprovalRule & {
  /**
   * With user groups, `approvers` are the manifest's, and only those count who are also in each of these lists of the
   * policies: who that is, Slack knows (`resolveApprovers`). Absent without groups: `approvers` are the users who may.
   */
  readonly within?: readonly (readonly string[])[];
};

export type RulesInForce = {
  readonly gates: GatesInForce;
  readonly approval: ApprovalInForce;
  readonly canary: CanaryRule;
  readonly canaryLimits: CanaryLimits;
  /** Hours in which prod may change: while all are open. */
  readonly prodHours: readonly string[];
  readonly resources: Manifest["resources"];
  readonly artifacts: ArtifactRules;
  /** What the challenger's manifest loosens against the champion's, one line each: first in the message. */
  readonly loosened: readonly string[];
  /** What it tightens. */
  readonly changed: readonly string[];
};

const pickShortest = (durations: readonly string[]) =>
  durations.toSorted((a, b) => durationToSeconds(a) - durationToSeconds(b))[0] ?? "";
const pickLongest = (durations: readonly string[]) =>
  durations.toSorted((a, b) => durationToSeconds(b) - durationToSeconds(a))[0] ?? "";
const defined = <T>(values: readonly (T | undefined)[]): T[] => values.filter((value) => value !== undefined);

/** The strictest of all bounds; undefined where no manifest and no policy sets one. */
const combineScores = (
  score: ScoreName,
  floor: Policy,
  manifests: readonly Manifest[],
): ScoreInForce | undefined => {
  const scoreGates: readonly ScoreInForce[] = defined(manifests.map(({ gates }) => gates[score]));
  const mins = defined(scoreGates.map(({ min }) => min));
  const maxs = defined(scoreGates.map(({ max }) => max));
  const losses = defined([
    floor.gates.notWorseThanChampionBy[score],
    ...scoreGates.map(({ notWorseThanChampionBy }) => notWorseThanChampionBy),
  ]);
  const bounds = {
    ...(mins.length > 0 ? { min: Math.max(...mins) } : {}),
    ...(maxs.length > 0 ? { max: Math.min(...maxs) } : {}),
    ...(losses.length > 0 ? { notWorseThanChampionBy: Math.min(...losses) } : {}),
  };
  return Object.keys(bounds).length > 0 ? bounds : undefined;
};

const hasPositive = (manifest: Manifest) =>
  manifest.task === "anomaly" ||
  (manifest.task === "classification" && manifest.output.positive !== undefined);

const combineGates = (floor: Policy, manifests: readonly Manifest[], challenger: Manifest): GatesInForce => {
  const all = [floor.gates, ...manifests.map(({ gates }) => gates)];
  const pickLowest = (read: (gates: (typeof all)[number]) => number) => Math.min(...all.map(read));
  // The floor applies to every measurable score, also if the manifest has no gate for it.
  const own = listMeasurableScores(challenger);
  const scores: readonly ScoreName[] = taskScores[challenger.task];
  const measurable = scores.filter((score) =>
    // A challenger avoids no gate by another output: it cannot drop its positive label, or its quantiles.
    score === "auc"
      ? manifests.some((manifest) => hasPositive(manifest) || manifest.gates.auc)
      : own.includes(score) || manifests.some(({ gates }) => gates[score]),
  );
  const bounds = measurable.map((score) => [score, combineScores(score, floor, manifests)] as const);
  return {
    ...Object.fromEntries(bounds.filter(([, bound]) => bound !== undefined)),
    latencyP95Ms: pickLowest(({ latencyP95Ms }) => latencyP95Ms),
    imageSizeMb: pickLowest(({ imageSizeMb }) => imageSizeMb),
    vulnerabilities: {
      critical: pickLowest(({ vulnerabilities }) => vulnerabilities.critical),
      high: pickLowest(({ vulnerabilities }) => vulnerabilities.high),
    },
  };
};

/**
 * With a champion, the approvers of the champion's manifest decide. So a commit cannot name its own approvers, and a team
 * replaces an approver with the approval of the old ones.
 */
const combineApprovals = (
  floor: Policy,
  manifests: readonly Manifest[],
  named: Manifest,
  challenger: Manifest,
  policies: readonly Policy[],
): ApprovalInForce => {
  const rules = [floor.approval, ...manifests.map(({ approval }) => approval)];
  const quorum = Math.max(...rules.map((rule) => rule.quorum));
  const rest = {
    quorum,
    authorMayApprove: rules.every((rule) => rule.authorMayApprove),
    timeout: pickShortest(rules.map((rule) => rule.timeout)),
  };
  const within = policies.map(({ approval }) => approval.approvers);
  if ([named.approval.approvers, ...within].flat().some(isUserGroup))
    return { ...rest, approvers: [...new Set(named.approval.approvers)], within };
  const approvers = [...new Set(named.approval.approvers)].filter((user) =>
    floor.approval.approvers.includes(user),
  );
  if (approvers.length < quorum) {
    const whose = named === challenger ? "the manifest" : "the champion's manifest";
    const message = `nobody could approve ${challenger.name}: ${quorum} approval${quorum === 1 ? "" : "s"} required, but of the approvers in ${whose} (${named.approval.approvers.join(", ")}) the platform's policy allows ${approvers.length === 0 ? "none" : approvers.join(", ")}`;
    const remedy =
      "Name approvers that the platform's copy of the policy (`slipway policy show`) and policy.yaml both allow, or ask the platform team to allow these.";
    throw new ManifestInvalid([
      { severity: "error", file: "model.yaml", path: "approval.approvers", message, remedy },
    ]);
  }
  return { ...rest, approvers };
};

/** A canary stops at every step of either manifest. */
const combineCanaries = (floor: Policy, manifests: readonly Manifest[]): CanaryRule => {
  const rules = manifests.map(({ canary }) => canary);
  const steps = [...new Set(rules.flatMap(({ steps }) => steps))].toSorted((a, b) => a - b);
  const first = floor.canary.firstStep;
  return {
    steps: (steps[0] ?? 100) > first ? [first, ...steps] : steps,
    bake: pickLongest([floor.canary.bake, ...rules.map(({ bake }) => bake)]),
    minSamples: Math.max(floor.canary.minSamples, ...rules.map(({ minSamples }) => minSamples)),
    onInconclusive:
      onInconclusive.find((rule) =>
        [floor.canary, ...rules].some((canary) => canary.onInconclusive === rule),
      ) ?? "roll-back",
    atMost: pickShortest([floor.canary.atMost, ...rules.map(({ atMost }) => atMost)]),
  };
};

/** A winter's and a summer's Monday: hours in several time zones may meet in one half of the year alone. */
export const sampleMondays = [Date.UTC(2026, 0, 5), Date.UTC(2026, 6, 6)];

/** Prod is open while all hours are. Throws ManifestInvalid where they never are. */
const combineHours = (
  floor: Policy,
  manifests: readonly Manifest[],
  challenger: Manifest,
): readonly string[] => {
  const hours = [...new Set([floor, ...manifests].flatMap(({ changes }) => changes?.prodHours ?? []))];
  if (sampleMondays.some((from) => findOpening(hours, from) !== undefined)) return hours;
  throw new ManifestInvalid([
    {
      severity: "error",
      file: "model.yaml",
      path: "changes.prodHours",
      message: `prod of ${challenger.name} would never open: ${hours.join("; ")}`,
      remedy:
        "Choose hours that overlap with those of the platform's policy (`slipway policy show`) and of the version on prod.",
    },
  ]);
};

/** The function follows only its manifest, so a manifest that records too much is refused. */
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
        message: `${name} records more than the platform's policy allows: ${records[rule]} (limit ${floor.records[rule]})`,
        remedy: `Write ${floor.records[rule]}, or ask the platform team to allow more.`,
      },
    ]);
  }
};

/**
 * The rules of a delivery: for each rule the strictest value of the platform's copy, the commit's `policy.yaml`, the
 * champion's manifest and the challenger's. Whoever changes a model also commits its manifest, so what the challenger's
 * manifest loosens only applies to the next delivery, and never below the platform's copy. Approvers are those of the
 * champion's manifest (the challenger's for a first version) that the floor allows. Throws ManifestInvalid where they are
 * fewer than the quorum, or where the function would record more than the platform allows.
 * @param platform the platform's copy of the policy
 * @param committed the commit's `policy.yaml`; undefined: none
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
    approval: combineApprovals(floor, manifests, champion ?? challenger, challenger, [
      platform,
      ...(committed ? [committed] : []),
    ]),
    canary: combineCanaries(floor, manifests),
    canaryLimits: floor.canary.limits,
    prodHours: combineHours(floor, manifests, challenger),
    // A new version may need more resources, up to the floor.
    resources: {
      memoryMb: Math.min(floor.resources.memoryMb, challenger.resources.memoryMb),
      timeoutSeconds: Math.min(floor.resources.timeoutSeconds, challenger.resources.timeoutSeconds),
      ...(floor.resources.snapStart === true && challenger.resources.snapStart === true
        ? { snapStart: true }
        : {}),
    },
    artifacts: floor.artifacts,
    loosened,
    changed: tightened,
  };
};
