import { CloudwatchLogGroup } from "@cdktn/provider-aws/lib/cloudwatch-log-group/index.js";
import { IamRole } from "@cdktn/provider-aws/lib/iam-role/index.js";
import { IamRolePolicy } from "@cdktn/provider-aws/lib/iam-role-policy/index.js";
import { LambdaFunction } from "@cdktn/provider-aws/lib/lambda-function/index.js";
import { LambdaFunctionEventInvokeConfig } from "@cdktn/provider-aws/lib/lambda-function-event-invoke-config/index.js";
import type { SqsQueue } from "@cdktn/provider-aws/lib/sqs-queue/index.js";
import { Fn } from "cdktn";
import { Construct } from "constructs";
import { asyncRetries } from "../../../platform/async-invocation/async-invocation.ts";
import { allow, allowAny, type Statement, toPolicyJson } from "../../permissions/statement.ts";
import { suppressFindings } from "../../suppress-findings.ts";
import { addDeadLetterQueue } from "../dead-letter-queue/dead-letter-queue.ts";

type Needs = {
  /** `slipway-deploy-model` */
  readonly name: string;
  /** Path of the zip, relative to the folder where Terraform runs. */
  readonly zip: string;
  readonly account: string;
  readonly region: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Permissions of its code; this adds those for logs, traces and dead letters. */
  readonly statements: readonly Statement[];
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  /** ARN of the account's key. */
  readonly key: string;
  readonly logRetentionDays: number;
  /**
   * `events`: the invocation is asynchronous, so failed events go to a dead-letter queue. `itself`: it also has a
   * synchronous caller, and leaves work to an asynchronous invocation of itself, which no other role may make.
   */
  readonly invokedBy: "synchronous caller" | "events" | "itself";
  /** Rules of another bus, `<bus>/<rule>`, whose undelivered events its dead-letter queue keeps too. */
  readonly keepsLettersOf?: readonly string[];
  /**
   * It runs for each request of an application, so what AWS records of a call that succeeds costs more than the call:
   * a million traces 5 USD. It has no trace, and Lambda logs only calls that fail (docs/cost.md).
   */
  readonly ofEachRequest?: boolean;
};

export type FunctionResources = {
  readonly lambda: LambdaFunction;
  /** For functions with asynchronous invocations. */
  readonly deadLetters?: SqsQueue;
  readonly logGroup: CloudwatchLogGroup;
};

/** A function with its role, its log group and, for asynchronous invocations, a dead-letter queue. */
export const addLambdaFunction = (scope: Construct, id: string, needs: Needs): FunctionResources => {
  const { name, account, region, key, ofEachRequest = false } = needs;
  const place = new Construct(scope, id);
  const logGroup = new CloudwatchLogGroup(place, "logs", {
    name: `/aws/lambda/${name}`,
    retentionInDays: needs.logRetentionDays,
    kmsKeyId: key,
  });
  if (needs.logRetentionDays < 365)
    suppressFindings(logGroup, { CKV_AWS_338: "the configuration sets the retention of logs" });
  const queue =
    needs.invokedBy === "synchronous caller"
      ? undefined
      : addDeadLetterQueue(place, "dead-letters", {
          name: `${name}-dead-letters`,
          key,
          ...(needs.invokedBy === "events" && {
            rules: ["slipway-*", ...(needs.keepsLettersOf ?? [])].map(
              (rule) => `arn:aws:events:${region}:${account}:rule/${rule}`,
            ),
          }),
        });
  const role = new IamRole(place, "role", {
    name,
    description: `What ${name} may do`,
    assumeRolePolicy: toPolicyJson([
      {
        Effect: "Allow",
        Principal: { Service: "lambda.amazonaws.com" },
        Action: "sts:AssumeRole",
      },
    ]),
  });
  const rolePolicy = new IamRolePolicy(place, "policy", {
    name: "calls",
    role: role.id,
    policy: toPolicyJson([
      allow(["logs:CreateLogStream", "logs:PutLogEvents"], [`${logGroup.arn}:*`]),
      ...(ofEachRequest
        ? []
        : [allowAny("TracesNameNoResource", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"])]),
      ...(queue === undefined ? [] : [allow(["sqs:SendMessage"], [queue.arn])]),
      ...needs.statements,
    ]),
  });
  const lambda = new LambdaFunction(place, "function", {
    functionName: name,
    runtime: "nodejs24.x",
    handler: "index.handler",
    architectures: ["arm64"],
    filename: needs.zip,
    sourceCodeHash: Fn.filebase64sha256(needs.zip),
    role: role.arn,
    memorySize: needs.memoryMb,
    timeout: needs.timeoutSeconds,
    environment: { variables: { ...needs.variables } },
    tracingConfig: { mode: ofEachRequest ? "PassThrough" : "Active" },
    // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    loggingConfig: {
      logFormat: "JSON",
      logGroup: logGroup.name,
      ...(ofEachRequest && { systemLogLevel: "WARN" }),
    },
    ...(queue === undefined ? {} : { deadLetterConfig: { targetArn: queue.arn } }),
    dependsOn: [rolePolicy],
  });
  if (needs.invokedBy === "itself")
    new LambdaFunctionEventInvokeConfig(place, "retries", {
      functionName: lambda.functionName,
      maximumRetryAttempts: asyncRetries.delaysSeconds.length,
      maximumEventAgeInSeconds: asyncRetries.maxAgeSeconds,
    });
  suppressFindings(lambda, {
    CKV_AWS_117:
      "it calls AWS, Slack and the registry with TLS and IAM or a token; it needs nothing inside a network",
    CKV_AWS_115:
      "the state machine and the rate of events limit it; a reservation would reduce other functions' concurrency",
    CKV_AWS_272: "CI builds zips from reviewed commits, and IAM controls who may update the function's code",
    CKV_AWS_173: "its variables are names and ARNs; it reads secrets from SSM",
    ...(queue === undefined && { CKV_AWS_116: "its caller waits and gets the error" }),
  });
  return { lambda, logGroup, ...(queue && { deadLetters: queue }) };
};
