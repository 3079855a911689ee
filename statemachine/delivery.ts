/**
 * The delivery of one model at one commit, as an Amazon States Language definition (JSONPath).
 * `docs/delivery.md` is its drawing. contracts.ts has the input and the output of each state. A state's output is in
 * `$.<StateName>`, a caught error in `$.error`, the outcome in `$.outcome`.
 */

import { retryableErrors } from "./step-errors.ts";

/** Function names of the steps: folders under lambdas/, functions in Terraform, keys of the embedded host. */
export const stepNames = [
  "claim-environment",
  "scan-image",
  "register-model",
  "deploy-model",
  "verify-model",
  "request-approval",
  "shift-traffic",
  "judge-canary",
  "promote-model",
  "move-champion",
  "report-outcome",
  "roll-back",
] as const;
export type StepName = (typeof stepNames)[number];

type Resources = {
  /** The function's ARN, by step. */
  readonly functions: Readonly<Record<StepName, string>>;
  /** Name of the CodeBuild project that builds images. */
  readonly buildProject: string;
};

/** Errors after which another try may succeed: our own that say so, and Lambda's transient ones. */
const transientErrors = [
  ...retryableErrors,
  "Lambda.ServiceException",
  "Lambda.AWSLambdaException",
  "Lambda.SdkClientException",
  "Lambda.TooManyRequestsException",
];
const retry = [
  {
    ErrorEquals: transientErrors,
    IntervalSeconds: 2,
    MaxAttempts: 4,
    BackoffRate: 2,
    JitterStrategy: "FULL" as const,
  },
];
/**
 * The account builds as many images as it may, and as many as may wait do so: another build will end. An hour, because
 * builds of all models may start at once.
 * https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html#API_StartBuild_Errors
 */
const waitForBuildQuota = {
  ErrorEquals: ["CodeBuild.AccountLimitExceededException"],
  IntervalSeconds: 60,
  MaxAttempts: 60,
  BackoffRate: 1,
};
const catchFailure = [
  { ErrorEquals: ["Superseded"], Next: "Superseded", ResultPath: "$.superseded" },
  { ErrorEquals: ["States.ALL"], Next: "Failed", ResultPath: "$.error" },
];

/** Prod closed before the version had any traffic: the delivery waits as for a busy prod, and deploys again. */
const catchClosedProd = [
  { ErrorEquals: ["ProdClosed"], Next: "AwaitProd", ResultPath: "$.prodClosed" },
  ...catchFailure,
];

/** Includes a replay of recorded inputs, which has a shorter limit. */
const judgeSeconds = 120;

const subject = { "delivery.$": "$.delivery", "model.$": "$.model", "commit.$": "$.commit" };
const canaryVersions = {
  "championVersion.$": "$.DeployProd.championVersion",
  "functionVersion.$": "$.DeployProd.functionVersion",
};
/** A canary's step that has baked. */
const bakedCanary = {
  ...canaryVersions,
  "step.$": "$.ShiftTraffic.step",
  "since.$": "$.ShiftTraffic.since",
  waitsWhileClosed: true,
};
const artifact = { "digest.$": "$.RegisterModel.digest", "version.$": "$.RegisterModel.version" };
/** The artefact that the decision names goes to prod; the steps compare it with the stored decision. */
const approvedArtifact = {
  "digest.$": "$.RequestApproval.digest",
  "version.$": "$.RequestApproval.version",
  "approval.$": "$.RequestApproval.approval",
};

/** Ends of a delivery before its commit point: each puts everything back, then reports. */
const endWith = (outcome: string) => ({
  Type: "Pass" as const,
  Result: outcome,
  ResultPath: "$.outcome",
  Next: "RollBack",
});

/** A verdict that stops the delivery becomes the delivery's error. */
const failWithVerdict = (by: "VerifyStage" | "JudgeCanary" | "ResumeCanary") => ({
  Type: "Pass" as const,
  Parameters: { "Error.$": `$.${by}.error.name`, "Cause.$": `$.${by}.error.cause` },
  ResultPath: "$.error",
  Next: "Failed",
});

/**
 * The state machine.
 * @param resources names of the functions and the build project that its tasks call
 */
export const defineDelivery = (resources: Resources) => {
  const step = (name: StepName, parameters: object, seconds: number) => ({
    Type: "Task" as const,
    Resource: resources.functions[name],
    Parameters: { ...subject, ...parameters },
    TimeoutSeconds: seconds,
    Retry: retry,
  });
  /** Waits for a decision by its task token; without one until the timeout the delivery expires. */
  const askApprovers = (
    question: Readonly<Record<string, string>>,
    timeoutSeconds: string,
    otherErrors: typeof catchFailure = [],
  ) => ({
    Type: "Task" as const,
    Resource: "arn:aws:states:::lambda:invoke.waitForTaskToken" as const,
    Parameters: {
      FunctionName: resources.functions["request-approval"],
      Payload: {
        ...subject,
        ...question,
        "taskToken.$": "$$.Task.Token",
        "author.$": "$.author",
        "pusher.$": "$.pusher",
        "timeoutSeconds.$": timeoutSeconds,
      },
    },
    TimeoutSecondsPath: timeoutSeconds,
    Retry: retry,
    Catch: [
      { ErrorEquals: ["States.Timeout"], Next: "Expired", ResultPath: "$.expired" },
      ...otherErrors,
      ...catchFailure,
    ],
  });
  /** Only the listed values continue; any other value ends the delivery, and prod stays as it is. */
  const choice = (variable: string, next: Record<string, string>, otherwise = "NotUnderstood") => ({
    Type: "Choice" as const,
    Choices: Object.entries(next).map(([value, Next]) => ({ Variable: variable, StringEquals: value, Next })),
    Default: otherwise,
  });
  const either = (variable: string, yes: string, no: string) => ({
    Type: "Choice" as const,
    Choices: [
      { Variable: variable, BooleanEquals: true, Next: yes },
      { Variable: variable, BooleanEquals: false, Next: no },
    ],
    Default: "NotUnderstood",
  });

  return {
    Comment: "Slipway: one model at one commit, from its folder to prod",
    StartAt: "ClaimStage",
    States: {
      ClaimStage: {
        ...step(
          "claim-environment",
          {
            environment: "stage",
            "requestedAt.$": "$.requestedAt",
            "pusher.$": "$.pusher",
            "author.$": "$.author",
          },
          300,
        ),
        ResultPath: "$.ClaimStage",
        Catch: catchFailure,
        Next: "BuildImage",
      },
      BuildImage: {
        Type: "Task",
        Resource: "arn:aws:states:::codebuild:startBuild.sync",
        Parameters: {
          ProjectName: resources.buildProject,
          EnvironmentVariablesOverride: [
            { Name: "SLIPWAY_MODEL", "Value.$": "$.model", Type: "PLAINTEXT" },
            { Name: "SLIPWAY_COMMIT", "Value.$": "$.commit", Type: "PLAINTEXT" },
            { Name: "SLIPWAY_RUNTIME", "Value.$": "$.runtime", Type: "PLAINTEXT" },
          ],
        },
        ResultSelector: { "variables.$": "$.Build.ExportedEnvironmentVariables" },
        ResultPath: "$.BuildImage",
        // Longer than the project's limits of the queue and of the build together (terraform/constructs/image-pipeline/).
        TimeoutSeconds: 5_400,
        Retry: [
          waitForBuildQuota,
          {
            ErrorEquals: transientErrors.concat("CodeBuild.CodeBuildException"),
            IntervalSeconds: 5,
            MaxAttempts: 3,
            BackoffRate: 2,
          },
        ],
        Catch: catchFailure,
        Next: "ScanImage",
      },
      ScanImage: {
        ...step("scan-image", { "build.$": "$.BuildImage.variables" }, 60),
        ResultPath: "$.ScanImage",
        Catch: catchFailure,
        Next: "IsScanned",
      },
      IsScanned: choice("$.ScanImage.status", { pending: "AwaitScan", complete: "RegisterModel" }),
      AwaitScan: { Type: "Wait", Seconds: 60, Next: "ScanImage" },
      RegisterModel: {
        ...step(
          "register-model",
          { "build.$": "$.BuildImage.variables", "runtime.$": "$.runtime", "fence.$": "$.ClaimStage.fence" },
          300,
        ),
        ResultPath: "$.RegisterModel",
        Catch: catchFailure,
        Next: "IsNew",
      },
      IsNew: choice("$.RegisterModel.status", { unchanged: "Unchanged", registered: "DeployStage" }),
      DeployStage: {
        ...step("deploy-model", { ...artifact, environment: "stage", "fence.$": "$.ClaimStage.fence" }, 600),
        ResultPath: "$.DeployStage",
        Catch: catchFailure,
        Next: "VerifyStage",
      },
      VerifyStage: {
        ...step(
          "verify-model",
          {
            ...artifact,
            "fence.$": "$.ClaimStage.fence",
            "functionVersion.$": "$.DeployStage.functionVersion",
          },
          900,
        ),
        ResultPath: "$.VerifyStage",
        Catch: catchFailure,
        Next: "IsVerified",
      },
      IsVerified: choice("$.VerifyStage.verdict", {
        fail: "GateMissed",
        pass: "RequestApproval",
        inconclusive: "RequestApproval",
      }),
      GateMissed: failWithVerdict("VerifyStage"),
      RequestApproval: {
        ...askApprovers(
          {
            ...artifact,
            "fence.$": "$.ClaimStage.fence",
            "baseline.$": "$.VerifyStage.baseline",
            "scanChecks.$": "$.ScanImage.checks",
            "scanOmitted.$": "$.ScanImage.omitted",
            "checks.$": "$.VerifyStage.checks",
            "omitted.$": "$.VerifyStage.omitted",
            "comparisons.$": "$.VerifyStage.comparisons",
            "provenance.$": "$.RegisterModel.provenance",
          },
          "$.VerifyStage.approvalTimeoutSeconds",
          // Prod changed after the checks were measured: they compare with the previous champion.
          [{ ErrorEquals: ["ProdChanged"], Next: "VerifyStage", ResultPath: "$.prodChanged" }],
        ),
        ResultPath: "$.RequestApproval",
        Next: "IsApproved",
      },
      IsApproved: choice("$.RequestApproval.status", { rejected: "Rejected", approved: "ClaimProd" }),
      ClaimProd: {
        ...step(
          "claim-environment",
          {
            ...artifact,
            "approval.$": "$.RequestApproval.approval",
            environment: "prod",
            "requestedAt.$": "$.requestedAt",
            "stageFence.$": "$.ClaimStage.fence",
            "baseline.$": "$.RequestApproval.baseline",
            "approvedAt.$": "$.RequestApproval.decidedAt",
            waitsWhileClosed: true,
          },
          60,
        ),
        ResultPath: "$.ClaimProd",
        Catch: catchFailure,
        Next: "IsProdClaimed",
      },
      // Stale: prod changed after the approval was requested, so decision and checks are about another champion.
      // request-approval ends a delivery that repeats this too often.
      IsProdClaimed: choice("$.ClaimProd.status", {
        busy: "AwaitProd",
        held: "AwaitOpening",
        stale: "VerifyStage",
        granted: "DeployProd",
      }),
      AwaitProd: { Type: "Wait", Seconds: 60, Next: "ClaimProd" },
      // A freeze or the hours close prod.
      AwaitOpening: { Type: "Wait", SecondsPath: "$.ClaimProd.waitSeconds", Next: "ClaimProd" },
      DeployProd: {
        ...step(
          "deploy-model",
          { ...approvedArtifact, environment: "prod", "fence.$": "$.ClaimProd.fence" },
          600,
        ),
        ResultPath: "$.DeployProd",
        Catch: catchFailure,
        Next: "NeedsCanary",
      },
      NeedsCanary: either("$.DeployProd.canary", "StartCanary", "PromoteModel"),
      StartCanary: {
        Type: "Pass",
        Result: { step: 0, waitSeconds: 60 },
        ResultPath: "$.JudgeCanary",
        Next: "ShiftTraffic",
      },
      ShiftTraffic: {
        ...step(
          "shift-traffic",
          {
            "fence.$": "$.ClaimProd.fence",
            ...canaryVersions,
            "step.$": "$.JudgeCanary.step",
            waitsWhileClosed: true,
          },
          60,
        ),
        ResultPath: "$.ShiftTraffic",
        Catch: catchClosedProd,
        Next: "Bake",
      },
      // A bake is several rounds, so that people's orders act soon; JudgeCanary judges only at its end. Executions of an
      // older definition wait for the whole bake ($.ShiftTraffic.bakeSeconds) and are judged in each round.
      Bake: { Type: "Wait", SecondsPath: "$.JudgeCanary.waitSeconds", Next: "JudgeCanary" },
      JudgeCanary: {
        ...step("judge-canary", bakedCanary, judgeSeconds),
        ResultPath: "$.JudgeCanary",
        Catch: catchFailure,
        Next: "IsCanarySound",
      },
      IsCanarySound: choice("$.JudgeCanary.next", {
        shift: "ShiftTraffic",
        bake: "Bake",
        promote: "PromoteModel",
        "roll-back": "CanaryStopped",
        ask: "RequestCanaryApproval",
      }),
      CanaryStopped: failWithVerdict("JudgeCanary"),
      // The canary proved nothing until its longest time. Its share of traffic stays while the approvers decide; without
      // a decision it is rolled back.
      RequestCanaryApproval: {
        ...askApprovers(
          {
            "digest.$": "$.RequestApproval.digest",
            "version.$": "$.RequestApproval.version",
            "approval.$": "$.RequestApproval.approval",
            "baseline.$": "$.RequestApproval.baseline",
            "prodFence.$": "$.ClaimProd.fence",
            ...canaryVersions,
            "step.$": "$.ShiftTraffic.step",
            "checks.$": "$.JudgeCanary.checks",
            "omitted.$": "$.JudgeCanary.omitted",
          },
          "$.JudgeCanary.approvalTimeoutSeconds",
        ),
        ResultPath: "$.RequestCanaryApproval",
        Next: "IsCanaryApproved",
      },
      IsCanaryApproved: choice("$.RequestCanaryApproval.status", {
        rejected: "Rejected",
        approved: "ResumeCanary",
      }),
      // Traffic went on while the approvers decided: if it proved the version worse, their decision does not count.
      ResumeCanary: {
        ...step(
          "judge-canary",
          { ...bakedCanary, "canaryApproval.$": "$.RequestCanaryApproval.approval" },
          judgeSeconds,
        ),
        ResultPath: "$.ResumeCanary",
        Catch: catchFailure,
        Next: "IsCanaryResumed",
      },
      // Neither another bake nor another question: each step is asked about once, so every canary ends.
      IsCanaryResumed: choice("$.ResumeCanary.next", {
        shift: "NextCanaryStep",
        promote: "PromoteModel",
        "roll-back": "ResumedCanaryStopped",
        hold: "HoldResumedCanary",
      }),
      // Prod is closed: the share of traffic stays, and only a failed check rolls back.
      HoldResumedCanary: {
        Type: "Wait",
        SecondsPath: "$.ResumeCanary.waitSeconds",
        Next: "ResumeCanary",
      },
      NextCanaryStep: {
        Type: "Pass",
        Parameters: { "step.$": "$.ResumeCanary.step", "waitSeconds.$": "$.ResumeCanary.waitSeconds" },
        ResultPath: "$.JudgeCanary",
        Next: "ShiftTraffic",
      },
      ResumedCanaryStopped: failWithVerdict("ResumeCanary"),
      PromoteModel: {
        ...step(
          "promote-model",
          {
            ...approvedArtifact,
            "fence.$": "$.ClaimProd.fence",
            "stageFence.$": "$.ClaimStage.fence",
            "functionVersion.$": "$.DeployProd.functionVersion",
            "approvedBy.$": "$.RequestApproval.by",
            waitsWhileClosed: true,
          },
          120,
        ),
        ResultPath: "$.PromoteModel",
        Catch: catchClosedProd,
        Next: "Promoted",
      },
      // From here everything only goes forward: sweep-deliveries handles an error.
      Promoted: { Type: "Pass", Result: "promoted", ResultPath: "$.outcome", Next: "MoveChampion" },
      MoveChampion: {
        ...step("move-champion", {}, 120),
        ResultPath: "$.MoveChampion",
        Catch: [{ ErrorEquals: ["States.ALL"], Next: "ReportOutcome", ResultPath: "$.championError" }],
        Next: "ReportOutcome",
      },

      NotUnderstood: {
        Type: "Pass",
        Result: {
          Error: "ContractBroken",
          Cause: "A step returned a result that has no next state, so the delivery stops here.",
        },
        ResultPath: "$.error",
        Next: "Failed",
      },
      Unchanged: endWith("unchanged"),
      Rejected: endWith("rejected"),
      Expired: endWith("expired"),
      Superseded: endWith("superseded"),
      Failed: endWith("failed"),
      RollBack: {
        ...step("roll-back", { "error.$": "$.error" }, 600),
        ResultPath: "$.RollBack",
        Catch: [{ ErrorEquals: ["States.ALL"], Next: "RollBackFailed", ResultPath: "$.rollbackError" }],
        Next: "NameError",
      },
      // The claims stay open, so sweep-deliveries tries again.
      RollBackFailed: {
        Type: "Pass",
        Parameters: {
          committed: false,
          error: { name: "RollBackFailed", "cause.$": "$.rollbackError.Cause" },
          // The reason for the rollback: $.error gets the new name below.
          "original.$": "$.error",
          restored: [],
        },
        ResultPath: "$.RollBack",
        Next: "MarkFailed",
      },
      MarkFailed: { Type: "Pass", Result: "failed", ResultPath: "$.outcome", Next: "NameError" },
      NameError: {
        Type: "Pass",
        InputPath: "$.RollBack.error",
        ResultPath: "$.error",
        Next: "IsCommitted",
      },
      // A promotion whose response was lost, or a person who came too late: the ledger decides.
      IsCommitted: {
        Type: "Choice",
        Choices: [{ Variable: "$.RollBack.committed", BooleanEquals: true, Next: "Promoted" }],
        Default: "ReportOutcome",
      },
      ReportOutcome: {
        ...step("report-outcome", { "outcome.$": "$.outcome", "error.$": "$.error" }, 120),
        ResultPath: "$.ReportOutcome",
        Catch: [{ ErrorEquals: ["States.ALL"], Next: "HasFailed", ResultPath: "$.reportError" }],
        Next: "HasFailed",
      },
      HasFailed: choice(
        "$.outcome",
        {
          promoted: "Delivered",
          rejected: "Delivered",
          expired: "Delivered",
          superseded: "Delivered",
          unchanged: "Delivered",
        },
        "DeliveryFailed",
      ),
      DeliveryFailed: { Type: "Fail", ErrorPath: "$.error.name", CausePath: "$.error.cause" },
      Delivered: { Type: "Succeed" },
    },
  } as const;
};

export type DeliveryDefinition = ReturnType<typeof defineDelivery>;
export type StateName = keyof DeliveryDefinition["States"];
