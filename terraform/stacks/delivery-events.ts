import { CloudwatchEventRule } from "@cdktn/provider-aws/lib/cloudwatch-event-rule/index.js";
import { CloudwatchEventTarget } from "@cdktn/provider-aws/lib/cloudwatch-event-target/index.js";
import { IamRole } from "@cdktn/provider-aws/lib/iam-role/index.js";
import { IamRolePolicy } from "@cdktn/provider-aws/lib/iam-role-policy/index.js";
import { LambdaPermission } from "@cdktn/provider-aws/lib/lambda-permission/index.js";
import { Construct } from "constructs";
import type { FunctionResources } from "../constructs/lambda-function/lambda-function.ts";
import { allow, toPolicyJson } from "../permissions/statement.ts";
import type { Accounts } from "../read-config.ts";
import type { ResourceNames } from "../resource-names.ts";

export type DeliveryFunctions = {
  readonly all: ReadonlyMap<string, FunctionResources>;
  /** Throws RangeError if lambdas/ has no such folder. */
  readonly get: (name: string) => FunctionResources;
};

type Needs = {
  readonly accounts: Accounts;
  readonly names: ResourceNames;
  readonly functions: DeliveryFunctions;
  /** ARN of GitHub's OIDC provider. */
  readonly github: string;
};

type EventTrigger =
  | { readonly eventPattern: string /** Absent: the account's. */; readonly eventBusName?: string }
  | { readonly scheduleExpression: string };

/** A rule that starts a function, with a permission for this rule alone. */
export const addEventRule = (
  scope: Construct,
  name: string,
  description: string,
  when: EventTrigger,
  { lambda, deadLetters }: FunctionResources,
  /** The function's event; absent: EventBridge's own. */
  input?: object,
) => {
  const place = new Construct(scope, name);
  const eventRule = new CloudwatchEventRule(place, "rule", { name: `slipway-${name}`, description, ...when });
  new CloudwatchEventTarget(place, "target", {
    rule: eventRule.name,
    ...("eventBusName" in when ? { eventBusName: when.eventBusName } : {}),
    targetId: "function",
    arn: lambda.arn,
    ...(input && { input: JSON.stringify(input) }),
    retryPolicy: { maximumEventAgeInSeconds: 3_600, maximumRetryAttempts: 10 },
    ...(deadLetters && { deadLetterConfig: { arn: deadLetters.arn } }),
  });
  new LambdaPermission(place, "invoke", {
    statementId: `slipway-${name}`,
    action: "lambda:InvokeFunction",
    functionName: lambda.functionName,
    principal: "events.amazonaws.com",
    sourceArn: eventRule.arn,
  });
};

/** The role for the workflow of a GitHub repository, which invokes start-delivery: no access key, no public route. */
const addGitHubPushRole = (
  place: Construct,
  repository: string,
  branch: string,
  provider: string,
  start: string,
) => {
  const host = "token.actions.githubusercontent.com";
  const role = new IamRole(place, "github", {
    name: "slipway-push",
    description: "GitHub's workflow on the branch that delivers",
    assumeRolePolicy: toPolicyJson([
      {
        Effect: "Allow",
        Principal: { Federated: provider },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition: {
          StringEquals: {
            [`${host}:aud`]: "sts.amazonaws.com",
            [`${host}:sub`]: `repo:${repository}:ref:refs/heads/${branch}`,
          },
        },
      },
    ]),
  });
  new IamRolePolicy(place, "github-policy", {
    name: "start",
    role: role.id,
    policy: toPolicyJson([allow(["lambda:InvokeFunction"], [start])]),
  });
};

/** The events that start deliveries and trigger the sweep. */
export const addDeliveryEvents = (scope: Construct, id: string, needs: Needs): void => {
  const place = new Construct(scope, id);
  const { source, account, region } = needs.accounts.tooling;
  const start = needs.functions.get("start-delivery");
  const sweep = needs.functions.get("sweep-deliveries");

  if (source.host === "codecommit")
    addEventRule(
      place,
      "push",
      "A push to any branch or tag",
      {
        eventPattern: JSON.stringify({
          source: ["aws.codecommit"],
          "detail-type": ["CodeCommit Repository State Change"],
          resources: [`arn:aws:codecommit:${region}:${account}:${source.repository}`],
          detail: {
            event: ["referenceCreated", "referenceUpdated"],
            // Pushes to every branch and tag: only these events show who pushed commits that are merged later.
          },
        }),
      },
      start,
    );
  else addGitHubPushRole(place, source.repository, source.branch, needs.github, start.lambda.arn);

  addEventRule(
    place,
    "ended",
    "An execution that its own RollBack may not have ended",
    {
      eventPattern: JSON.stringify({
        source: ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        detail: {
          status: ["ABORTED", "TIMED_OUT", "FAILED"],
          stateMachineArn: [needs.names.stateMachineArn],
        },
      }),
    },
    sweep,
  );
  addEventRule(
    place,
    "sweep",
    "Repairs deliveries and updates that no event reported",
    { scheduleExpression: "rate(5 minutes)" },
    sweep,
  );
  const watch = needs.functions.get("watch-models");
  addEventRule(
    place,
    "wake",
    "Calls champions and the versions of a rollback, before Lambda makes them inactive",
    { scheduleExpression: "rate(7 days)" },
    watch,
    { task: "wake" },
  );
  addEventRule(
    place,
    "silence",
    "Finds models on prod whose usual calls do not come any more",
    { scheduleExpression: "rate(1 hour)" },
    watch,
    { task: "find-silence" },
  );
  addEventRule(
    place,
    "publish",
    "Publishes events that no write of the table reported",
    { scheduleExpression: "rate(5 minutes)" },
    needs.functions.get("publish-events"),
  );
};
