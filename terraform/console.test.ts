import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listStackPolicies, toArray } from "../test/infrastructure/stack-policies.ts";
import { listResources, type SynthesizedStacks, synthStacks } from "../test/infrastructure/synth-stacks.ts";
import { type Accounts, readConfig } from "./read-config.ts";

let withConsole: SynthesizedStacks;
let without: SynthesizedStacks;
beforeAll(async () => {
  withConsole = await synthStacks();
  without = await synthStacks(({ tooling: { console: _, ...tooling }, ...rest }: Accounts) => ({
    ...rest,
    tooling,
  }));
});
afterAll(async () => {
  await withConsole?.remove();
  await without?.remove();
});

/** The statements of the roles of the console's function: in tooling, and on prod. */
const listStatements = (synthesized: SynthesizedStacks) =>
  listStackPolicies(synthesized)
    .filter(({ kind, name }) => kind === "aws_iam_role_policy" && name.includes("show-console"))
    .flatMap(({ stack, statements }) => statements.map((statement) => ({ stack, ...statement })));

describe("the console", () => {
  test("may read and nothing else, beside its own logs and traces", () => {
    const allowed = listStatements(withConsole)
      .filter(({ Effect }) => Effect === "Allow")
      .flatMap(({ stack, Action }) => toArray(Action).map((action) => `${stack} ${action}`));
    expect(allowed.toSorted()).toEqual([
      "delivery dynamodb:GetItem",
      "delivery dynamodb:Query",
      "delivery kms:Decrypt",
      "delivery logs:CreateLogStream",
      "delivery logs:PutLogEvents",
      "delivery s3:ListBucketVersions",
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
  });

  test("decrypts its own parameters and nothing else: no task token", () => {
    const decrypting = listStatements(withConsole).filter(({ Action }) =>
      toArray(Action).includes("kms:Decrypt"),
    );
    expect(decrypting).toHaveLength(1);
    const condition = decrypting[0]?.Condition?.StringEquals ?? {};
    expect(Object.keys(condition)).toEqual(["kms:EncryptionContext:PARAMETER_ARN", "kms:ViaService"]);
    const parameters = toArray(condition["kms:EncryptionContext:PARAMETER_ARN"]).map((arn) =>
      String(arn).split("/").at(-1),
    );
    expect(parameters.toSorted()).toEqual([
      "CONSOLE_SESSION_KEY",
      "CONSOLE_SESSION_KEY_PREVIOUS",
      "SLACK_BOT_TOKEN",
      "SLACK_CLIENT_SECRET",
    ]);
  });

  test("has a host of its own, which its function, the messages and the outputs know", () => {
    const addresses = new Map(
      listResources(withConsole, "aws_lambda_function").map(([, , { function_name, environment }]) => {
        const { variables } = environment as { readonly variables: Record<string, string> };
        return [function_name, variables.CONSOLE_URL];
      }),
    );
    const address = addresses.get("slipway-show-console");
    expect(address).toMatch(/^\$\{aws_apigatewayv2_api\.console_api_\w+\.api_endpoint\}$/);
    expect(addresses.get("slipway-report-outcome")).toBe(address);
    const outputs = listResources(withConsole, "aws_ssm_parameter").find(
      ([, , { name }]) => name === "/slipway/outputs",
    )?.[2].value;
    expect(outputs).toContain(`"CONSOLE_URL":"${address}"`);
    expect(outputs).toContain('"CONSOLE_USER_GROUP":"S0000000000"');
  });

  test("is absent without a user group: no function, no address, no secret, no role", () => {
    for (const [stack, { resource }] of without.stacks)
      expect(JSON.stringify(resource).toLowerCase(), stack).not.toMatch(
        /show-console|console_|slipway-console/,
      );
    expect(listStatements(without)).toEqual([]);
  });

  test.each([
    [{ userGroup: "U024BE7LH", clientId: "1.2" }, "a user group's id starts with S"],
    [{ userGroup: "S024BE7LH", clientId: "A024BE7LE" }, "an app's client id is two numbers"],
  ])("is refused with a wrong id: %j", (console, message) => {
    const { accounts } = withConsole;
    const tooling = { ...accounts.tooling, console };
    expect(() => readConfig({ ...accounts, tooling })).toThrow(message);
  });
});
