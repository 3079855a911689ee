/**
 * What goes into each state of a delivery and what comes out of it. Steps parse their input with these
 * schemas, the engine's data is nothing else, and the definition in delivery.ts names no other field.
 */
import * as z from "zod";
import { ModelName } from "#model-folder/manifest/manifest.ts";

export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "a digest is sha256: and 64 hex digits");
export const CommitId = z.string().regex(/^[0-9a-f]{40}$/, "a commit is 40 hex digits");
export const EnvironmentName = z.enum(["stage", "prod"]);

/** Every way a delivery ends. */
export const Outcome = z.enum(["promoted", "rejected", "expired", "superseded", "unchanged", "failed"]);
export type Outcome = z.infer<typeof Outcome>;

/** Every error that a delivery can end with, and what a person does about it. */
export const remedies = {
  ManifestInvalid: "Run `slipway check models/<name>`: it names the line and the mistake.",
  ModelUnreadable:
    "Run `slipway check models/<name>`: the ONNX file is broken, refused, or does not match its manifest.",
  ModelFilesRefused: "Keep plain files only in the model's folder (no links, no submodules), at most 512 MB.",
  ImageBuildFailed: "Read the build's log; `slipway image models/<name>` runs the same build here.",
  ImageScanFailed:
    "Update the packages that the findings name, or raise the manifest's limit within the platform's floor.",
  QuorumOutOfReach:
    "Too few approvers may answer: add approvers to policy and manifest, or map the identities, addresses or domains that the cause names (`slipway policy apply`, docs/approval.md). A team of one sets authorMayApprove: true in the platform's copy of the policy and in the manifest.",
  GateFailed: "The model did not meet a gate of its manifest: the failed checks say by how much.",
  GoldenVectorsDiffer:
    "The deployed model answers otherwise than at training: export again with the same versions and commit model and golden.json together.",
  CanaryFailed:
    "The new version did worse on live traffic: the canary's checks say in what. Prod serves the version before.",
  ProdBusy:
    "Another delivery held prod for too long, or prod kept changing: see `slipway status`, then deliver again.",
  ApprovalMismatch:
    "What was to go to prod is not what was approved; prod was not changed. Tell the platform team, then deliver again.",
  CommitNotFound: "The commit is not in the repository any more: push it again, then deliver it.",
  PolicyInvalid:
    "The cause names the policy.yaml that cannot be read, or says why the platform's copy does not count. The platform team owns both.",
  PolicyMissing:
    "The platform team writes its copy of the policy with `slipway init aws` (on one machine the next `npm start` does), then deliver again.",
  ImageDamaged: "The image does not read back as it was built: deliver again to build it anew.",
  ImageNotFound: "The image that was built is gone: deliver again to build it.",
  ProvenanceMissing:
    "Nothing says how this image was built: deliver again to build it anew. Images from before provenance was kept are for a rollback alone.",
  ProvenanceRefused:
    "Someone changed what the builder signed, or it was signed by another key: deliver again, and find out who can write to the provenance.",
  ProvenanceDiffers:
    "The image was not built from this commit by the builder in force: the cause says what differs. Deliver again; where it returns, find out who can push images.",
  ImageTagTaken:
    "Another image bears this version's release- tag, which never moves: look at both in the image repository and deliver again, under a version of its own.",
  ModelVersionNotFound: "The registry lost a version of this model: deliver again to register it.",
  NotServed: "The function of this model is not there: deliver again; it is made anew.",
  FunctionBusy:
    "More requests wait for the model's function than it takes: deliver again when there are fewer.",
  FunctionFailed: "The model's function does not answer: the cause has its last words.",
  RowsRefused:
    "The deployed model refused rows of its own folder: compare holdout.csv with model.yaml's inputs.",
  ItemTooLarge:
    "A report is larger than the store takes: shorten the model's lists, or report a fault of Slipway.",
  CipherRefused: "A stored secret cannot be read: check the key that the platform uses, then deliver again.",
  TemporaryFault: "A service did not answer, also when asked again: the cause says which; deliver again.",
  RevisionConflict:
    "Someone else kept changing the same environment: see `slipway status`, then deliver again.",
  PermissionMissing:
    "Slipway's own role lacks a right: the cause names call and resource. The platform team applies the stacks again.",
  NoSuchBucket:
    "A bucket that artefacts or reports go to is not there: the platform team applies the stacks again.",
  RoleNotAssumed:
    "An environment does not let Slipway in: run `slipway doctor`; the stack of that environment names who may.",
  SecretMissing: "A secret has no value: the cause has the command that puts it there, then deliver again.",
  GitHubRefused:
    "GitHub refuses the token or does not know the repository: see the secret GITHUB_TOKEN and SOURCE_REPOSITORY.",
  MlflowRefused:
    "MLflow refuses the call: the cause has its words; `slipway doctor` says whether it is as it must be.",
  ArtifactsOutOfReach:
    "MLflow keeps artefacts where Slipway cannot write: give it an artefact root in S3 or --artifacts-destination.",
  EnvironmentIncomplete:
    "A function lacks variables: apply the stack `delivery` from this version, then deliver again.",
  ContractBroken: "Two parts of Slipway disagree: this is a fault of Slipway, please report it.",
  RollBackFailed: "An environment could not be put back: run `slipway rollback <model>` and read the cause.",
  Interrupted:
    "The delivery was stopped before its commit point: everything is back as it was; deliver again.",
  "Engine.Timeout": "A state took longer than its limit: see which one, then deliver again.",
  "Engine.Permissions": "Slipway's own role lacks a right: the cause names it. The platform team grants it.",
  "Engine.TaskFailed": "A step failed without a name of its own: the cause says why.",
  "Engine.Runtime":
    "The state machine met data it cannot read: this is a fault of Slipway, please report it.",
} as const satisfies Record<string, string>;
export type ErrorName = keyof typeof remedies;

export const Verdict = z.enum(["pass", "fail", "inconclusive"]);
export type Verdict = z.infer<typeof Verdict>;

/** One measured result of one gate. */
export const Check = z.object({
  name: z.string(),
  verdict: Verdict,
  measured: z.number().nullable(),
  limit: z.number().nullable(),
  unit: z.string(),
  /** One sentence for the approver: intervals, counts, why it is inconclusive or was omitted. */
  detail: z.string(),
});
export type Check = z.infer<typeof Check>;

/** What every step is told: which delivery, of which model, at which commit. */
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
  /** Who pushed, as the host authenticated them; null where it did not. */
  pusher: z.string().nullable(),
  author: z.object({ name: z.string(), email: z.string() }),
  /** When the push was received, epoch milliseconds: the later request supersedes the earlier. */
  requestedAt: z.int(),
  /** Where a caught fault will lie: the definition's Choices test only fields that always exist. */
  error: z.null(),
});
export type DeliveryInput = z.infer<typeof DeliveryInput>;

const Fence = z.int().positive();
/** Seconds that a state waits: longer ones overflow the timers of Node, on which the embedded engine runs. */
const WaitSeconds = z.int().positive().max(2_147_483);

export const ClaimStageInput = Subject.extend({
  environment: z.literal("stage"),
  requestedAt: z.int(),
  pusher: z.string().nullable(),
});
export const ClaimProdInput = Subject.extend({
  environment: z.literal("prod"),
  requestedAt: z.int(),
  stageFence: Fence,
  /** Sequence of the ledger entry that prod served when the question was asked; 0: nothing. */
  baseline: z.int().min(0),
  /** When the approval was decided, epoch milliseconds: the wait for prod ends 6 h later. */
  approvedAt: z.int(),
  /** The approval, and what is going to prod by it. */
  approval: z.string(),
  digest: Digest,
  version: z.int().positive(),
});
export const ClaimInput = z.discriminatedUnion("environment", [ClaimStageInput, ClaimProdInput]);
export type ClaimInput = z.infer<typeof ClaimInput>;
export const Claim = z.discriminatedUnion("status", [
  z.object({ status: z.literal("granted"), fence: Fence }),
  z.object({ status: z.literal("busy"), holder: z.string() }),
  z.object({ status: z.literal("stale"), serving: z.int().min(0) }),
]);
export type Claim = z.infer<typeof Claim>;
/** Stage is always granted: an older delivery that holds it is superseded. */
export const StageClaim = Claim.options[0];

/** CodeBuild's form of what a build exports: `Build.ExportedEnvironmentVariables`. */
export const ExportedVariables = z.array(z.object({ Name: z.string(), Value: z.string() }));
/** What those variables say, read by each step that needs it. */
export const BuiltImage = z.object({
  digest: Digest,
  sizeBytes: z.int().positive(),
  buildId: z.string(),
  /** Epoch milliseconds: the scan's deadline counts from here. */
  builtAt: z.int(),
});
export type BuiltImage = z.infer<typeof BuiltImage>;

export const ScanImageInput = Subject.extend({ build: ExportedVariables });
export type ScanImageInput = z.infer<typeof ScanImageInput>;
export const ScanImageOutput = z.discriminatedUnion("status", [
  z.object({ status: z.literal("pending") }),
  z.object({
    status: z.literal("complete"),
    verdict: z.enum(["pass", "inconclusive"]),
    checks: z.array(Check),
  }),
]);
export type ScanImageOutput = z.infer<typeof ScanImageOutput>;

export const RegisterModelInput = Subject.extend({ fence: Fence, build: ExportedVariables, runtime: Digest });
export type RegisterModelInput = z.infer<typeof RegisterModelInput>;
/** What was verified of how an image was built. */
export const Provenance = z.object({
  /** Digest of the builder's own code. */
  builder: Digest,
  builderId: z.string(),
  commit: CommitId,
  buildId: z.string(),
  /** The key whose signature holds. */
  keyId: z.string(),
});
export type Provenance = z.infer<typeof Provenance>;

export const RegisterModelOutput = z.object({
  /** unchanged: the champion is this very image and model. */
  status: z.enum(["registered", "unchanged"]),
  version: z.int().positive(),
  digest: Digest,
  /** Null where this world keeps no provenance. */
  provenance: Provenance.nullable(),
});
export type RegisterModelOutput = z.infer<typeof RegisterModelOutput>;

const Deploy = Subject.extend({ fence: Fence, digest: Digest, version: z.int().positive() });
export const DeployStageInput = Deploy.extend({ environment: z.literal("stage") });
/** Prod gets nothing without the approval of this very image and version. */
export const DeployProdInput = Deploy.extend({ environment: z.literal("prod"), approval: z.string() });
export const DeployModelInput = z.discriminatedUnion("environment", [DeployStageInput, DeployProdInput]);
export type DeployModelInput = z.infer<typeof DeployModelInput>;
export const DeployModelOutput = z.object({
  functionVersion: z.string(),
  url: z.string(),
  /** The function version that served before, which a canary is compared with. */
  championVersion: z.string().nullable(),
  /** False where there is nothing to compare with: a model's first version. */
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
  /** Set with verdict `fail`: what the delivery ends with, and the failed checks in a sentence. */
  error: z.object({ name: z.enum(["GateFailed", "GoldenVectorsDiffer"]), cause: z.string() }).nullable(),
  checks: z.array(Check),
  /** Sequence of the ledger entry that prod served, against which all was measured; 0: nothing. */
  baseline: z.int().min(0),
  /** What could not be measured, and why: the approver is shown this too. */
  omitted: z.array(z.object({ name: z.string(), why: z.string() })),
  /** How long the approval may take: the state's time-out. */
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
  /** Sequence of the ledger entry that the checks were measured against; 0: nothing. */
  baseline: z.int().min(0),
  scanChecks: z.array(Check),
  checks: z.array(Check),
  omitted: z.array(z.object({ name: z.string(), why: z.string() })),
  timeoutSeconds: z.int().positive(),
  /** Null where nothing was verified. */
  provenance: Provenance.nullable().default(null),
});
export type RequestApprovalInput = z.infer<typeof RequestApprovalInput>;
export const ApprovalDecision = z.object({
  status: z.enum(["approved", "rejected"]),
  by: z.array(z.object({ user: z.string(), name: z.string(), at: z.string() })),
  reason: z.string().nullable(),
  approval: z.string(),
  /** Epoch milliseconds. */
  decidedAt: z.int(),
  baseline: z.int().min(0),
  /** The image and registry version that were approved: nothing else may be deployed or promoted. */
  digest: Digest,
  version: z.int().positive(),
});
export type ApprovalDecision = z.infer<typeof ApprovalDecision>;

export const ShiftTrafficInput = Subject.extend({
  fence: Fence,
  championVersion: z.string(),
  functionVersion: z.string(),
  /** Index into the canary steps in force. */
  step: z.int().min(0),
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
});
export type JudgeCanaryInput = z.infer<typeof JudgeCanaryInput>;
export const JudgeCanaryOutput = z.object({
  verdict: Verdict,
  /** What the machine does now: `shift` to step `step`, `bake` once more, `promote`, or `roll-back`. */
  next: z.enum(["shift", "bake", "promote", "roll-back"]),
  step: z.int().min(0),
  checks: z.array(Check),
  error: z.object({ name: z.literal("CanaryFailed"), cause: z.string() }).nullable(),
});
export type JudgeCanaryOutput = z.infer<typeof JudgeCanaryOutput>;

export const PromoteModelInput = Subject.extend({
  fence: Fence,
  stageFence: Fence,
  digest: Digest,
  version: z.int().positive(),
  functionVersion: z.string(),
  approval: z.string(),
  /** Who said yes, for the ledger and the registry. */
  approvedBy: ApprovalDecision.shape.by,
});
export type PromoteModelInput = z.infer<typeof PromoteModelInput>;
export const PromoteModelOutput = z.object({ sequence: z.int().positive(), promotedAt: z.string() });
export type PromoteModelOutput = z.infer<typeof PromoteModelOutput>;

export const MoveChampionInput = Subject;
export const MoveChampionOutput = z.object({
  champion: z.int().positive(),
  previous: z.int().positive().nullable(),
});
export type MoveChampionOutput = z.infer<typeof MoveChampionOutput>;

/** A fault as the engine hands it to Catch. */
export const CaughtError = z.object({ Error: z.string(), Cause: z.string().default("") });
export const RollBackInput = Subject.extend({ error: CaughtError.nullable() });
export type RollBackInput = z.infer<typeof RollBackInput>;
export const RollBackOutput = z.object({
  /** True: the ledger says that this delivery was promoted, so there is no way back, only forward. */
  committed: z.boolean(),
  /** The original fault under the name that a person reads; null where none led here. */
  error: z.object({ name: z.string(), cause: z.string() }).nullable(),
  restored: z.array(
    z.object({
      environment: EnvironmentName,
      /** kept: a newer delivery has the environment, which is its to look after. */
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
