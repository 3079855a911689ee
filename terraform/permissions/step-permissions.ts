import { allowReadParameters } from "./allow-read-parameters.ts";
import { mergeStatements } from "./merge-statements.ts";
import { policyPartitions } from "./operator-permissions.ts";
import { allow, allowAny, type Statement } from "./statement.ts";

/** Where the functions of tooling's account find what they call; ARNs but for `region` and `secret`. */
type StepResources = {
  readonly region: string;
  readonly table: string;
  /** The parameter of a secret. */
  readonly secret: (name: string) => string;
  /** The account's key, under which parameters lie. */
  readonly key: string;
  /** The key of task tokens. */
  readonly tokens: string;
  /** The key that builds sign under. */
  readonly signer: string;
  /** The bucket that keeps how images were built. */
  readonly provenance: string;
  readonly stateMachine: string;
  readonly executions: string;
  readonly imageRepository: string;
  /** CodeCommit's repository, or GitHub by the token among the secrets. */
  readonly source: { readonly host: "codecommit"; readonly repository: string } | { readonly host: "github" };
  /** The MLflow behind IAM and its artefacts; each absent where it is somebody else's. */
  readonly registry: { readonly api?: string | undefined; readonly artifacts?: string | undefined };
  readonly role: (environment: "stage" | "prod", caller: string) => string;
};

const tableReadActions = ["dynamodb:GetItem", "dynamodb:Query"];
const tableWriteAction = "dynamodb:UpdateItem";
/** The functions that send an answer to a waiting task, which alone of the platform's roles may read its token. */
export const taskTokenFunctions = [
  "answer-approval",
  "claim-environment",
  "request-approval",
  "sweep-deliveries",
] as const;
/** Every call that changes an item. */
const tableChangeActions = ["UpdateItem", "PutItem", "DeleteItem", "BatchWriteItem"].map(
  (name) => `dynamodb:${name}`,
);

/**
 * What each function of tooling's account may do: the calls that its code makes, and no others. A new folder under
 * lambdas/ needs its entry here. What AWS itself does in a function's name (log lines, traces, its dead letters) is in
 * constructs/step-function; what steps do in the environments' accounts is in environment-permissions.ts.
 */
export const createStepPermissions = (at: StepResources): Readonly<Record<string, readonly Statement[]>> => {
  const table = (...actions: readonly string[]) => allow(actions, [at.table]);
  const secrets = (...names: readonly string[]): readonly Statement[] =>
    names.length === 0 ? [] : allowReadParameters(names.map(at.secret), at);
  const slack = secrets("SLACK_BOT_TOKEN");
  /** A commit, and where files are read, its folders and blobs. */
  const source = (...more: readonly string[]): readonly Statement[] =>
    at.source.host === "github"
      ? secrets("GITHUB_TOKEN")
      : [
          allow(
            ["GetCommit", "GetFolder", ...more].map((name) => `codecommit:${name}`),
            [at.source.repository],
          ),
        ];
  const modelFiles = source("GetBlob");
  /** Commits with what they change: who made it. */
  const history = source("GetBlob", "GetDifferences", "BatchGetCommits");
  const registry =
    at.registry.api === undefined ? [] : [allow(["execute-api:Invoke"], [`${at.registry.api}/*`])];
  const artifacts =
    at.registry.artifacts === undefined
      ? []
      : [
          allow(["s3:GetObject", "s3:PutObject"], [`${at.registry.artifacts}/*`]),
          // Without it an object that is not there is AccessDenied instead of NoSuchKey.
          allow(["s3:ListBucket"], [at.registry.artifacts.replace(/\/.*/, "")]),
        ];
  /** How an image was built, and whether the builder's key signed it; only the build may sign. */
  const provenance: readonly Statement[] = [
    allow(["s3:GetObject"], [`${at.provenance}/provenance/*`]),
    // Without it an object that is not there is AccessDenied instead of NoSuchKey.
    allow(["s3:ListBucket"], [at.provenance]),
    allow(["kms:Verify"], [at.signer]),
  ];
  /** An image's manifest, put once more under another tag. */
  const tagImage = allow(["ecr:BatchGetImage", "ecr:PutImage"], [at.imageRepository]);
  const assume = (caller: string, ...environments: readonly ("stage" | "prod")[]) =>
    allow(
      ["sts:AssumeRole"],
      environments.map((environment) => at.role(environment, caller)),
    );
  /** domain/approval/approvals.ts binds each token to its purpose. */
  const token = (action: string) =>
    allow([action], [at.tokens], { StringEquals: { "kms:EncryptionContext:purpose": "task-token" } });
  /** Sends an answer to a task; the history tells whether one whose acknowledgement was lost had arrived. */
  const answer = (...calls: readonly ("SendTaskSuccess" | "SendTaskFailure")[]): readonly Statement[] => [
    token("kms:Decrypt"),
    allowAny(
      "TaskTokensNameNoResource",
      calls.map((call) => `states:${call}`),
    ),
    allow(["states:GetExecutionHistory"], [at.executions]),
  ];

  const functions: Readonly<Record<string, readonly Statement[]>> = {
    "answer-approval": [
      table(...tableReadActions, tableWriteAction),
      ...answer("SendTaskSuccess"),
      ...secrets("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_SIGNING_SECRET_PREVIOUS"),
    ],
    "claim-environment": [
      table(...tableReadActions, tableWriteAction),
      ...answer("SendTaskFailure"),
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
      ...slack,
      assume("promote-model", "prod"),
    ],
    "register-model": [table(...tableReadActions), ...modelFiles, ...provenance, ...registry, ...artifacts],
    "report-outcome": [table(...tableReadActions, tableWriteAction), ...slack],
    "request-approval": [
      table(...tableReadActions, tableWriteAction),
      token("kms:Encrypt"),
      ...answer("SendTaskSuccess"),
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
      allow(["ecr:DescribeImageScanFindings"], [at.imageRepository]),
    ],
    "shift-traffic": [
      table(...tableReadActions, tableWriteAction),
      ...modelFiles,
      ...slack,
      assume("shift-traffic", "prod"),
    ],
    "start-delivery": [
      // Who pushed what.
      table(tableWriteAction),
      ...source("GetDifferences"),
      allow(["states:StartExecution"], [at.stateMachine]),
      // Whether a start whose answer was lost was ours.
      allow(["states:DescribeExecution"], [at.executions]),
    ],
    "sweep-deliveries": [
      // A message that Slack took at last loses its note.
      table(...tableReadActions, tableWriteAction, "dynamodb:DeleteItem"),
      ...answer("SendTaskSuccess", "SendTaskFailure"),
      allow(["states:DescribeExecution"], [at.executions]),
      allow(["states:ListExecutions"], [at.stateMachine]),
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
      allow(["ecr:DescribeImages"], [at.imageRepository]),
      assume("verify-model", "stage"),
    ],
  };
  /** The platform's policy is the operators' to write (permissions/operator-permissions.ts), whatever a step may write. */
  const leavePolicy: Statement = {
    Sid: "ThePolicyIsTheOperators",
    Effect: "Deny",
    Action: tableChangeActions,
    Resource: [at.table],
    Condition: { "ForAnyValue:StringLike": { "dynamodb:LeadingKeys": policyPartitions } },
  };
  const writes = ({ Action }: Statement) =>
    tableChangeActions.some((action) => [Action].flat().includes(action));
  return Object.fromEntries(
    Object.entries(functions).map(([name, statements]) => [
      name,
      mergeStatements(statements.some(writes) ? [...statements, leavePolicy] : statements),
    ]),
  );
};
