/** Every error that a delivery can end with, and what to do about it. */
export const remedies = {
  ManifestInvalid: "Run `slipway check models/<name>`: it shows the line and the mistake.",
  ModelUnreadable:
    "Run `slipway check models/<name>`: the ONNX file is broken, not allowed, or does not match its manifest.",
  ModelFilesRefused: "Keep only plain files in the model's folder (no links, no submodules; limit 512 MB).",
  ArtifactMissing:
    "Push the Git LFS object, put the file at its address, or correct `artifact` in model.yaml.",
  ArtifactDiffers: "Compare the artefact's `sha256sum` with the pointer or with `artifact` in model.yaml.",
  ArtifactRefused: "The platform team allows buckets and hosts in `artifacts` of policy.yaml.",
  ArtifactUnreachable: "Deliver again when the artefact's host answers.",
  ArtifactTooLarge:
    "Export a smaller model, or ask the platform team to raise artifacts.maxBytes in the policy.",
  LfsUnavailable: "Commit the file itself, or name its address and SHA-256 as `artifact` in model.yaml.",
  ImageBuildFailed: "Read the build's log. `slipway image models/<name>` runs the same build locally.",
  ImageScanFailed:
    "Update the packages that the findings name, or raise the limit in the manifest as far as the platform's policy allows.",
  QuorumOutOfReach:
    "Too few approvers may decide. Add approvers to policy and manifest, or map the identities, addresses or domains that the cause names (`slipway policy apply`, docs/approval.md). A team of one sets authorMayApprove: true in the platform's copy of the policy and in the manifest.",
  GateFailed:
    "Train the model further: the failed checks show by how much it misses the gates of its manifest. Then commit it.",
  GoldenVectorsDiffer:
    "The deployed model predicts differently than at training. Export it again with the same versions, and commit the model and golden.json together.",
  CanaryFailed:
    "Find out from the canary's checks why the new version did worse on live traffic, and commit a better one. Prod serves the previous version.",
  CanaryAborted:
    "A person ended the canary: read in the cause who and why, then deliver again when the reason is gone. Prod serves the previous version.",
  ProdBusy:
    "Another delivery held prod for too long, or prod kept changing. See `slipway status`, then deliver again.",
  ApprovalMismatch:
    "The delivery would have changed prod without an approval for exactly this version. Prod is unchanged. Inform the platform team, then deliver again.",
  CommitNotFound: "The commit is no longer in the repository: push it again, then deliver it.",
  PolicyInvalid:
    "The cause names the invalid policy.yaml, or the reason why the platform's copy is invalid. The platform team owns both.",
  PolicyMissing:
    "The platform team writes its copy of the policy with `slipway init aws --domain <domain>` (on one machine: the next `npm start`). Then deliver again.",
  ImageDamaged: "The stored image differs from the built one: deliver again to rebuild it.",
  ImageNotFound: "The image is gone: deliver again to rebuild it.",
  ProvenanceMissing:
    "The image has no provenance: deliver again to rebuild it. Only a rollback may use an image from before provenance existed.",
  ProvenanceRefused:
    "The provenance was changed, or signed with another key. Find out who can write to it, then deliver again.",
  ProvenanceDiffers:
    "The image was not built from this commit by the current builder: see the cause. Deliver again. If the error returns, find out who can push images.",
  ImageTagTaken:
    "Another image has this version's release- tag, which never moves. Compare both in the image repository, then deliver again with a new version.",
  ModelVersionNotFound: "The registry lost a version of this model: deliver again to register it.",
  NotServed: "The model has no function: deliver again to create it.",
  FunctionBusy: "The model's function has too many requests: deliver again when there are fewer.",
  FunctionFailed: "The model's function does not respond: the cause has its last output.",
  RowsRefused:
    "The deployed model refused rows of its own folder: compare holdout.csv with the inputs in model.yaml.",
  ItemTooLarge: "A report is too large for the store: shorten the model's lists, or report a bug in Slipway.",
  CipherRefused: "A stored secret is not readable: check the platform's key, then deliver again.",
  TemporaryFault: "A service did not respond, even after retries: the cause names it. Deliver again.",
  RevisionConflict:
    "Another writer kept changing the same environment. See `slipway status`, then deliver again.",
  PermissionMissing:
    "Slipway's role or its Slack app lacks a permission: the cause names it. For a role the platform team applies the stacks again.",
  NoSuchBucket:
    "A bucket for artefacts or reports does not exist: the platform team applies the stacks again.",
  RoleNotAssumed:
    "Slipway may not assume its role in an environment. Run `slipway doctor`; the stack of that environment names who may.",
  SecretMissing: "A secret has no value: run the command in the cause, then deliver again.",
  GitHubRefused:
    "GitHub refuses the token or does not know the repository: check the secret GITHUB_TOKEN and SOURCE_REPOSITORY.",
  DataFolderUnusable:
    "A disk is full or not writable: the cause names the folder. On AWS, raise the function's ephemeral storage. Then deliver again.",
  MlflowRefused: "MLflow refuses the call: see the cause. `slipway doctor` checks MLflow's configuration.",
  ArtifactsOutOfReach:
    "Slipway cannot write to MLflow's artefact store: set an artefact root in S3 or --artifacts-destination.",
  EnvironmentIncomplete:
    "A function lacks environment variables: apply the stack `delivery` of this version, then deliver again.",
  ContractBroken: "Two parts of Slipway do not fit together: this is a bug in Slipway, please report it.",
  RollBackFailed: "An environment could not be restored: run `slipway rollback <model>` and read the cause.",
  Interrupted: "The delivery was stopped before its commit point. Everything is restored; deliver again.",
  "CodeBuild.AccountLimitExceededException":
    'CodeBuild had no free build for an hour. Raise its quota "Concurrently running builds" in Service Quotas (AWS CodeBuild), then deliver again.',
  "Engine.Timeout": "A state exceeded its time limit: find out which one, then deliver again.",
  "Engine.Permissions": "Slipway's role lacks a permission: the cause names it. The platform team grants it.",
  "Engine.TaskFailed": "A step failed with an unnamed error: see the cause.",
  "Engine.Runtime": "The state machine could not read its data: this is a bug in Slipway, please report it.",
} as const satisfies Record<string, string>;

/** What to do about each failed check of a GateFailed, whose cause lists them: `latency p95: …; accuracy: …`. */
const gateRemedies: readonly (readonly [RegExp, string])[] = [
  [/^smoke$/, "Run `slipway serve models/<name>`: the deployed model did not answer rows of its own folder."],
  [
    /^(accuracy|auc|mae|rmse|f1|f1Micro|f1Macro|ndcg|pinball|coverage|holdout)( vs champion)?$/,
    remedies.GateFailed,
  ],
  [
    /^latency p95$/,
    "Make the model faster (smaller, or quantized), or give it more memory (resources.memoryMb in model.yaml, as far as the platform's policy allows).",
  ],
  [/^image size$/, "Make the model's files smaller, for example by quantized weights."],
  [
    /^input schema$/,
    "Keep the inputs and outputs of the version on prod: only new, optional inputs are compatible. Otherwise deliver it as a model with another name.",
  ],
];

const findGateRemedy = (cause: string): string | undefined => {
  const failed = [...cause.matchAll(/(?:^|; )([a-zA-Z0-9 ]+): /g)].map(([, name = ""]) => name);
  const found = gateRemedies.filter(([check]) => failed.some((name) => check.test(name)));
  return found.length === 0 ? undefined : found.map(([, remedy]) => remedy).join(" ");
};

/** What to do about an error. @param cause says which checks failed */
export const findRemedy = (name: string, cause = ""): string =>
  (name === "GateFailed" ? findGateRemedy(cause) : undefined) ??
  Object.entries(remedies).find(([known]) => known === name)?.[1] ??
  "Read the cause. `slipway status` shows where the delivery stopped. It is safe to deliver again.";
