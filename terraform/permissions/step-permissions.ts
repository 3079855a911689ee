import { allowReadParameters } from "./allow-read-parameters.ts";
import { mergeStatements } from "./merge-statements.ts";
import { policyPartitions } from "./policy-operator-permissions.ts";
import { allow, allowAny, type Statement } from "./statement.ts";

/** Resources that functions in tooling use; ARNs except `region` and `secret`. */
type StepResources = {
  readonly region: string;
  readonly table: string;
  /** ARN of the table's stream. */
  readonly stream: string;
  /** ARN of the bus of Slipway's events. */
  readonly eventBus: string;
  /** Returns the parameter's ARN of a secret. */
  readonly secret: (name: string) => string;
  /** The account's key, which encrypts parameters. */
  readonly key: string;
  /** The key of task tokens. */
  readonly tokens: string;
  /** The signing key of builds. */
  readonly signer: string;
  /** The bucket with the images' provenance. */
  readonly provenance: string;
  /** The bucket with the anchors of the audit trails. */
  readonly audit: string;
  readonly stateMachine: string;
  readonly executions: string;
  readonly imageRepository: string;
  /** Returns the ARN of a function in tooling. */
  readonly functionArn: (name: string) => string;
  /** CodeCommit's repository, or GitHub, with its token in the secrets. */
  readonly source:
    | { readonly host: "codecommit"; readonly repository: string }
    | {
        readonly host: "github";
        /** The secret under which deliveries are reported there; absent: they are not. */
        readonly reportSecret?: "GITHUB_APP_KEY" | "GITHUB_REPORT_TOKEN" | undefined;
      };
  /** MLflow's API behind IAM, and its artefacts; each absent for an existing MLflow without it. */
  readonly registry: { readonly api?: string | undefined; readonly artifacts?: string | undefined };
  readonly role: (environment: "stage" | "prod", caller: string) => string;
};

const tableReadActions = ["dynamodb:GetItem", "dynamodb:Query"];
const tableWriteAction = "dynamodb:UpdateItem";
/** The functions that complete waiting tasks: the only roles of the platform that may decrypt task tokens. */
export const taskTokenFunctions = [
  "answer-approval",
  "claim-environment",
  "request-approval",
  "sweep-deliveries",
] as const;
/** The functions that record the audit trails and anchor them. */
const auditFunctions = ["answer-approval", "sweep-deliveries"];
/** Partitions of the audit trails in the deliveries' table; domain/audit/audit-entry.ts defines them. */
const auditPartitions = ["audit*"];
/** All actions that change items. */
const tableChangeActions = ["UpdateItem", "PutItem", "DeleteItem", "BatchWriteItem"].map(
  (name) => `dynamodb:${name}`,
);

/**
 * The permissions of each function in tooling: exactly the calls that its code makes. Add an entry for each new folder
 * under lambdas/. constructs/lambda-function has the permissions for logs, traces and dead letters;
 * environment-permissions.ts those in the environments' accounts.
 */
export const createStepPermissions = (
  resources: StepResources,
): Readonly<Record<string, readonly Statement[]>> => {
  const table = (...actions: readonly string[]) => allow(actions, [resources.table]);
  const secrets = (...names: readonly string[]): readonly Statement[] =>
    names.length === 0 ? [] : allowReadParameters(names.map(resources.secret), resources);
  const slack = secrets("SLACK_BOT_TOKEN");
  /** Reads commits and folders. */
  const source = (...more: readonly string[]): readonly Statement[] =>
    resources.source.host === "github"
      ? secrets("GITHUB_TOKEN")
      : [
          allow(
            ["GetCommit", "GetFolder", ...more].map((name) => `codecommit:${name}`),
            [resources.source.repository],
          ),
        ];
  const modelFiles = source("GetBlob");
  /** Reads commits with their changes, to find the contributors. */
  const history = source("GetBlob", "GetDifferences", "BatchGetCommits");
  const registry =
    resources.registry.api === undefined
      ? []
      : [allow(["execute-api:Invoke"], [`${resources.registry.api}/*`])];
  const artifacts =
    resources.registry.artifacts === undefined
      ? []
      : [
          allow(["s3:GetObject", "s3:PutObject"], [`${resources.registry.artifacts}/*`]),
          // Without it, a missing object is AccessDenied instead of NoSuchKey.
          allow(["s3:ListBucket"], [resources.registry.artifacts.replace(/\/.*/, "")]),
        ];
  /** Reads and verifies provenance; only the build may sign. */
  const provenance: readonly Statement[] = [
    allow(["s3:GetObject"], [`${resources.provenance}/provenance/*`]),
    // Without it, a missing object is AccessDenied instead of NoSuchKey.
    allow(["s3:ListBucket"], [resources.provenance]),
    allow(["kms:Verify"], [resources.signer]),
  ];
  /** Reads the artefacts that builds kept. */
  const keptArtifacts = allow(["s3:GetObject"], [`${resources.provenance}/artefacts/sha256/*`]);
  /** Adds a tag to an image: puts its manifest again with another tag. */
  const tagImage = allow(["ecr:BatchGetImage", "ecr:PutImage"], [resources.imageRepository]);
  const assume = (caller: string, ...environments: readonly ("stage" | "prod")[]) =>
    allow(
      ["sts:AssumeRole"],
      environments.map((environment) => resources.role(environment, caller)),
    );
  /** domain/approval/approvals.ts binds each token to its purpose. */
  const token = (action: string) =>
    allow([action], [resources.tokens], { StringEquals: { "kms:EncryptionContext:purpose": "task-token" } });
  /** Completes tasks; the history shows whether a result with a lost response arrived. */
  const completeTask = (
    ...calls: readonly ("SendTaskSuccess" | "SendTaskFailure")[]
  ): readonly Statement[] => [
    token("kms:Decrypt"),
    allowAny(
      "TaskTokensNameNoResource",
      calls.map((call) => `states:${call}`),
    ),
    allow(["states:GetExecutionHistory"], [resources.executions]),
  ];

  /** Puts anchors, which the bucket's default retention locks; nobody's step reads or removes them. */
  const anchors = allow(["s3:PutObject"], [`${resources.audit}/audit/*`]);

  const functions: Readonly<Record<string, readonly Statement[]>> = {
    "answer-approval": [
      table(...tableReadActions, tableWriteAction),
      anchors,
      ...completeTask("SendTaskSuccess"),
      ...secrets("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_SIGNING_SECRET_PREVIOUS"),
      // Itself alone, and no other role may: what Slack does not wait for runs in an invocation of its own.
      allow(["lambda:InvokeFunction"], [resources.functionArn("answer-approval")]),
    ],
    "claim-environment": [
      table(...tableReadActions, tableWriteAction),
      ...completeTask("SendTaskFailure"),
      ...history,
      ...slack,
    ],
    "deploy-model": [
      table(...tableReadActions, tableWriteAction),
      ...modelFiles,
      ...provenance,
      assume("deploy-model", "stage", "prod"),
    ],
    "judge-canary": [
      table(...tableReadActions, tableWriteAction),
      ...modelFiles,
      ...slack,
      assume("judge-canary", "prod"),
    ],
    "move-champion": [table(...tableReadActions, tableWriteAction), ...registry, tagImage],
    notify: [...slack],
    "promote-model": [
      table(...tableReadActions, tableWriteAction),
      ...modelFiles,
      ...slack,
      assume("promote-model", "prod"),
    ],
    "publish-events": [
      // Removes an event from the outbox once the bus has accepted it.
      table("dynamodb:Query", "dynamodb:DeleteItem"),
      allow(["events:PutEvents"], [resources.eventBus]),
      // Lambda reads the table's stream under the function's role.
      // https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
      allow(
        ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"].map((name) => `dynamodb:${name}`),
        [resources.stream],
      ),
    ],
    "register-model": [
      table(...tableReadActions),
      ...modelFiles,
      ...provenance,
      keptArtifacts,
      ...registry,
      ...artifacts,
    ],
    "report-source": [
      table(...tableReadActions, tableWriteAction, "dynamodb:DeleteItem"),
      ...(resources.source.host === "github" && resources.source.reportSecret
        ? secrets(resources.source.reportSecret)
        : []),
    ],
    "report-outcome": [table(...tableReadActions, tableWriteAction), ...slack],
    "request-approval": [
      table(...tableReadActions, tableWriteAction),
      token("kms:Encrypt"),
      ...completeTask("SendTaskSuccess"),
      ...history,
      ...slack,
    ],
    "roll-back": [
      table(...tableReadActions, tableWriteAction),
      ...modelFiles,
      ...provenance,
      ...registry,
      assume("roll-back", "stage", "prod"),
    ],
    "scan-image": [
      table(...tableReadActions),
      ...modelFiles,
      allow(["ecr:DescribeImageScanFindings"], [resources.imageRepository]),
    ],
    "shift-traffic": [
      table(...tableReadActions, tableWriteAction),
      ...modelFiles,
      ...slack,
      assume("shift-traffic", "prod"),
    ],
    // Reads alone: whoever takes over this function, which everybody reaches, changes nothing.
    "show-console": [
      table(...tableReadActions),
      allow(["states:DescribeExecution", "states:GetExecutionHistory"], [resources.executions]),
      // The names of anchors hold all of them: it reads no object.
      allow(["s3:ListBucketVersions"], [resources.audit], { StringLike: { "s3:prefix": "audit/*" } }),
      ...secrets(
        "SLACK_BOT_TOKEN",
        "SLACK_CLIENT_SECRET",
        "CONSOLE_SESSION_KEY",
        "CONSOLE_SESSION_KEY_PREVIOUS",
      ),
      assume("show-console", "prod"),
    ],
    "start-delivery": [
      // Records who pushed which commits.
      table(tableWriteAction),
      ...source("GetDifferences"),
      allow(["states:StartExecution"], [resources.stateMachine]),
      // Finds out whether a start with a lost response was its own.
      allow(["states:DescribeExecution"], [resources.executions]),
    ],
    "sweep-deliveries": [
      // Deletes the note of a message once Slack has accepted it, and of a drift that is gone.
      table(...tableReadActions, tableWriteAction, "dynamodb:DeleteItem"),
      anchors,
      ...completeTask("SendTaskSuccess", "SendTaskFailure"),
      allow(["states:DescribeExecution"], [resources.executions]),
      allow(["states:ListExecutions"], [resources.stateMachine]),
      ...modelFiles,
      ...provenance,
      ...registry,
      ...slack,
      tagImage,
      assume("sweep-deliveries", "stage", "prod"),
    ],
    "verify-model": [
      table(...tableReadActions),
      ...modelFiles,
      allow(["ecr:DescribeImages"], [resources.imageRepository]),
      assume("verify-model", "stage", "prod"),
    ],
    "watch-models": [table(...tableReadActions), assume("watch-models", "stage", "prod")],
  };
  const denyWrites = (Sid: string, Action: readonly string[], partitions: readonly string[]): Statement => ({
    Sid,
    Effect: "Deny",
    Action,
    Resource: [resources.table],
    Condition: { "ForAnyValue:StringLike": { "dynamodb:LeadingKeys": partitions } },
  });
  /** Only operators may write the platform's policy (permissions/policy-operator-permissions.ts). */
  const denyPolicyWrites = denyWrites("ThePolicyIsTheOperators", tableChangeActions, policyPartitions);
  /** Who records a trail cannot remove an entry; no other function writes to it at all. */
  const denyAuditWrites = (name: string, allowed: readonly string[]) => {
    if (!auditFunctions.includes(name))
      return [denyWrites("TheAuditTrailIsItsRecorders", tableChangeActions, auditPartitions)];
    const removals = tableChangeActions.filter((action) => action !== tableWriteAction);
    return removals.some((action) => allowed.includes(action))
      ? [denyWrites("TheAuditTrailOnlyGrows", removals, auditPartitions)]
      : [];
  };
  return Object.fromEntries(
    Object.entries(functions).map(([name, statements]) => {
      const allowed = statements.flatMap(({ Action }) => [Action].flat());
      const writes = tableChangeActions.some((action) => allowed.includes(action));
      const denied = writes ? [denyPolicyWrites, ...denyAuditWrites(name, allowed)] : [];
      return [name, mergeStatements([...statements, ...denied])];
    }),
  );
};
