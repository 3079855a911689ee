import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseFunctionName } from "../platform/serving/function-name.ts";
import { parseStatements } from "../test/infrastructure/stack-policies.ts";
import { listResources, type SynthesizedStacks, synthStacks } from "../test/infrastructure/synth-stacks.ts";
import { trialAccounts } from "../test/infrastructure/trial-accounts.ts";
import { trialAlarms } from "./constructs/alarm-set/trial-alarms.ts";
import { listStacks } from "./terraform-invocations.ts";

/** Attributes that name a resource in an account and region, by AWS's documentation of each type. */
const namingAttributes = [
  "name",
  "function_name",
  "bucket",
  "alarm_name",
  "dashboard_name",
  "repository_name",
  "cluster_identifier",
  "identifier",
  "family",
  "statement_id",
] as const;

/** Resources whose name counts within another resource, by the attribute that says which. */
const parentAttributes = [
  "role",
  "api_id",
  "function_name",
  "topic_arn",
  "event_bus_name",
  "load_balancer_arn",
  "cluster",
  "vpc_id",
  "rule",
] as const;

/** `aws_iam_role slipway-stage-operator`, for each resource that has a name of its own. */
const listPhysicalNames = (synthesized: SynthesizedStacks): readonly string[] => {
  const types = new Set(
    [...synthesized.stacks.values()].flatMap(({ resource }) => Object.keys(resource ?? {})),
  );
  return [...types].flatMap((type) =>
    listResources(synthesized, type).flatMap(([stack, , attributes]) => {
      const name = namingAttributes.map((key) => attributes[key]).find((value) => typeof value === "string");
      if (name === undefined) return [];
      // A reference to another resource means this one only configures it: a bucket's policy, for example.
      if (String(name).includes("${")) return [];
      const parent = parentAttributes.flatMap((key) => {
        const value = attributes[key];
        // A function's role is no namespace of its name; a role's policy has its name within the role.
        if (key === "role" && !type.startsWith("aws_iam_role_")) return [];
        if (typeof value !== "string" || value === name) return [];
        // A reference is unique within its stack.
        return [value.includes("${") ? `${stack} ${value}` : value];
      });
      return [[type, name, ...parent].join(" ")];
    }),
  );
};

const findRepeated = (names: readonly string[]): readonly string[] =>
  names.filter((name, index) => names.indexOf(name) !== index);

test("no function needs more memory than a new account allows, which slipway doctor says", async () => {
  const synthesized = await synthStacks();
  for (const [, , { memory_size }] of listResources(synthesized, "aws_lambda_function"))
    expect(memory_size).toBeLessThanOrEqual(3_008);
  await synthesized.remove();
});

describe("a trial in one account", () => {
  let trial: SynthesizedStacks;
  let shipped: SynthesizedStacks;
  beforeAll(async () => {
    trial = await synthStacks(trialAccounts);
    shipped = await synthStacks();
  });
  afterAll(async () => {
    await trial?.remove();
    await shipped?.remove();
  });

  test("creates no two resources of one name", () => {
    const names = listPhysicalNames(trial);
    // All kinds of resources that could collide are in the list.
    for (const name of [
      "aws_iam_role slipway-stage-deploy-model",
      "aws_iam_role slipway-prod-deploy-model",
      "aws_dynamodb_table slipway-stage-records",
      "aws_cloudwatch_log_group /slipway/http/slipway-prod",
      "aws_kms_alias alias/slipway",
      "aws_ssm_parameter /slipway/stage/RECORDS_HASH_KEY",
    ])
      expect(names).toContain(name);
    expect(names.length).toBeGreaterThan(100);
    expect(findRepeated(names)).toEqual([]);
  });

  test("would collide with the stacks of three accounts, so the rule above can fail", () => {
    const repeated = findRepeated(listPhysicalNames(shipped));
    expect(repeated).toEqual(
      expect.arrayContaining([
        "aws_iam_role slipway-authorize-key",
        "aws_iam_role slipway-terraform",
        "aws_kms_alias alias/slipway",
        "aws_lambda_function slipway-authorize-key",
      ]),
    );
  });

  test("has the alarms of its list and no others, each by the name that three accounts have", () => {
    const names = (synthesized: SynthesizedStacks, stacks?: readonly string[]) =>
      listResources(synthesized, "aws_cloudwatch_metric_alarm", stacks).map(
        ([, , alarm]) => alarm.alarm_name,
      );
    const kept = names(trial, ["delivery", "serving-stage", "serving-prod"]);
    expect(kept.toSorted()).toEqual([...trialAlarms].toSorted());
    expect(names(shipped)).toEqual(expect.arrayContaining(kept));
  });

  test("tells the function that requests approvals, and no other function, that it is a trial", () => {
    const told = (synthesized: SynthesizedStacks) =>
      listResources(synthesized, "aws_lambda_function")
        .filter(([, , { environment }]) => JSON.stringify(environment).includes("SLIPWAY_TRIAL"))
        .map(([, , { function_name }]) => function_name);
    expect(told(trial)).toEqual(["slipway-request-approval"]);
    expect(told(shipped)).toEqual([]);
  });

  test("keeps each stack's state in an object of its own", () => {
    const keys = [...trial.stacks.values()].map(({ terraform }) => terraform.backend.s3.key);
    expect(new Set(keys).size).toBe(trial.stacks.size);
  });

  test("has one bootstrap, with the account's only key and Terraform role", () => {
    expect([...trial.stacks.keys()].sort()).toEqual(listStacks(trial.accounts).toSorted());
    expect(listStacks(trial.accounts).filter((stack) => stack.startsWith("bootstrap"))).toEqual([
      "bootstrap-tooling",
    ]);
  });

  test("names no function of its own like a model's, which a delivery or a retirement would change", () => {
    const names = listResources(trial, "aws_lambda_function").map(([, , { function_name }]) => function_name);
    expect(names).toContain("slipway-authorize-key-stage");
    expect(names).toContain("slipway-authorize-key-prod");
    expect(names.filter((name) => parseFunctionName(String(name)) !== undefined)).toEqual([]);
  });

  test("still requires each environment's own external id and caller", () => {
    for (const environment of ["stage", "prod"] as const) {
      const roles = listResources(trial, "aws_iam_role", [`serving-${environment}`]).filter(
        ([, , { name }]) => String(name).startsWith(`slipway-${environment}-`),
      );
      const trusts = roles.flatMap(([, , { assume_role_policy }]) => parseStatements(assume_role_policy));
      const callers = trusts.filter(({ Principal }) => JSON.stringify(Principal).includes(":root"));
      expect(callers.length).toBeGreaterThanOrEqual(5);
      for (const { Condition } of callers)
        expect(Condition).toMatchObject({
          StringEquals: { "sts:ExternalId": trial.accounts[environment].externalId },
          ArnLike: { "aws:PrincipalArn": expect.arrayContaining([expect.stringContaining(":role/")]) },
        });
    }
  });

  test("lets a role of one environment change no function of the other", () => {
    for (const [, , { policy }] of listResources(trial, "aws_iam_role_policy", ["serving-stage"]))
      expect(JSON.stringify(parseStatements(policy))).not.toMatch(/function:slipway-(prod|\*)|slipway-prod/);
  });

  test("repeats no account in a policy: AWS keeps each once, and every later plan would want to change it", () => {
    for (const { resource } of trial.stacks.values())
      for (const resources of Object.values(resource ?? {}))
        for (const attributes of Object.values(resources))
          for (const value of Object.values(attributes)) {
            if (typeof value !== "string" || !value.includes('"Statement"')) continue;
            for (const list of value.match(/\[[^[\]{}]*\]/g) ?? []) {
              const items = list.match(/"[^"]*"/g) ?? [];
              expect([list, new Set(items).size]).toEqual([list, items.length]);
            }
          }
  });
});
