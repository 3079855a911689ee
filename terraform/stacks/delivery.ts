import type { DynamodbTable } from "@cdktn/provider-aws/lib/dynamodb-table/index.js";
import { IamPolicy } from "@cdktn/provider-aws/lib/iam-policy/index.js";
import type { KmsKey } from "@cdktn/provider-aws/lib/kms-key/index.js";
import { LambdaEventSourceMapping } from "@cdktn/provider-aws/lib/lambda-event-source-mapping/index.js";
import { SnsTopic } from "@cdktn/provider-aws/lib/sns-topic/index.js";
import { SnsTopicPolicy } from "@cdktn/provider-aws/lib/sns-topic-policy/index.js";
import { SsmParameter } from "@cdktn/provider-aws/lib/ssm-parameter/index.js";
import { type App, Fn, type TerraformStack } from "cdktn";
import { Construct } from "constructs";
import type { ArtifactRules } from "../../platform/artifact-rules/artifact-rules.ts";
import { outboxPartition } from "../../platform/store/store.ts";
import { addAccountKey } from "../constructs/account-key/account-key.ts";
import { addConsoleApi } from "../constructs/console-api/console-api.ts";
import { addEventBus } from "../constructs/event-bus/event-bus.ts";
import { addImagePipeline } from "../constructs/image-pipeline/image-pipeline.ts";
import { addLambdaFunction, type FunctionResources } from "../constructs/lambda-function/lambda-function.ts";
import { addNotifications } from "../constructs/notifications/notifications.ts";
import { addPrivateBucket } from "../constructs/private-bucket/private-bucket.ts";
import { addSecretParameter } from "../constructs/secret-parameter/secret-parameter.ts";
import { addSlackCallback } from "../constructs/slack-callback/slack-callback.ts";
import { addStateMachine } from "../constructs/state-machine/state-machine.ts";
import { addStoreTable } from "../constructs/store-table/store-table.ts";
import { consoleFunction, type DeployedFunction } from "../deployed-functions.ts";
import { getFunctionTimeout } from "../function-timeouts.ts";
import { createOperatorPermissions } from "../permissions/policy-operator-permissions.ts";
import { denyWithoutTls, toPolicyJson } from "../permissions/statement.ts";
import { createStepPermissions, taskTokenFunctions } from "../permissions/step-permissions.ts";
import type { Accounts } from "../read-config.ts";
import { nameResources, type ResourceNames } from "../resource-names.ts";
import { selectFunctionVariables } from "../select-function-variables.ts";
import { suppressFindings } from "../suppress-findings.ts";
import { createVariableValues, type VariableValues } from "../variable-values.ts";
import { addDeliveryAlarms } from "./delivery-alarms.ts";
import { addDeliveryEvents, type DeliveryFunctions } from "./delivery-events.ts";
import type { RegistryOutputs } from "./registry.ts";
import { authorizerFunction, type ServingOutputs } from "./serving.ts";
import { addSlipwayStack } from "./slipway-stack.ts";
import { addSourceReports } from "./source-reports.ts";

type Needs = {
  readonly accounts: Accounts;
  readonly functions: readonly DeployedFunction[];
  readonly zip: (name: string) => string;
  /** Content hash of the images' runtime layer. */
  readonly runtime: string;
  /** Path of the builder's archive, relative to the stack's folder. */
  readonly builder: string;
  /** Where builds may read artefacts outside the repository. */
  readonly artifacts: ArtifactRules;
  readonly key: string;
  /** ARN of GitHub's OIDC provider. */
  readonly github: string;
  readonly registry: RegistryOutputs;
  readonly serving: Readonly<Record<"stage" | "prod", ServingOutputs>>;
};

/** Functions with asynchronous invocations; the others have only synchronous callers. */
const invokedBy: Readonly<Record<string, "events" | "itself">> = {
  "answer-approval": "itself",
  notify: "events",
  "publish-events": "events",
  "report-source": "events",
  "start-delivery": "events",
  "sweep-deliveries": "events",
  "watch-models": "events",
};
const memoryMbByFunction: Readonly<Record<string, number>> = {
  // Memory buys processor time: Slack waits 3 seconds, also for a cold start (docs/benchmarks.md, bench:answer).
  "answer-approval": 1_024,
  // A person waits for its pages, also for the first of the day.
  [consoleFunction]: 1_024,
  // This step holds the whole holdout in memory.
  "verify-model": 1_024,
};

/** The secret under which deliveries are reported on GitHub; undefined: they are not. */
const selectReportSecret = ({
  tooling: { source },
}: Accounts): "GITHUB_APP_KEY" | "GITHUB_REPORT_TOKEN" | undefined => {
  if (source.host !== "github" || !source.reports) return undefined;
  return source.reports.as === "app" ? "GITHUB_APP_KEY" : "GITHUB_REPORT_TOKEN";
};

const addAlarmTopic = (
  stack: TerraformStack,
  accounts: Accounts,
  names: ResourceNames,
  key: string,
): SnsTopic => {
  const topic = new SnsTopic(stack, "alarms", { name: names.alarmTopic, kmsMasterKeyId: key });
  new SnsTopicPolicy(stack, "alarms-policy", {
    arn: topic.arn,
    policy: toPolicyJson([
      {
        Sid: "AlarmsOfTheThreeAccounts",
        Effect: "Allow",
        Principal: { Service: "cloudwatch.amazonaws.com" },
        Action: "sns:Publish",
        Resource: topic.arn,
        Condition: {
          StringEquals: {
            "aws:SourceAccount": [...new Set(Object.values(accounts).map(({ account }) => account))],
          },
        },
      },
      denyWithoutTls("sns:Publish", topic.arn),
    ]),
  });
  return topic;
};

/**
 * Starts publish-events for each event that is written into the outbox. Its schedule publishes what is left, so a failed
 * batch is given up soon and needs no queue.
 */
const addEventPublisher = (stack: TerraformStack, stream: string, { lambda }: FunctionResources): void => {
  new LambdaEventSourceMapping(stack, "outbox", {
    eventSourceArn: stream,
    functionName: lambda.arn,
    startingPosition: "LATEST",
    batchSize: 100,
    maximumRetryAttempts: 3,
    maximumRecordAgeInSeconds: 3_600,
    filterCriteria: {
      filter: [
        {
          pattern: JSON.stringify({
            eventName: ["INSERT", "MODIFY"],
            dynamodb: { Keys: { pk: { S: [outboxPartition] } } },
          }),
        },
      ],
    },
  });
};

/**
 * Parameters with a random initial value, which a person overwrites once. The values are write-only, so no state and no
 * plan contains a secret.
 */
const addSecretParameters = (
  stack: TerraformStack,
  accounts: Accounts,
  names: ResourceNames,
  key: string,
): void => {
  const { slack, source } = accounts.tooling;
  const ofHost = source.host === "github" ? ["GITHUB_TOKEN"] : [];
  const ofConsole = accounts.tooling.console ? ["SLACK_CLIENT_SECRET"] : [];
  const place = new Construct(stack, "secrets");
  const reportSecret = selectReportSecret(accounts);
  const ofReports = reportSecret ? [reportSecret] : [];
  for (const name of [...slack.secrets, ...ofHost, ...ofReports, ...ofConsole])
    addSecretParameter(place, name, {
      name: `${names.secrets}${name}`,
      description: "Put the value here by hand: docs/infrastructure.md",
      key,
      value: `unset-${Fn.uuid()}`,
    });
  if (accounts.tooling.console)
    addSecretParameter(place, "CONSOLE_SESSION_KEY", {
      name: `${names.secrets}CONSOLE_SESSION_KEY`,
      description: "Seals the console's sessions; another value signs everybody out",
      key,
      value: Fn.base64sha512(Fn.join("", [Fn.uuid(), Fn.uuid(), Fn.uuid(), Fn.uuid()])),
    });
};

const addDeliveryFunctions = (
  stack: TerraformStack,
  needs: Needs,
  names: ResourceNames,
  shared: {
    readonly values: VariableValues;
    readonly tokens: KmsKey;
    readonly signer: string;
    readonly table: DynamodbTable;
  },
): DeliveryFunctions => {
  const { account, region, logRetentionDays, source } = needs.accounts.tooling;
  const reportSecret = selectReportSecret(needs.accounts);
  const permissions = createStepPermissions({
    region,
    table: shared.table.arn,
    stream: shared.table.streamArn,
    eventBus: names.eventBusArn,
    secret: (name) => `arn:aws:ssm:${region}:${account}:parameter${names.secrets}${name}`,
    key: needs.key,
    tokens: shared.tokens.arn,
    signer: shared.signer,
    provenance: names.artefactBucketArn,
    audit: names.auditBucketArn,
    stateMachine: names.stateMachineArn,
    executions: names.executionsArn,
    imageRepository: names.imageRepositoryArn,
    functionArn: names.functionArn,
    source:
      source.host === "codecommit"
        ? { host: "codecommit", repository: `arn:aws:codecommit:${region}:${account}:${source.repository}` }
        : { host: "github", reportSecret },
    registry: needs.registry,
    role: names.callerRoleArn,
  });
  const place = new Construct(stack, "functions");
  const functions = new Map(
    needs.functions
      .filter(({ name }) => name !== authorizerFunction && (name !== "report-source" || reportSecret))
      .filter(({ name }) => name !== consoleFunction || needs.accounts.tooling.console !== undefined)
      .map((deployedFunction) => {
        const { name } = deployedFunction;
        const statements = permissions[name];
        if (statements === undefined)
          throw new RangeError(
            `terraform/permissions/step-permissions.ts has no entry for lambdas/${name}: add the calls of its code.`,
          );
        const resources = addLambdaFunction(place, name, {
          name: names.functionName(name),
          zip: needs.zip(name),
          account,
          region,
          variables: selectFunctionVariables(deployedFunction, shared.values(name)),
          statements,
          timeoutSeconds: getFunctionTimeout(name),
          memoryMb: memoryMbByFunction[name] ?? 512,
          key: needs.key,
          logRetentionDays,
          invokedBy: invokedBy[name] ?? "synchronous caller",
          ...(name === "notify" && { keepsLettersOf: [`${names.eventBus}/slipway-*`] }),
        });
        return [name, resources] as const;
      }),
  );
  return {
    all: functions,
    get: (name) => {
      const resources = functions.get(name);
      if (resources === undefined)
        throw new RangeError(`lambdas/ has no ${name}, which the delivery stack needs.`);
      return resources;
    },
  };
};

/** Everything for deliveries: source, images, state machine, steps, their table, Slack's callback, alarms. */
export const addDeliveryStack = (app: App, needs: Needs): void => {
  const { accounts, key } = needs;
  const { account, region, logRetentionDays, protectData } = accounts.tooling;
  const names = nameResources(accounts);
  const stack = addSlipwayStack(app, "delivery", { accounts, account: "tooling", as: "role" });

  const table = addStoreTable(stack, "deliveries", {
    name: names.table,
    key,
    protect: protectData,
    stream: true,
  });
  addPrivateBucket(stack, "audit", {
    name: names.auditBucket,
    key,
    protect: protectData,
    lock: accounts.tooling.auditLock ?? { mode: "GOVERNANCE", days: 2_557 },
  });
  new IamPolicy(stack, "operators", {
    name: names.operatorPolicy,
    description:
      "Changing the platform's policy: for the operators' permission set or IAM users, docs/policy.md",
    policy: toPolicyJson(
      createOperatorPermissions({
        table: table.arn,
        outputs: `arn:aws:ssm:${region}:${account}:parameter${names.outputs}`,
      }),
    ),
  });
  const tokens = addAccountKey(stack, "tokens", {
    account,
    region,
    alias: "slipway-tokens",
    description: "Slipway's task tokens: who may decrypt under it may answer for an approver",
    more: [
      {
        Sid: "OnlyWhoAnswersReadsTokens",
        Effect: "Deny",
        Principal: "*",
        Action: "kms:Decrypt",
        Resource: "*",
        Condition: {
          ArnLike: { "aws:PrincipalArn": `arn:aws:iam::${account}:role/slipway-*` },
          ArnNotEquals: { "aws:PrincipalArn": taskTokenFunctions.map(names.functionRoleArn) },
        },
      },
    ],
  });
  const topic = addAlarmTopic(stack, accounts, names, key);
  addSecretParameters(stack, accounts, names, key);
  const pipeline = addImagePipeline(stack, "images", {
    accounts,
    names: names,
    key,
    builder: needs.builder,
    artifacts: needs.artifacts,
  });

  const consoleApi = accounts.tooling.console && addConsoleApi(stack, "console", { key, logRetentionDays });
  const values = createVariableValues({
    ...needs,
    consoleUrl: consoleApi?.url,
    names: names,
    tokens: tokens.arn,
    signer: pipeline.signer,
    builder: pipeline.builder,
  });
  const functions = addDeliveryFunctions(stack, needs, names, {
    values,
    tokens,
    signer: pipeline.signer,
    table,
  });
  const machine = addStateMachine(stack, "machine", {
    name: names.stateMachine,
    account,
    region,
    functionArn: (step) => names.functionArn(step),
    buildProject: pipeline.project,
    key,
    logRetentionDays,
  });
  const callback = addSlackCallback(stack, "slack", {
    function: functions.get("answer-approval"),
    key,
    logRetentionDays,
  });
  consoleApi?.connect(functions.get(consoleFunction));
  addDeliveryEvents(stack, "events", { accounts, names: names, functions, github: needs.github });
  addEventPublisher(stack, table.streamArn, functions.get("publish-events"));
  const notify = functions.get("notify");
  const { topic: events, bus } = addEventBus(stack, "bus", {
    names,
    key,
    deadLetters: notify.deadLetters?.arn ?? "",
  });
  if (selectReportSecret(accounts) !== undefined)
    addSourceReports(stack, "source-reports", { function: functions.get("report-source"), bus: bus.name });
  addNotifications(stack, "notifications", {
    subscribers: accounts.tooling.notifications,
    notify: notify.lambda,
    alarms: topic,
    events,
  });
  addDeliveryAlarms(stack, {
    region,
    topic: topic.arn,
    trial: accounts.tooling.trial ?? false,
    machine: machine.arn,
    functions: functions.all,
    table: names.table,
    slackApiId: callback.apiId,
    consoleApiId: consoleApi?.apiId,
  });

  const outputs = new SsmParameter(stack, "outputs", {
    name: names.outputs,
    type: "String",
    tier: "Standard",
    description: "What the slipway command reads; docs/infrastructure.md says what is in it",
    value: JSON.stringify({
      ...values("operator"),
      ACCOUNTS: { tooling: account, stage: accounts.stage.account, prod: accounts.prod.account },
      SLACK_CALLBACK_URL: callback.url,
      BUILD_PROJECT: pipeline.project.name,
      BUILD_IMAGE: accounts.tooling.images.buildImage,
    }),
  });
  suppressFindings(outputs, {
    CKV2_AWS_34: "names and URLs for callers with access to the account, no secrets",
  });
};
