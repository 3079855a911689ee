import * as z from "zod";
import {
  Approver,
  Duration,
  durationToSeconds,
  isUserGroup,
  OnInconclusive,
} from "#model-folder/manifest/manifest.ts";
import { ChangeRule } from "#model-folder/manifest/prod-hours.ts";
import { ArtifactRules, noArtifactAddresses } from "#platform/artifact-rules/artifact-rules.ts";

const points = z.number().min(0).max(100);
const share = z.number().min(0).max(1);

/** How much worse than the champion a challenger may be on live traffic. */
export const CanaryLimits = z.strictObject({
  /** Percentage points by which the error rate may be higher. */
  errorPoints: points,
  /** Ratio of the p95 latencies, challenger to champion. Within `slackMs` of the champion any ratio passes. */
  latencyP95: z.strictObject({ ratio: z.number().min(1), slackMs: z.number().min(0) }),
  /** Percentage points by which the share of a label may shift, up or down. */
  labelSharePoints: points,
});
export type CanaryLimits = z.infer<typeof CanaryLimits>;

/** The fields of `policy.yaml`. strictest-policy.ts says which value of each is stricter. */
export const PolicyFields = z.strictObject({
  approval: z.strictObject({
    /** Slack ids of everybody who may approve: users, and user groups. */
    approvers: z.array(Approver).max(500),
    /** The lowest quorum. */
    quorum: z.int().min(1).max(10),
    /** Whether a contributor may approve. `true` only counts in the platform's copy. */
    authorMayApprove: z.boolean(),
    /** The longest timeout. */
    timeout: Duration,
  }),
  gates: z.strictObject({
    latencyP95Ms: z.number().positive(),
    imageSizeMb: z.number().positive(),
    vulnerabilities: z.strictObject({ critical: z.int().min(0), high: z.int().min(0) }),
    /** The largest loss against the champion. mae, rmse and pinball in the unit of the model's output. */
    notWorseThanChampionBy: z
      .strictObject({
        accuracy: share.optional(),
        auc: share.optional(),
        mae: z.number().min(0).optional(),
        rmse: z.number().min(0).optional(),
        f1: share.optional(),
        f1Micro: share.optional(),
        f1Macro: share.optional(),
        ndcg: share.optional(),
        pinball: z.number().min(0).optional(),
        coverage: share.optional(),
      })
      .default({}),
  }),
  canary: z.strictObject({
    /** Percent: the first step is at most this. */
    firstStep: z.int().min(1).max(99),
    /** The shortest bake. */
    bake: Duration.refine((bake) => durationToSeconds(bake) > 0, "a bake takes time"),
    /** The fewest requests to each version before a step may pass. */
    minSamples: z.int().min(1),
    /** The longest a canary may stay inconclusive. */
    atMost: Duration.refine((atMost) => durationToSeconds(atMost) > 0, "a canary takes time"),
    /** The loosest rule for a canary without a verdict; absent: as the manifest says. */
    onInconclusive: OnInconclusive.optional(),
    limits: CanaryLimits,
  }),
  /** When deliveries may change prod; absent: always. Hours of a manifest hold too: prod is open while all are. */
  changes: ChangeRule.optional(),
  resources: z.strictObject({
    memoryMb: z.int().min(128).max(10_240),
    timeoutSeconds: z.int().min(1).max(900),
    /** Whether models may keep snapshots, which cost by the hour; absent: they may not. */
    snapStart: z.boolean().optional(),
  }),
  /** Where artefacts outside the repository may be read from; absent: nowhere, also in a commit's policy.yaml. */
  artifacts: ArtifactRules.default(noArtifactAddresses),
  /** How much of a request a prediction record may keep; absent: as the manifest says. */
  records: z
    .strictObject({ inputs: z.enum(["full", "hashed", "none"]), ttlDays: z.int().min(1).max(3_650) })
    .optional(),
});
export type Policy = z.infer<typeof PolicyFields>;

/**
 * A floor that manifests may only tighten: the platform's copy in the store, and a commit's `policy.yaml`, which may only
 * tighten the platform's copy.
 */
export const Policy = PolicyFields.superRefine(({ approval: { approvers, quorum } }, context) => {
  if (new Set(approvers).size < quorum && !approvers.some(isUserGroup))
    context.addIssue({
      code: "custom",
      path: ["approval", "quorum"],
      message: "the quorum is larger than the number of approvers",
    });
});
