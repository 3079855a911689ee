import * as z from "zod";
import { stepNames } from "#statemachine/delivery.ts";
import { nameResources } from "#terraform/resource-names.ts";
import type { AccessRequest, PolicySide } from "./policy-simulator.ts";
import { listResources, type SynthesizedStacks } from "./synth-stacks.ts";
import { createValueResolver, readResourceValue } from "./terraform-values.ts";

/** A permission that AWS uses for a caller; Slipway's own calls do not use it. */
export type ServiceAccess = {
  readonly why: string;
  /** AWS's page that documents it. */
  readonly page: string;
  readonly asks: readonly AccessRequest[];
  /** Set where only one side can be checked: see `PolicySide`. */
  readonly side?: PolicySide;
};

const TracingConfig = z.looseObject({ mode: z.string() });
const docs = "https://docs.aws.amazon.com/";
const environments = ["stage", "prod"] as const;

/** Permissions that only AWS uses, each with the page that documents it. */
export const listServiceAccess = (written: SynthesizedStacks): readonly ServiceAccess[] => {
  const { accounts } = written;
  const { account, region } = accounts.tooling;
  const names = nameResources(accounts);
  const read = createValueResolver(written);
  const ask = (
    principal: string,
    actions: readonly string[],
    resource: string,
    context: Readonly<Record<string, string>> = {},
  ): readonly AccessRequest[] => actions.map((action) => ({ principal, action, resource, context }));
  const arnIn = (where: string, service: string, rest: string) =>
    `arn:aws:${service}:${region}:${where}:${rest}`;
  const here = (service: string, rest: string) => arnIn(account, service, rest);
  const roleArn = (where: string, name: string) => `arn:aws:iam::${where}:role/${name}`;

  const functions = listResources(written, "aws_lambda_function").map(([stack, , resource]) => {
    const where =
      accounts[stack.endsWith("prod") ? "prod" : stack.endsWith("stage") ? "stage" : "tooling"].account;
    const name = String(resource.function_name);
    return {
      name,
      where,
      role: roleArn(where, name),
      tables: stack !== "delivery",
      dead: resource.dead_letter_config,
      traced: TracingConfig.parse(resource.tracing_config).mode === "Active",
    };
  });
  const inference = environments.map((environment) => ({
    environment,
    where: accounts[environment].account,
    name: `slipway-${environment}-churn`,
    role: names.inferenceRoleArn(environment),
  }));
  const keys = ["tooling", "stage", "prod"].map((kind) => {
    const stack = `bootstrap-${kind}`;
    const [[, name = ""] = []] = listResources(written, "aws_kms_key", [stack]);
    const where = accounts[kind === "prod" ? "prod" : kind === "stage" ? "stage" : "tooling"].account;
    return { where, key: read(stack, `\${aws_kms_key.${name}.arn}`) };
  });
  const keyIn = (where: string) => keys.find((each) => each.where === where)?.key ?? "";
  const deliveryKeys = listResources(written, "aws_kms_key", ["delivery"]).map(([, name]) => ({
    where: account,
    key: read("delivery", `\${aws_kms_key.${name}.arn}`),
  }));
  const signer = readResourceValue(written, "delivery", "aws_kms_key", "arn", "images_signer");
  const artefacts = `arn:aws:s3:::${names.artefactBucket}`;
  const viaService = (service: string, where: string) => ({
    "kms:ViaService": `${service}.${region}.amazonaws.com`,
    "kms:CallerAccount": where,
  });
  const machine = roleArn(account, "slipway-machine");
  const builds = roleArn(account, "slipway-images");
  const machineRole = String(
    listResources(written, "aws_iam_role", ["delivery"]).find(([, name]) => name.startsWith("machine"))?.[2]
      .name,
  );
  const buildRole = String(
    listResources(written, "aws_iam_role", ["delivery"]).find(([, name]) => name.startsWith("images"))?.[2]
      .name,
  );
  const asMachine = machine.replace("slipway-machine", machineRole);
  const asBuild = builds.replace("slipway-images", buildRole);
  const push = [
    "BatchCheckLayerAvailability",
    "InitiateLayerUpload",
    "UploadLayerPart",
    "CompleteLayerUpload",
    "PutImage",
    "BatchGetImage",
    "GetDownloadUrlForLayer",
  ];
  /** Dead letters of functions that EventBridge or SNS invokes; answer-approval's events come from itself. */
  const queues = listResources(written, "aws_sqs_queue")
    .map(([, , queue]) => String(queue.name))
    .filter((name) => name !== "slipway-answer-approval-dead-letters");

  return [
    {
      why: "Lambda writes a function's log under its role",
      page: `${docs}lambda/latest/dg/monitoring-cloudwatchlogs.html`,
      asks: [...functions, ...inference].flatMap(({ where, role, name }) =>
        ask(
          role,
          ["logs:CreateLogStream", "logs:PutLogEvents"],
          arnIn(where, "logs", `log-group:/aws/lambda/${name}:log-stream:2026/11/21/[1]00`),
        ),
      ),
    },
    {
      why: "a traced function's segments leave under its role",
      page: `${docs}lambda/latest/dg/services-xray.html`,
      asks: functions
        .filter(({ traced }) => traced)
        .flatMap(({ role }) => ask(role, ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*")),
    },
    {
      why: "Lambda assumes a function's role",
      page: `${docs}lambda/latest/dg/lambda-intro-execution-role.html`,
      side: "resource",
      asks: [...functions, ...inference].flatMap(({ role }) =>
        ask("lambda.amazonaws.com", ["sts:AssumeRole"], role),
      ),
    },
    {
      why: "Lambda sends an event that a function could not handle to its dead letters, under its role",
      page: `${docs}lambda/latest/dg/invocation-async-retain-records.html`,
      asks: functions
        .filter(({ dead }) => dead !== undefined)
        .flatMap(({ role, name }) => ask(role, ["sqs:SendMessage"], here("sqs", `${name}-dead-letters`))),
    },
    {
      why: "EventBridge sends events that a rule could not deliver to the dead letters",
      page: `${docs}eventbridge/latest/userguide/eb-rule-dlq.html`,
      side: "resource",
      asks: queues.flatMap((queue) =>
        ask("events.amazonaws.com", ["sqs:SendMessage"], here("sqs", queue), {
          "aws:SourceArn": here("events", "rule/slipway-push"),
        }),
      ),
    },
    {
      why: "EventBridge sends events that the bus could not give to the topic to notify's dead letters",
      page: `${docs}eventbridge/latest/userguide/eb-rule-dlq.html`,
      side: "resource",
      asks: ask("events.amazonaws.com", ["sqs:SendMessage"], here("sqs", "slipway-notify-dead-letters"), {
        "aws:SourceArn": here("events", "rule/slipway/slipway-events"),
      }),
    },
    {
      why: "Lambda reads the table's stream under the function's role",
      page: `${docs}lambda/latest/dg/services-dynamodb-eventsourcemapping.html`,
      asks: ask(
        names.functionRoleArn("publish-events"),
        ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"].map((name) => `dynamodb:${name}`),
        readResourceValue(written, "delivery", "aws_dynamodb_table", "stream_arn"),
      ),
    },
    {
      why: "EventBridge publishes events to the topic",
      page: `${docs}eventbridge/latest/userguide/eb-use-resource-based.html`,
      side: "resource",
      asks: ask("events.amazonaws.com", ["sns:Publish"], names.eventTopicArn),
    },
    {
      why: "alarms of the three accounts publish to the topic",
      page: `${docs}AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html`,
      side: "resource",
      asks: keys.flatMap(({ where }) =>
        ask("cloudwatch.amazonaws.com", ["sns:Publish"], names.alarmTopicArn, { "aws:SourceAccount": where }),
      ),
    },
    {
      why: "a table, a bucket, a queue and a topic use the key in their caller's name",
      page: `${docs}kms/latest/developerguide/conditions-kms.html`,
      asks: [...functions, ...inference].flatMap(({ role, where }) =>
        ["dynamodb", "s3", "sqs", "sns"].flatMap((service) =>
          ask(
            role,
            [
              "kms:Encrypt",
              "kms:Decrypt",
              "kms:ReEncryptFrom",
              "kms:GenerateDataKey",
              "kms:DescribeKey",
              "kms:CreateGrant",
            ],
            keyIn(where),
            viaService(service, where),
          ),
        ),
      ),
    },
    {
      why: "CloudWatch Logs uses the key for the account's log groups",
      page: `${docs}AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html`,
      side: "resource",
      asks: keys.flatMap(({ where, key }) =>
        ask(
          `logs.${region}.amazonaws.com`,
          ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:GenerateDataKey", "kms:DescribeKey"],
          key,
          {
            "kms:EncryptionContext:aws:logs:arn": arnIn(
              where,
              "logs",
              "log-group:/aws/lambda/slipway-notify",
            ),
          },
        ),
      ),
    },
    {
      why: "alarms of the three accounts encrypt what they publish",
      page: `${docs}sns/latest/dg/sns-key-management.html`,
      side: "resource",
      asks: keys.flatMap(({ where }) =>
        ask("cloudwatch.amazonaws.com", ["kms:Decrypt", "kms:GenerateDataKey"], keyIn(account), {
          "aws:SourceAccount": where,
          "aws:SourceArn": arnIn(where, "cloudwatch", "alarm:slipway-delivery-dead-letters"),
        }),
      ),
    },
    {
      // Its requests to KMS carry neither aws:SourceAccount nor aws:SourceArn.
      why: "EventBridge encrypts the dead letters that it writes",
      page: `${docs}AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html`,
      side: "resource",
      asks: ask("events.amazonaws.com", ["kms:Decrypt", "kms:GenerateDataKey"], keyIn(account)),
    },
    {
      why: "an account's own policies control its key; without them the key could never be changed",
      page: `${docs}kms/latest/developerguide/key-policy-default.html`,
      side: "resource",
      asks: [...keys, ...deliveryKeys].flatMap(({ where, key }) =>
        ask(roleArn(where, "slipway-terraform"), ["kms:PutKeyPolicy"], key),
      ),
    },
    {
      why: "Lambda pulls a function's image, and pulls it again later",
      page: `${docs}lambda/latest/dg/images-create.html`,
      side: "resource",
      asks: inference.flatMap(({ where, name }) =>
        ask(
          "lambda.amazonaws.com",
          ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
          names.imageRepositoryArn,
          { "aws:SourceArn": arnIn(where, "lambda", `function:${name}`) },
        ),
      ),
    },
    {
      why: "the state machine calls its steps",
      page: `${docs}step-functions/latest/dg/connect-lambda.html`,
      asks: stepNames.flatMap((step) => ask(asMachine, ["lambda:InvokeFunction"], names.functionArn(step))),
    },
    {
      why: "codebuild:startBuild.sync starts a build, follows it with its own rule, and stops it",
      page: `${docs}step-functions/latest/dg/connect-codebuild.html`,
      asks: [
        ...ask(
          asMachine,
          ["codebuild:StartBuild", "codebuild:StopBuild", "codebuild:BatchGetBuilds"],
          here("codebuild", `project/${names.buildProject}`),
        ),
        ...ask(
          asMachine,
          ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
          here("events", "rule/StepFunctionsGetEventForCodeBuildStartBuildRule"),
        ),
      ],
    },
    {
      why: "Step Functions sets up the delivery of its log",
      page: `${docs}step-functions/latest/dg/cw-logs.html`,
      asks: ask(
        asMachine,
        [
          "logs:CreateLogDelivery",
          "logs:GetLogDelivery",
          "logs:UpdateLogDelivery",
          "logs:DeleteLogDelivery",
          "logs:ListLogDeliveries",
          "logs:PutResourcePolicy",
          "logs:DescribeResourcePolicies",
          "logs:DescribeLogGroups",
        ],
        "*",
      ),
    },
    {
      why: "Step Functions traces its executions",
      page: `${docs}step-functions/latest/dg/concepts-xray-tracing.html`,
      asks: ask(
        asMachine,
        [
          "xray:PutTraceSegments",
          "xray:PutTelemetryRecords",
          "xray:GetSamplingRules",
          "xray:GetSamplingTargets",
        ],
        "*",
      ),
    },
    {
      why: "Step Functions assumes the machine's role, for this machine",
      page: `${docs}step-functions/latest/dg/procedure-create-iam-role.html`,
      side: "resource",
      asks: ask("states.amazonaws.com", ["sts:AssumeRole"], asMachine, {
        "aws:SourceAccount": account,
        "aws:SourceArn": names.stateMachineArn,
      }),
    },
    {
      why: "CodeBuild assumes the builds' role, for this project",
      page: `${docs}codebuild/latest/userguide/setting-up-service-role.html`,
      side: "resource",
      asks: ask("codebuild.amazonaws.com", ["sts:AssumeRole"], asBuild, {
        "aws:SourceAccount": account,
        "aws:SourceArn": here("codebuild", `project/${names.buildProject}`),
      }),
    },
    {
      why: "CodeBuild writes a build's log under the builds' role",
      page: `${docs}codebuild/latest/userguide/setting-up-service-role.html`,
      asks: [
        ...ask(
          asBuild,
          ["logs:CreateLogStream", "logs:PutLogEvents"],
          here("logs", `log-group:/aws/codebuild/${names.buildProject}:log-stream:0f`),
        ),
      ],
    },
    {
      why: "S3 reports a missing object as AccessDenied to a caller that may not list the bucket",
      page: `${docs}AmazonS3/latest/API/API_GetObject.html`,
      asks: [
        ...["register-model", "deploy-model", "roll-back", "sweep-deliveries"].flatMap((name) =>
          ask(names.functionRoleArn(name), ["s3:ListBucket"], artefacts),
        ),
        ...ask(asBuild, ["s3:ListBucket"], artefacts),
      ],
    },
    {
      why: "a build fetches the builder and stores its signed statement",
      page: `${docs}AmazonS3/latest/userguide/using-with-s3-policy-actions.html`,
      asks: [
        ...ask(asBuild, ["s3:GetObject"], `${artefacts}/builder/0f.tar`),
        ...ask(asBuild, ["s3:PutObject"], `${artefacts}/provenance/0f/0f.dsse.json`),
      ],
    },
    {
      why: "a build stores its artefact by its hash, unless it is there already with this checksum",
      page: `${docs}AmazonS3/latest/API/API_HeadObject.html`,
      asks: ask(asBuild, ["s3:GetObject", "s3:PutObject"], `${artefacts}/artefacts/sha256/0f`),
    },
    {
      why: "a registration finds the artefact of its build, and S3 copies it with the caller's rights",
      page: `${docs}AmazonS3/latest/API/API_CopyObject.html`,
      asks: ask(
        names.functionRoleArn("register-model"),
        ["s3:GetObject"],
        `${artefacts}/artefacts/sha256/0f`,
      ),
    },
    {
      why: "a build signs how it made an image",
      page: `${docs}kms/latest/developerguide/key-policy-users-sign-verify.html`,
      asks: ask(asBuild, ["kms:Sign"], signer),
    },
    {
      why: "a build reads its commit as data",
      page: `${docs}codecommit/latest/userguide/auth-and-access-control-permissions-reference.html`,
      asks: ask(
        asBuild,
        ["codecommit:GetCommit", "codecommit:GetFolder", "codecommit:GetBlob"],
        here("codecommit", "models"),
      ),
    },
    {
      why: "a build fetches by git what the API does not return, because it is larger than 6 MB",
      page: `${docs}codecommit/latest/userguide/auth-and-access-control-permissions-reference.html`,
      asks: ask(asBuild, ["codecommit:GitPull"], here("codecommit", "models")),
    },
    {
      why: "the builder signs in to the registry and pushes an image with crane",
      page: `${docs}AmazonECR/latest/userguide/image-push-iam.html`,
      asks: [
        ...ask(asBuild, ["ecr:GetAuthorizationToken"], "*"),
        ...ask(
          asBuild,
          push.map((action) => `ecr:${action}`),
          names.imageRepositoryArn,
        ),
      ],
    },
  ];
};
