import { IamPolicy } from "@cdktn/provider-aws/lib/iam-policy/index.js";
import type { KmsKey } from "@cdktn/provider-aws/lib/kms-key/index.js";
import { LambdaPermission } from "@cdktn/provider-aws/lib/lambda-permission/index.js";
import { SnsTopic } from "@cdktn/provider-aws/lib/sns-topic/index.js";
import { SnsTopicPolicy } from "@cdktn/provider-aws/lib/sns-topic-policy/index.js";
import { SnsTopicSubscription } from "@cdktn/provider-aws/lib/sns-topic-subscription/index.js";
import { SsmParameter } from "@cdktn/provider-aws/lib/ssm-parameter/index.js";
import { type App, Fn, type TerraformStack } from "cdktn";
import { Construct } from "constructs";
import { addAccountKey } from "../constructs/account-key/account-key.ts";
import { addImagePipeline } from "../constructs/image-pipeline/image-pipeline.ts";
import { addLambdaFunction } from "../constructs/lambda-function/lambda-function.ts";
import { addSlackCallback } from "../constructs/slack-callback/slack-callback.ts";
import { addStateMachine } from "../constructs/state-machine/state-machine.ts";
import { addStoreTable } from "../constructs/store-table/store-table.ts";
import type { DeployedFunction } from "../deployed-functions.ts";
import { getFunctionTimeout } from "../function-timeouts.ts";
import { createOperatorPermissions } from "../permissions/operator-permissions.ts";
import { toPolicyJson } from "../permissions/statement.ts";
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

type Needs = {
  readonly accounts: Accounts;
  readonly functions: readonly DeployedFunction[];
  readonly zip: (name: string) => string;
  /** Content hash of the runtime layer that images get. */
  readonly runtime: string;
  /** The builder's archive, as Terraform finds it. */
  readonly builder: string;
  readonly key: string;
  /** ARN of GitHub's OIDC provider. */
  readonly github: string;
  readonly registry: RegistryOutputs;
  readonly serving: Readonly<Record<"stage" | "prod", ServingOutputs>>;
};

/** Events invoke these; of the others the caller waits for the answer. */
const invokedByEvents = new Set(["notify", "start-delivery", "sweep-deliveries"]);
/** MB; a step has the whole holdout or every file of a model in memory. */
const memoryMbByFunction: Readonly<Record<string, number>> = {
  "verify-model": 1_024,
  "register-model": 1_024,
};

const addAlarmTopic = (
  stack: TerraformStack,
  accounts: Accounts,
  known: ResourceNames,
  key: string,
): SnsTopic => {
  const topic = new SnsTopic(stack, "alarms", { name: known.alarmTopic, kmsMasterKeyId: key });
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
          StringEquals: { "aws:SourceAccount": Object.values(accounts).map(({ account }) => account) },
        },
      },
      {
        Sid: "OnlyByTls",
        Effect: "Deny",
        Principal: "*",
        Action: "sns:Publish",
        Resource: topic.arn,
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ]),
  });
  return topic;
};

/**
 * Parameters with a value that nobody can guess, which a person overwrites once. It is written and never read back, so
 * no state and no plan ever holds a secret.
 */
const addSecretParameters = (
  stack: TerraformStack,
  accounts: Accounts,
  known: ResourceNames,
  key: string,
): void => {
  const { slack, source } = accounts.tooling;
  const place = new Construct(stack, "secrets");
  for (const name of [...slack.secrets, ...(source.host === "github" ? ["GITHUB_TOKEN"] : [])])
    new SsmParameter(place, name, {
      name: `${known.secrets}${name}`,
      type: "SecureString",
      keyId: key,
      valueWo: `unset-${Fn.uuid()}`,
      valueWoVersion: 1,
      description: "Put the value here by hand: docs/infrastructure.md",
    });
};

const addDeliveryFunctions = (
  stack: TerraformStack,
  needs: Needs,
  known: ResourceNames,
  given: {
    readonly values: VariableValues;
    readonly tokens: KmsKey;
    readonly signer: string;
    readonly table: string;
  },
): DeliveryFunctions => {
  const { account, region, logRetentionDays, source } = needs.accounts.tooling;
  const permissions = createStepPermissions({
    region,
    table: given.table,
    secret: (name) => `arn:aws:ssm:${region}:${account}:parameter${known.secrets}${name}`,
    key: needs.key,
    tokens: given.tokens.arn,
    signer: given.signer,
    provenance: known.artefactBucketArn,
    stateMachine: known.stateMachineArn,
    executions: known.executionsArn,
    imageRepository: known.imageRepositoryArn,
    source:
      source.host === "codecommit"
        ? { host: "codecommit", repository: `arn:aws:codecommit:${region}:${account}:${source.repository}` }
        : { host: "github" },
    registry: needs.registry,
    role: known.callerRoleArn,
  });
  const place = new Construct(stack, "functions");
  const made = new Map(
    needs.functions
      .filter(({ name }) => name !== authorizerFunction)
      .map((asked) => {
        const { name } = asked;
        const statements = permissions[name];
        if (statements === undefined)
          throw new RangeError(
            `terraform/permissions/step-permissions.ts says nothing of lambdas/${name}: add what its code calls.`,
          );
        const one = addLambdaFunction(place, name, {
          name: known.functionName(name),
          zip: needs.zip(name),
          account,
          region,
          variables: selectFunctionVariables(asked, given.values(name)),
          statements,
          timeoutSeconds: getFunctionTimeout(name),
          memoryMb: memoryMbByFunction[name] ?? 512,
          key: needs.key,
          logRetentionDays,
          invokedBy: invokedByEvents.has(name) ? "events" : "caller that waits",
        });
        return [name, one] as const;
      }),
  );
  return {
    all: made,
    of: (name) => {
      const found = made.get(name);
      if (found === undefined)
        throw new RangeError(`lambdas/ has no ${name}, which the delivery stack needs.`);
      return found;
    },
  };
};

/** Everything that delivers: source, images, state machine, steps, their records, Slack's callback, alarms. */
export const addDeliveryStack = (app: App, needs: Needs): void => {
  const { accounts, key } = needs;
  const { account, region, logRetentionDays, protectData } = accounts.tooling;
  const known = nameResources(accounts);
  const stack = addSlipwayStack(app, "delivery", { accounts, account: "tooling", as: "role" });

  const table = addStoreTable(stack, "deliveries", { name: known.table, key, protect: protectData });
  new IamPolicy(stack, "operators", {
    name: known.operatorPolicy,
    description:
      "Changing the platform's policy: for the operators' permission set or IAM users, docs/policy.md",
    policy: toPolicyJson(
      createOperatorPermissions({
        table: table.arn,
        outputs: `arn:aws:ssm:${region}:${account}:parameter${known.outputs}`,
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
          ArnNotEquals: { "aws:PrincipalArn": taskTokenFunctions.map(known.functionRoleArn) },
        },
      },
    ],
  });
  const topic = addAlarmTopic(stack, accounts, known, key);
  addSecretParameters(stack, accounts, known, key);
  const pipeline = addImagePipeline(stack, "images", { accounts, names: known, key, builder: needs.builder });

  const given = createVariableValues({
    ...needs,
    names: known,
    tokens: tokens.arn,
    signer: pipeline.signer,
    builder: pipeline.builder,
  });
  const functions = addDeliveryFunctions(stack, needs, known, {
    values: given,
    tokens,
    signer: pipeline.signer,
    table: table.arn,
  });
  const machine = addStateMachine(stack, "machine", {
    name: known.stateMachine,
    account,
    region,
    functionArn: (step) => known.functionArn(step),
    buildProject: pipeline.project,
    key,
    logRetentionDays,
  });
  const callback = addSlackCallback(stack, "slack", {
    function: functions.of("answer-approval"),
    key,
    logRetentionDays,
  });
  addDeliveryEvents(stack, "events", { accounts, names: known, functions, github: needs.github });
  const { lambda: notify } = functions.of("notify");
  new SnsTopicSubscription(stack, "notify", {
    topicArn: topic.arn,
    protocol: "lambda",
    endpoint: notify.arn,
  });
  new LambdaPermission(stack, "notify-invoke", {
    statementId: "slipway-alarms",
    action: "lambda:InvokeFunction",
    functionName: notify.functionName,
    principal: "sns.amazonaws.com",
    sourceArn: topic.arn,
  });
  addDeliveryAlarms(stack, { region, topic: topic.arn, machine: machine.arn, functions: functions.all });

  const outputs = new SsmParameter(stack, "outputs", {
    name: known.outputs,
    type: "String",
    tier: "Standard",
    description: "What the slipway command reads; docs/infrastructure.md says what is in it",
    value: JSON.stringify({
      ...given("operator"),
      ACCOUNTS: { tooling: account, stage: accounts.stage.account, prod: accounts.prod.account },
      SLACK_CALLBACK_URL: callback,
      BUILD_PROJECT: pipeline.project.name,
      BUILD_IMAGE: accounts.tooling.images.buildImage,
    }),
  });
  suppressFindings(outputs, {
    CKV2_AWS_34: "names and addresses for whoever may call the account at all; no secret is among them",
  });
};
