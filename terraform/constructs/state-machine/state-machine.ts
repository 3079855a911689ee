import { CloudwatchLogGroup } from "@cdktn/provider-aws/lib/cloudwatch-log-group/index.js";
import { IamRole } from "@cdktn/provider-aws/lib/iam-role/index.js";
import { IamRolePolicy } from "@cdktn/provider-aws/lib/iam-role-policy/index.js";
import { SfnStateMachine } from "@cdktn/provider-aws/lib/sfn-state-machine/index.js";
import { Construct } from "constructs";
import { defineDelivery, type StepName, stepNames } from "../../../statemachine/delivery.ts";
import { allow, allowAny, toPolicyJson } from "../../permissions/statement.ts";
import { suppressFindings } from "../../suppress-findings.ts";

type Needs = {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly functionArn: (step: StepName) => string;
  readonly buildProject: { readonly name: string; readonly arn: string };
  readonly key: string;
  readonly logRetentionDays: number;
};

/** Step Functions creates this rule to be notified of a build's end. */
const buildRule = "StepFunctionsGetEventForCodeBuildStartBuildRule";

/**
 * The delivery state machine, with a role that may only run its steps and its build. Its log has no state data, because
 * the data contains the task token.
 * https://docs.aws.amazon.com/step-functions/latest/dg/connect-codebuild.html
 * https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
 */
export const addStateMachine = (scope: Construct, id: string, needs: Needs): SfnStateMachine => {
  const { name, account, region, buildProject } = needs;
  const place = new Construct(scope, id);
  const functions = stepNames.map((step) => [step, needs.functionArn(step)] as const);
  const logs = new CloudwatchLogGroup(place, "logs", {
    // AWS's prefix for log delivery: other names fill up the account's resource policy.
    name: `/aws/vendedlogs/states/${name}`,
    retentionInDays: needs.logRetentionDays,
    kmsKeyId: needs.key,
  });
  const role = new IamRole(place, "role", {
    name: `slipway-state-machine`,
    description: "What the delivery state machine may run",
    assumeRolePolicy: toPolicyJson([
      {
        Effect: "Allow",
        Principal: { Service: "states.amazonaws.com" },
        Action: "sts:AssumeRole",
        Condition: {
          StringEquals: { "aws:SourceAccount": account },
          ArnLike: { "aws:SourceArn": `arn:aws:states:${region}:${account}:stateMachine:${name}` },
        },
      },
    ]),
  });
  const rolePolicy = new IamRolePolicy(place, "policy", {
    name: "runs",
    role: role.id,
    policy: toPolicyJson([
      allow(
        ["lambda:InvokeFunction"],
        functions.map(([, arn]) => arn),
      ),
      allow(["codebuild:StartBuild", "codebuild:StopBuild", "codebuild:BatchGetBuilds"], [buildProject.arn]),
      allow(
        ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
        [`arn:aws:events:${region}:${account}:rule/${buildRule}`],
      ),
      allowAny("LogDeliveryNamesNoResource", [
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
      ]),
      allowAny("TracesNameNoResource", [
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
      ]),
    ]),
  });
  const definition = defineDelivery({
    functions: Object.fromEntries(functions) as Record<StepName, string>,
    buildProject: buildProject.name,
  });
  const machine = new SfnStateMachine(place, "machine", {
    name,
    type: "STANDARD",
    roleArn: role.arn,
    definition: JSON.stringify(definition),
    loggingConfiguration: {
      level: "ERROR",
      includeExecutionData: false,
      logDestination: `${logs.arn}:*`,
    },
    tracingConfiguration: { enabled: true },
    dependsOn: [rolePolicy],
  });
  suppressFindings(machine, { CKV_AWS_285: "its log omits the states' data, which contains the task token" });
  return machine;
};
