import { describe, expect, test } from "vitest";
import { listStackPolicies, toArray } from "../test/infrastructure/stack-policies.ts";
import { listResources, type SynthesizedStacks, synthStacks } from "../test/infrastructure/synth-stacks.ts";
import type { Accounts } from "./read-config.ts";

const withStacks = async (
  change: (accounts: Accounts) => Accounts,
  check: (synthesized: SynthesizedStacks) => void,
) => {
  const synthesized = await synthStacks(change);
  try {
    check(synthesized);
  } finally {
    await synthesized.remove();
  }
};

/** Everything that the roles of the console's function allow: in tooling, and on prod. */
const listAllowedActions = (synthesized: SynthesizedStacks) =>
  listStackPolicies(synthesized)
    .filter(({ kind, name }) => kind === "aws_iam_role_policy" && name.includes("show-console"))
    .flatMap(({ stack, statements }) =>
      statements
        .filter(({ Effect }) => Effect === "Allow")
        .flatMap(({ Action }) => toArray(Action).map((action) => `${stack} ${action}`)),
    )
    .toSorted();

describe("the console", () => {
  test("may read and nothing else, beside its own logs and traces", async () => {
    await withStacks(
      (accounts) => accounts,
      (synthesized) => {
        expect(listAllowedActions(synthesized)).toEqual([
          "delivery dynamodb:GetItem",
          "delivery dynamodb:Query",
          "delivery kms:Decrypt",
          "delivery logs:CreateLogStream",
          "delivery logs:PutLogEvents",
          "delivery ssm:GetParameter",
          "delivery states:DescribeExecution",
          "delivery states:GetExecutionHistory",
          "delivery sts:AssumeRole",
          "delivery xray:PutTelemetryRecords",
          "delivery xray:PutTraceSegments",
          "serving-prod cloudwatch:GetMetricData",
          "serving-prod cloudwatch:GetMetricStatistics",
          "serving-prod cloudwatch:ListMetrics",
        ]);
      },
    );
  });

  test("decrypts its own parameters and nothing else: no task token", async () => {
    await withStacks(
      (accounts) => accounts,
      (synthesized) => {
        const decrypting = listStackPolicies(synthesized)
          .filter(({ name }) => name.includes("show-console"))
          .flatMap(({ statements }) => statements)
          .filter(({ Action }) => toArray(Action).includes("kms:Decrypt"));
        expect(decrypting).toHaveLength(1);
        const { Condition } = decrypting[0] ?? {};
        expect(Object.keys(Condition?.StringEquals ?? {})).toEqual([
          "kms:EncryptionContext:PARAMETER_ARN",
          "kms:ViaService",
        ]);
        expect(
          toArray(Condition?.StringEquals?.["kms:EncryptionContext:PARAMETER_ARN"])
            .map((arn) => String(arn).split("/").at(-1))
            .toSorted(),
        ).toEqual([
          "CONSOLE_SESSION_KEY",
          "CONSOLE_SESSION_KEY_PREVIOUS",
          "SLACK_BOT_TOKEN",
          "SLACK_CLIENT_SECRET",
        ]);
      },
    );
  });

  test("has a host of its own, which its function and the outputs know", async () => {
    await withStacks(
      (accounts) => accounts,
      (synthesized) => {
        const [, , lambda] =
          listResources(synthesized, "aws_lambda_function").find(
            ([, , { function_name }]) => function_name === "slipway-show-console",
          ) ?? expect.fail("no function");
        const { variables } = lambda.environment as { readonly variables: Record<string, string> };
        expect(variables.CONSOLE_URL).toMatch(/^\$\{aws_apigatewayv2_api\.console_api_\w+\.api_endpoint\}$/);
        const outputs = listResources(synthesized, "aws_ssm_parameter").find(
          ([, , { name }]) => name === "/slipway/outputs",
        )?.[2].value;
        expect(outputs).toContain(`"CONSOLE_URL":"${variables.CONSOLE_URL}"`);
      },
    );
  });

  test("is absent without a user group: no function, no address, no secret, no role", async () => {
    const remove = ({ tooling: { console: _, ...tooling }, ...rest }: Accounts) => ({ ...rest, tooling });
    await withStacks(remove, (synthesized) => {
      for (const [stack, { resource }] of synthesized.stacks)
        expect(JSON.stringify(resource).toLowerCase(), stack).not.toMatch(
          /show-console|console_|slipway-console/,
        );
      expect(listAllowedActions(synthesized)).toEqual([]);
    });
  });
});
