/**
 * The input and the output of each state of a delivery. Steps parse their input with these schemas, the engine's data
 * is nothing else, and the definition in delivery.ts names no other field.
 */
import * as z from "zod";
import { ApprovalDecision } from "#domain/approval/decision.ts";
import { Outcome } from "#domain/delivery/outcomes.ts";
import { ExportedVariables } from "#domain/delivery/parse-built-image.ts";
import { CaughtError } from "#domain/delivery/parse-caught-error.ts";
import { Comparison } from "#domain/gates/comparison.ts";
import { Check, Omission, Verdict } from "#domain/gates/verdict.ts";
import { Provenance } from "#domain/provenance/verified-provenance.ts";
import { ModelName } from "#model-folder/manifest/manifest.ts";
import { Digest } from "#platform/images/images.ts";
import { EnvironmentName } from "#platform/serving/serving.ts";
import { CommitId } from "#platform/source/source.ts";

/** The input of every step: the delivery, its model and its commit. */
export const Subject = z.object({
  /** The execution's name. */
  delivery: z.string().regex(/^[A-Za-z0-9_-]{1,80}$/),
  model: ModelName,
  commit: CommitId,
});
export type Subject = z.infer<typeof Subject>;

/** The state machine's input. */
export const DeliveryInput = Subject.extend({
  /** Content hash of the runtime layer. */
  runtime: Digest,
  /** Who pushed, as the host authenticated them; null if it did not. */
  pusher: z.string().nullable(),
  author: z.object({ name: z.string(), email: z.string() }),
  /** When the push was received, epoch milliseconds: the later request supersedes the earlier. */
  requestedAt: z.int(),
  /** A caught error is stored here: the definition's Choices test only fields that always exist. */
  error: z.null(),
});
export type DeliveryInput = z.infer<typeof DeliveryInput>;

const Fence = z.int().positive();
/** Seconds that a state waits: longer waits overflow the timers of Node, on which the embedded engine runs. */
const WaitSeconds = z.int().positive().max(2_147_483);

export const ClaimStageInput = Subject.extend({
  environment: z.literal("stage"),
  requestedAt: z.int(),
  pusher: z.string().nullable(),
  /** Absent in executions that began under an older definition. */
  author: z.object({ name: z.string(), email: z.string() }).optional(),
});
/** Absent in executions that began under an older definition, which has no state that waits for prod to open. */
const waitsWhileClosed = { waitsWhileClosed: z.literal(true).optional() };
export const ClaimProdInput = Subject.extend({
  environment: z.literal("prod"),
  requestedAt: z.int(),
  stageFence: Fence,
  /** Sequence of the ledger entry that prod served when the approval was requested; 0: nothing. */
  baseline: z.int().min(0),
  /** When the approval was decided, epoch milliseconds: the wait for prod ends 6 h later. */
  approvedAt: z.int(),
  /** The approval, and the approved artefact. */
  approval: z.string(),
  digest: Digest,
  version: z.int().positive(),
  ...waitsWhileClosed,
});
export const ClaimInput = z.discriminatedUnion("environment", [ClaimStageInput, ClaimProdInput]);
export type ClaimInput = z.infer<typeof ClaimInput>;
export const Claim = z.discriminatedUnion("status", [
  z.object({ status: z.literal("granted"), fence: Fence }),
  z.object({ status: z.literal("busy"), holder: z.string() }),
  z.object({ status: z.literal("stale"), serving: z.int().min(0) }),
  /** A freeze or the hours close prod. `until`: epoch milliseconds; null: it never opens. */
  z.object({
    status: z.literal("held"),
    until: z.int().nullable(),
    why: z.string(),
    waitSeconds: WaitSeconds,
  }),
]);
export type Claim = z.infer<typeof Claim>;
/** Stage is always granted: an older delivery that holds it is superseded. */
export const StageClaim = Claim.options[0];

export const ScanImageInput = Subject.extend({ build: ExportedVariables });
export type ScanImageInput = z.infer<typeof ScanImageInput>;
export const ScanImageOutput = z.discriminatedUnion("status", [
  z.object({ status: z.literal("pending") }),
  z.object({
    status: z.literal("complete"),
    verdict: z.enum(["pass", "inconclusive"]),
    checks: z.array(Check),
    omitted: z.array(Omission),
  }),
]);
export type ScanImageOutput = z.infer<typeof ScanImageOutput>;

export const RegisterModelInput = Subject.extend({ fence: Fence, build: ExportedVariables, runtime: Digest });
export type RegisterModelInput = z.infer<typeof RegisterModelInput>;
export const RegisterModelOutput = z.object({
  /** unchanged: the champion is exactly this image and model. */
  status: z.enum(["registered", "unchanged"]),
  version: z.int().positive(),
  digest: Digest,
  /** Null if this world keeps no provenance. */
  provenance: Provenance.nullable(),
});
export type RegisterModelOutput = z.infer<typeof RegisterModelOutput>;

const DeployInput = Subject.extend({ fence: Fence, digest: Digest, version: z.int().positive() });
export const DeployStageInput = DeployInput.extend({ environment: z.literal("stage") });
/** Prod gets nothing without the approval of exactly this image and version. */
export const DeployProdInput = DeployInput.extend({ environment: z.literal("prod"), approval: z.string() });
export const DeployModelInput = z.discriminatedUnion("environment", [DeployStageInput, DeployProdInput]);
export type DeployModelInput = z.infer<typeof DeployModelInput>;
export const DeployModelOutput = z.object({
  functionVersion: z.string(),
  url: z.string(),
  /** The function version that served before, to compare a canary with. */
  championVersion: z.string().nullable(),
  /** False without a version to compare with: a model's first version. */
  canary: z.boolean(),
});
export type DeployModelOutput = z.infer<typeof DeployModelOutput>;

export const VerifyModelInput = Subject.extend({
  fence: Fence,
  digest: Digest,
  version: z.int().positive(),
  functionVersion: z.string(),
});
export type VerifyModelInput = z.infer<typeof VerifyModelInput>;
export const VerifyModelOutput = z.object({
  verdict: Verdict,
  /** Set with verdict `fail`: the delivery's error, with the failed checks in its message. */
  error: z.object({ name: z.enum(["GateFailed", "GoldenVectorsDiffer"]), cause: z.string() }).nullable(),
  checks: z.array(Check),
  /** Sequence of the ledger entry of prod with which the checks compared; 0: nothing. */
  baseline: z.int().min(0),
  /** What could not be measured, and why: the approver sees this too. */
  omitted: z.array(Omission),
  /** What the approver's table shows. */
  comparisons: z.array(Comparison),
  /** How long the approval may take: the state's timeout. */
  approvalTimeoutSeconds: WaitSeconds,
});
export type VerifyModelOutput = z.infer<typeof VerifyModelOutput>;

export const RequestApprovalInput = Subject.extend({
  taskToken: z.string().min(1).max(2_048),
  fence: Fence,
  digest: Digest,
  version: z.int().positive(),
  author: z.object({ name: z.string(), email: z.string() }),
  pusher: z.string().nullable(),
  /** Sequence of the ledger entry of prod with which the checks compared; 0: nothing. */
  baseline: z.int().min(0),
  scanChecks: z.array(Check),
  checks: z.array(Check),
  omitted: z.array(Omission),
  /** These two are absent in executions that began under an older definition. */
  scanOmitted: z.array(Omission).optional(),
  comparisons: z.array(Comparison).optional(),
  timeoutSeconds: z.int().positive(),
  /** Null if nothing was verified. */
  provenance: Provenance.nullable().default(null),
});
export type RequestApprovalInput = z.infer<typeof RequestApprovalInput>;
export const ShiftTrafficInput = Subject.extend({
  fence: Fence,
  championVersion: z.string(),
  functionVersion: z.string(),
  /** Index into the canary steps in force. */
  step: z.int().min(0),
  ...waitsWhileClosed,
});
export type ShiftTrafficInput = z.infer<typeof ShiftTrafficInput>;
export const ShiftTrafficOutput = z.object({
  step: z.int().min(0),
  /** Percent of the traffic. */
  share: z.int().min(1).max(99),
  /** When this share began, epoch milliseconds. */
  since: z.int(),
  bakeSeconds: WaitSeconds,
});
export type ShiftTrafficOutput = z.infer<typeof ShiftTrafficOutput>;

export const JudgeCanaryInput = Subject.extend({
  championVersion: z.string(),
  functionVersion: z.string(),
  step: z.int().min(0),
  /** When this share began, epoch milliseconds. */
  since: z.int(),
  ...waitsWhileClosed,
});
export type JudgeCanaryInput = z.infer<typeof JudgeCanaryInput>;
export const PromoteModelInput = Subject.extend({
  fence: Fence,
  stageFence: Fence,
  digest: Digest,
  version: z.int().positive(),
  functionVersion: z.string(),
  approval: z.string(),
  /** Who approved, for the ledger and the registry. */
  approvedBy: ApprovalDecision.shape.by,
  ...waitsWhileClosed,
});
export type PromoteModelInput = z.infer<typeof PromoteModelInput>;
export const PromoteModelOutput = z.object({ sequence: z.int().positive(), promotedAt: z.string() });
export type PromoteModelOutput = z.infer<typeof PromoteModelOutput>;

export const MoveChampionInput = Subject;
export type MoveChampionInput = z.infer<typeof MoveChampionInput>;
export const MoveChampionOutput = z.object({
  champion: z.int().positive(),
  previous: z.int().positive().nullable(),
});
export type MoveChampionOutput = z.infer<typeof MoveChampionOutput>;

export const RollBackInput = Subject.extend({ error: CaughtError.nullable() });
export type RollBackInput = z.infer<typeof RollBackInput>;
export const RollBackOutput = z.object({
  /** True: the ledger says that this delivery was promoted, so it can only go forward. */
  committed: z.boolean(),
  /** The original error under the name that people read; null if there was none. */
  error: z.object({ name: z.string(), cause: z.string() }).nullable(),
  restored: z.array(
    z.object({
      environment: EnvironmentName,
      /** kept: a newer delivery has the environment, and that delivery handles it. */
      result: z.enum(["restored", "untouched", "kept", "emptied"]),
      serves: z.string().nullable(),
    }),
  ),
});
export type RollBackOutput = z.infer<typeof RollBackOutput>;

export const ReportOutcomeInput = Subject.extend({
  outcome: Outcome,
  error: z.object({ name: z.string(), cause: z.string() }).nullable(),
});
export type ReportOutcomeInput = z.infer<typeof ReportOutcomeInput>;
export const ReportOutcomeOutput = z.object({ outcome: Outcome, reportedAt: z.string() });
export type ReportOutcomeOutput = z.infer<typeof ReportOutcomeOutput>;
