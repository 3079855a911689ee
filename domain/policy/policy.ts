import * as z from "zod";
import { Duration, SlackUser, seconds } from "../../inference/manifest/manifest.ts";

const points = z.number().min(0).max(100);
const share = z.number().min(0).max(1);

/** How much worse than the champion a challenger may do on live traffic. */
export const CanaryLimits = z.strictObject({
  /** Percentage points by which the share of failed requests may grow. */
  errorPoints: points,
  /** Challenger's p95 over the champion's; within `slackMs` of the champion's it passes whatever the ratio. */
  latencyP95: z.strictObject({ ratio: z.number().min(1), slackMs: z.number().min(0) }),
  /** Percentage points by which the share of any label may move, up or down. */
  labelSharePoints: points,
});
export type CanaryLimits = z.infer<typeof CanaryLimits>;

/** `policy.yaml` at the repository's root: the platform's floor, which a manifest may only tighten. */
export const Policy = z.strictObject({
  approval: z
    .strictObject({
      /** Who may approve at all. */
      approvers: z.array(SlackUser).min(1).max(500),
      /** The least quorum. */
      quorum: z.int().min(1).max(10),
      authorMayApprove: z.boolean(),
      /** The longest time-out. */
      timeout: Duration,
    })
    .refine(({ approvers, quorum }) => new Set(approvers).size >= quorum, {
      path: ["quorum"],
      message: "the quorum is larger than the number of approvers",
    }),
  gates: z.strictObject({
    latencyP95Ms: z.number().positive(),
    imageSizeMb: z.number().positive(),
    vulnerabilities: z.strictObject({ critical: z.int().min(0), high: z.int().min(0) }),
    /** The largest loss against the champion; mae and rmse in the unit of the model's output. */
    notWorseThanChampionBy: z.strictObject({
      accuracy: share.optional(),
      auc: share.optional(),
      mae: z.number().min(0).optional(),
      rmse: z.number().min(0).optional(),
    }),
  }),
  canary: z.strictObject({
    /** Percent: the first step is at most this. */
    firstStep: z.int().min(1).max(99),
    /** The shortest bake. */
    bake: Duration.refine((bake) => seconds(bake) > 0, "a bake takes time"),
    /** The fewest requests to each version before a step can pass. */
    minSamples: z.int().min(1),
    /** The longest a canary may stay inconclusive. */
    atMost: Duration.refine((atMost) => seconds(atMost) > 0, "a canary takes time"),
    limits: CanaryLimits,
  }),
  resources: z.strictObject({
    memoryMb: z.int().min(128).max(10_240),
    timeoutSeconds: z.int().min(1).max(900),
  }),
});
export type Policy = z.infer<typeof Policy>;
