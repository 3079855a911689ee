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

/** What a person does about an error, also about one that no list foresaw. */
export const findRemedy = (name: string): string =>
  Object.entries(remedies).find(([known]) => known === name)?.[1] ??
  "Read the cause; `slipway status` shows where the delivery stopped, and delivering again is safe.";
