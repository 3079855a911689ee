import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { formatPutParameter } from "../platform/secrets/format-put-parameter.ts";
import { defineDelivery, type StepName, stepNames } from "../statemachine/delivery.ts";
import { listStackPolicies, parseStatements, toArray } from "../test/infrastructure/stack-policies.ts";
import {
  listResources,
  type ResourceJson,
  type SynthesizedStacks,
  synthStacks,
} from "../test/infrastructure/synth-stacks.ts";
import { variableGroups } from "../worlds/aws/environment/variable-groups.ts";
import { anyResourceReasons } from "./permissions/statement.ts";
import { nameResources } from "./resource-names.ts";

let synthesized: SynthesizedStacks;
beforeAll(async () => {
  synthesized = await synthStacks();
});
afterAll(() => synthesized?.remove());

const listWrittenResources = (type: string) => listResources(synthesized, type);
const attributeText = (resource: ResourceJson, attribute: string) => String(resource[attribute]);
/** The first element of a block, which is an object or a list in Terraform's JSON. */
const firstBlock = (value: unknown): ResourceJson =>
  (Array.isArray(value) ? value[0] : value) as ResourceJson;
const readStackFile = (stack: string) =>
  readFile(join(synthesized.folder, "stacks", stack, "cdk.tf.json"), "utf8");

describe("the stacks", () => {
  test("are complete, in the three accounts", () => {
    expect([...synthesized.stacks.keys()]).toEqual([
      "bootstrap-prod",
      "bootstrap-stage",
      "bootstrap-tooling",
      "delivery",
      "network",
      "registry",
      "serving-prod",
      "serving-stage",
    ]);
  });

  test("only run against the configuration's accounts, with locked and encrypted states in one bucket", () => {
    for (const [stack, { provider, terraform }] of synthesized.stacks) {
      const account = stack.endsWith("prod") ? "prod" : stack.endsWith("stage") ? "stage" : "tooling";
      expect(provider.aws[0]?.allowed_account_ids).toEqual([synthesized.accounts[account].account]);
      expect(terraform.backend.s3).toMatchObject({
        bucket: nameResources(synthesized.accounts).stateBucket,
        key: `${stack}.tfstate`,
        encrypt: true,
        use_lockfile: true,
      });
    }
  });

  test("tag their resources with their name and the configuration's tags", () => {
    for (const [stack, { provider }] of synthesized.stacks)
      expect(firstBlock(provider.aws[0]?.default_tags).tags).toMatchObject({
        "slipway:stack": stack,
        "cost-center": "machine-learning",
      });
  });

  test("are the same bytes on every machine: a second synth is equal, and no path is absolute", async () => {
    const again = await synthStacks();
    try {
      for (const stack of synthesized.stacks.keys()) {
        const once = await readStackFile(stack);
        expect(await readFile(join(again.folder, "stacks", stack, "cdk.tf.json"), "utf8")).toBe(once);
        expect(once).not.toContain(synthesized.folder.slice(0, 8));
      }
    } finally {
      await again.remove();
    }
  });

  test("have no resources of single models: no function from an image, no alias, no model's route", async () => {
    expect(
      listWrittenResources("aws_lambda_function").filter(
        ([, , resource]) => resource.package_type === "Image",
      ),
    ).toEqual([]);
    expect(listWrittenResources("aws_lambda_alias")).toEqual([]);
    expect(listResources(synthesized, "aws_apigatewayv2_route", ["serving-stage", "serving-prod"])).toEqual(
      [],
    );
    for (const stack of synthesized.stacks.keys()) expect(await readStackFile(stack)).not.toContain("churn");
  });
});

describe("permissions", () => {
  test("name their resources, or the statement's Sid gives the reason for *", () => {
    const withoutReason = listStackPolicies(synthesized).flatMap(({ stack, name, statements }) =>
      statements
        .filter(
          ({ Effect, Resource, Sid = "" }) =>
            Effect === "Allow" &&
            toArray(Resource).some((resource) => /^\*$|^arn:aws:[\w-]+:[^:]*:[^:]*:\*$/.test(resource)) &&
            !(Sid.replace(/\d+$/, "") in anyResourceReasons),
        )
        .map((statement) => `${stack} ${name}: ${JSON.stringify(statement)}`),
    );
    expect(withoutReason).toEqual([]);
  });

  test("name their actions: only a key's policy allows all actions of a service, to its own account", () => {
    const wildcards = listStackPolicies(synthesized).flatMap(({ stack, name, kind, statements }) =>
      statements
        .filter(({ Effect }) => Effect === "Allow")
        .flatMap(({ Action }) => toArray(Action))
        .filter((action) => action.endsWith("*") && kind !== "aws_kms_key")
        .map((action) => `${stack} ${name}: ${action}`),
    );
    expect(wildcards).toEqual([]);
  });

  test("of keys apply only through a service or through their own account's policies", () => {
    for (const [stack, , key] of listWrittenResources("aws_kms_key")) {
      const account =
        synthesized.accounts[stack.endsWith("prod") ? "prod" : stack.endsWith("stage") ? "stage" : "tooling"]
          .account;
      for (const { Principal, Condition } of parseStatements(key.policy)) {
        const root = JSON.stringify(Principal) === JSON.stringify({ AWS: `arn:aws:iam::${account}:root` });
        const isEventBridge =
          JSON.stringify(Principal) === JSON.stringify({ Service: "events.amazonaws.com" });
        expect(root || isEventBridge || Condition !== undefined).toBe(true);
        if (JSON.stringify(Principal) === JSON.stringify({ AWS: "*" }))
          expect(Condition?.StringEquals).toMatchObject({ "kms:CallerAccount": account });
      }
    }
  });

  // docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
  test("of tooling's key name the alarms that may use it, and no source of EventBridge, whose requests carry none", () => {
    const statementsOf = (stack: string) =>
      listResources(synthesized, "aws_kms_key", [stack]).flatMap(([, , key]) => parseStatements(key.policy));
    const ofServices = (stack: string) =>
      statementsOf(stack)
        .filter(({ Principal }) => JSON.stringify(Principal).includes('"Service":'))
        .map(({ Principal, Condition }) => ({ Principal, Condition }));
    const accounts = Object.values(synthesized.accounts).map(({ account }) => account);
    const { region } = synthesized.accounts.tooling;
    const logs = (account: string) => ({
      Principal: { Service: `logs.${region}.amazonaws.com` },
      Condition: {
        ArnLike: { "kms:EncryptionContext:aws:logs:arn": `arn:aws:logs:${region}:${account}:log-group:*` },
      },
    });
    expect(ofServices("bootstrap-tooling")).toEqual([
      logs(synthesized.accounts.tooling.account),
      {
        Principal: { Service: "cloudwatch.amazonaws.com" },
        Condition: {
          StringEquals: { "aws:SourceAccount": accounts },
          ArnLike: { "aws:SourceArn": accounts.map((id) => `arn:aws:cloudwatch:*:${id}:alarm:slipway-*`) },
        },
      },
      { Principal: { Service: "events.amazonaws.com" }, Condition: undefined },
    ]);
    for (const environment of ["stage", "prod"] as const)
      expect(ofServices(`bootstrap-${environment}`)).toEqual([
        logs(synthesized.accounts[environment].account),
      ]);
  });

  test("each caller from tooling has its own role in an environment, which trusts only that caller with the environment's external id", () => {
    for (const environment of ["stage", "prod"] as const) {
      const roles = listResources(synthesized, "aws_iam_role", [`serving-${environment}`]).filter(
        ([, name]) => name.includes("callers"),
      );
      expect(roles.length).toBeGreaterThan(3);
      for (const [, , role] of roles) {
        const caller = attributeText(role, "name").replace(`slipway-${environment}-`, "");
        const names = nameResources(synthesized.accounts);
        expect(parseStatements(role.assume_role_policy)).toEqual([
          {
            Effect: "Allow",
            Principal: { AWS: `arn:aws:iam::${synthesized.accounts.tooling.account}:root` },
            Action: "sts:AssumeRole",
            Condition: {
              StringEquals: { "sts:ExternalId": synthesized.accounts[environment].externalId },
              ArnLike: {
                "aws:PrincipalArn":
                  caller === "operator"
                    ? synthesized.accounts.tooling.operators
                    : [names.functionRoleArn(caller)],
              },
            },
          },
        ]);
      }
    }
  });

  test("a function may assume exactly the roles of its variables, and these exist", () => {
    const existingRoles = new Set(
      (["stage", "prod"] as const).flatMap((environment) =>
        listResources(synthesized, "aws_iam_role", [`serving-${environment}`]).map(
          ([, , role]) =>
            `arn:aws:iam::${synthesized.accounts[environment].account}:role/${attributeText(role, "name")}`,
        ),
      ),
    );
    for (const [, name, { policy }] of listResources(synthesized, "aws_iam_role_policy", ["delivery"])) {
      const assumedRoles = parseStatements(policy)
        .filter(({ Action }) => toArray(Action).includes("sts:AssumeRole"))
        .flatMap(({ Resource }) => toArray(Resource));
      for (const role of assumedRoles) expect(existingRoles).toContain(role);
      const lambda = listWrittenResources("aws_lambda_function").find(([, other]) =>
        other.startsWith(name.replace(/_policy_\w+$/, "_function_")),
      )?.[2];
      if (lambda === undefined) continue;
      const variables = firstBlock(lambda.environment).variables as Record<string, string>;
      const expected = [variables.STAGE_ROLE_ARN, variables.PROD_ROLE_ARN].filter((arn) => arn !== undefined);
      expect(assumedRoles.toSorted()).toEqual(expected.toSorted());
    }
  });
});

describe("functions", () => {
  test("there is one for each folder, with exactly the variables of its env.ts", () => {
    const functions = new Map(
      listWrittenResources("aws_lambda_function").map(([stack, , resource]) => [
        `${stack} ${attributeText(resource, "function_name")}`,
        resource,
      ]),
    );
    // report-source only where the configuration reports on GitHub: config-choices.test.ts.
    const toolingFunctions = synthesized.functions.filter(
      ({ name }) => name !== "authorize-key" && name !== "report-source",
    );
    expect(functions.size).toBeGreaterThanOrEqual(toolingFunctions.length);
    for (const { name, variables } of toolingFunctions) {
      const deployed = functions.get(`delivery slipway-${name}`);
      expect(deployed, name).toBeDefined();
      const variableNames = Object.keys(firstBlock(deployed?.environment).variables as object);
      const required = [...variables].filter(([, { optional }]) => !optional).map(([variable]) => variable);
      expect(variableNames).toEqual(expect.arrayContaining(required));
      expect([...variables.keys()]).toEqual(expect.arrayContaining(variableNames));
    }
  });

  test("each has an encrypted log group, and each that events invoke has a dead-letter queue with an alarm", () => {
    const groups = new Map(
      listWrittenResources("aws_cloudwatch_log_group").map(([stack, , resource]) => [
        `${stack} ${attributeText(resource, "name")}`,
        resource,
      ]),
    );
    const alarmDimensions = JSON.stringify(
      listWrittenResources("aws_cloudwatch_metric_alarm").map(([, , resource]) => resource.dimensions),
    );
    for (const [stack, , resource] of listWrittenResources("aws_lambda_function")) {
      const name = attributeText(resource, "function_name");
      expect(groups.get(`${stack} /aws/lambda/${name}`)?.kms_key_id, name).toBeDefined();
    }
    const queues = listWrittenResources("aws_sqs_queue");
    expect(queues.map(([, , queue]) => attributeText(queue, "name"))).toEqual([
      "slipway-answer-approval-dead-letters",
      "slipway-notify-dead-letters",
      "slipway-publish-events-dead-letters",
      "slipway-start-delivery-dead-letters",
      "slipway-sweep-deliveries-dead-letters",
      "slipway-watch-models-dead-letters",
    ]);
    for (const [, name] of queues) expect(alarmDimensions).toContain(`aws_sqs_queue.${name}.name`);
    for (const [, , target] of listWrittenResources("aws_cloudwatch_event_target"))
      expect(target.dead_letter_config).toBeDefined();
    // The ARN of a rule on another bus than the default one names the bus.
    // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-manage-iam-access.html
    const rules = listWrittenResources("aws_cloudwatch_event_rule").map(([, , rule]) =>
      rule.event_bus_name === undefined ? String(rule.name) : `slipway/${rule.name}`,
    );
    expect(rules).toContain("slipway/slipway-events");
    const senders = listWrittenResources("aws_sqs_queue_policy").flatMap(([, , { policy }]) =>
      parseStatements(policy).flatMap(({ Condition }) => {
        const condition = z.object({ ArnLike: z.object({ "aws:SourceArn": z.array(z.string()) }) });
        return condition.safeParse(Condition).data?.ArnLike["aws:SourceArn"] ?? [];
      }),
    );
    const patterns = [...new Set(senders.map((arn) => arn.split(":rule/")[1] ?? ""))];
    // `*` of ArnLike stays within a part between colons; here no rule's own name has a slash.
    for (const rule of rules)
      expect(patterns.some((pattern) => rule.startsWith(pattern.replace("*", "")))).toBe(true);
  });

  test("answer-approval invokes itself: two retries within 15 minutes, then its dead-letter queue", () => {
    const [[, , answering] = ["", "", {}]] = listWrittenResources("aws_lambda_function").filter(
      ([, , resource]) => resource.function_name === "slipway-answer-approval",
    );
    expect(JSON.stringify(answering.dead_letter_config)).toContain("answer-approval_dead-letters");
    // Slack waits three seconds, also for a cold start: docs/benchmarks.md, bench:answer.
    expect(answering.memory_size).toBe(1_024);
    expect(
      listWrittenResources("aws_lambda_function_event_invoke_config").map(([stack, , config]) => ({
        ...config,
        stack,
      })),
    ).toEqual([
      expect.objectContaining({
        stack: "delivery",
        function_name: expect.stringContaining("answer-approval"),
        maximum_retry_attempts: 2,
        maximum_event_age_in_seconds: 900,
      }),
    ]);
  });

  test("only answer-approval's own role may invoke it, and API Gateway by Slack's route: no follow-up can be forged", () => {
    const arn = nameResources(synthesized.accounts).functionArn("answer-approval");
    const matches = (pattern: string) =>
      new RegExp(`^${pattern.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`).test(arn);
    const invokers = listStackPolicies(synthesized).filter(({ statements }) =>
      statements.some(
        ({ Effect, Action, Resource }) =>
          Effect === "Allow" &&
          toArray(Action).some((action) => /^(\*|lambda:(\*|Invoke))/.test(action)) &&
          toArray(Resource).some(matches),
      ),
    );
    expect(invokers.map(({ stack, kind, name }) => `${stack} ${kind} ${name}`)).toEqual([
      expect.stringMatching(/^delivery aws_iam_role_policy functions_answer-approval_policy/),
    ]);
    expect(
      listWrittenResources("aws_lambda_permission")
        .filter(([, , permission]) => attributeText(permission, "function_name").includes("answer-approval"))
        .map(([, , { principal, source_arn }]) => [principal, source_arn]),
    ).toEqual([["apigateway.amazonaws.com", expect.stringContaining("/*/POST/slack/interactions")]]);
  });

  test("have the timeout of the state that waits for them", () => {
    const timeouts = Object.fromEntries(
      listWrittenResources("aws_lambda_function").map(([, , resource]) => [
        attributeText(resource, "function_name"),
        resource.timeout,
      ]),
    );
    expect(timeouts).toMatchObject({
      "slipway-verify-model": 900,
      "slipway-deploy-model": 600,
      "slipway-judge-canary": 120,
    });
  });

  test("the state machine may only invoke its steps", () => {
    const [[, , machine] = []] = listWrittenResources("aws_sfn_state_machine");
    const [, , policyResource] =
      listWrittenResources("aws_iam_role_policy").find(([, name]) => name.startsWith("machine_policy")) ?? [];
    const names = nameResources(synthesized.accounts);
    const invoked = parseStatements(policyResource?.policy)
      .filter(({ Action }) => toArray(Action).includes("lambda:InvokeFunction"))
      .flatMap(({ Resource }) => toArray(Resource));
    expect(invoked.toSorted()).toEqual(stepNames.map(names.functionArn).toSorted());
    for (const arn of invoked) expect(attributeText(machine ?? {}, "definition")).toContain(arn);
    expect(machine?.logging_configuration).toMatchObject({ include_execution_data: false });
  });
});

describe("data", () => {
  test("tables, topics, queues, logs, buckets and images are encrypted with a key", () => {
    const keys = [
      ...listWrittenResources("aws_dynamodb_table").map(
        ([, , resource]) => firstBlock(resource.server_side_encryption).kms_key_arn,
      ),
      ...listWrittenResources("aws_sns_topic").map(([, , resource]) => resource.kms_master_key_id),
      ...listWrittenResources("aws_sqs_queue").map(([, , resource]) => resource.kms_master_key_id),
      ...listWrittenResources("aws_cloudwatch_log_group").map(([, , resource]) => resource.kms_key_id),
      ...listWrittenResources("aws_rds_cluster").map(([, , resource]) => resource.kms_key_id),
      ...listWrittenResources("aws_ecr_repository").map(
        ([, , resource]) => firstBlock(resource.encryption_configuration).kms_key,
      ),
      ...listWrittenResources("aws_s3_bucket_server_side_encryption_configuration").map(
        ([, , resource]) =>
          firstBlock(firstBlock(resource.rule).apply_server_side_encryption_by_default).kms_master_key_id,
      ),
    ];
    expect(keys.length).toBeGreaterThan(30);
    for (const key of keys) expect(String(key)).toMatch(/^\$\{.*key.*\}$/);
    expect(listWrittenResources("aws_s3_bucket_server_side_encryption_configuration").length).toBe(
      listWrittenResources("aws_s3_bucket").length,
    );
    // KMS does not rotate asymmetric keys.
    for (const [, , key] of listWrittenResources("aws_kms_key"))
      if (key.key_usage !== "SIGN_VERIFY") expect(key.enable_key_rotation).toBe(true);
  });

  test("buckets, queues and topics require TLS", () => {
    const denyPolicies = listStackPolicies(synthesized).filter(({ statements }) =>
      statements.some(
        ({ Effect, Principal, Condition }) =>
          Effect === "Deny" && Principal === "*" && Condition?.Bool?.["aws:SecureTransport"] === "false",
      ),
    );
    const count = (kind: string) => denyPolicies.filter((policy) => policy.kind === kind).length;
    expect(count("aws_s3_bucket_policy")).toBe(listWrittenResources("aws_s3_bucket").length);
    expect(count("aws_sqs_queue_policy")).toBe(listWrittenResources("aws_sqs_queue").length);
    expect(count("aws_sns_topic_policy")).toBe(listWrittenResources("aws_sns_topic").length);
  });

  test("no bucket, database or load balancer is public, and no security group allows an address", () => {
    expect(listWrittenResources("aws_s3_bucket_public_access_block").length).toBe(
      listWrittenResources("aws_s3_bucket").length,
    );
    for (const [, , resource] of listWrittenResources("aws_s3_bucket_public_access_block"))
      expect(resource).toMatchObject({
        block_public_acls: true,
        block_public_policy: true,
        ignore_public_acls: true,
        restrict_public_buckets: true,
      });
    for (const [, , resource] of listWrittenResources("aws_rds_cluster_instance"))
      expect(resource.publicly_accessible).toBe(false);
    for (const [, , resource] of listWrittenResources("aws_lb")) expect(resource.internal).toBe(true);
    const rules = listWrittenResources("aws_vpc_security_group_ingress_rule");
    expect(rules.length).toBe(3);
    for (const [, , rule] of rules) {
      expect(rule.referenced_security_group_id).toBeDefined();
      expect(rule.cidr_ipv4 ?? rule.cidr_ipv6).toBeUndefined();
    }
  });

  test("is protected from deletion, and logs have the configured retention", () => {
    for (const [, , table] of listWrittenResources("aws_dynamodb_table"))
      expect(table).toMatchObject({
        deletion_protection_enabled: true,
        point_in_time_recovery: { enabled: true },
      });
    for (const [, , cluster] of listWrittenResources("aws_rds_cluster"))
      expect(cluster).toMatchObject({ deletion_protection: true, manage_master_user_password: true });
    for (const [, , bucket] of listWrittenResources("aws_s3_bucket"))
      expect(bucket.force_destroy).toBe(false);
    for (const [, , group] of listWrittenResources("aws_cloudwatch_log_group"))
      expect(group.retention_in_days).toBe(365);
  });

  test("models' functions get the location of records and the name of the key's parameter, never the key", async () => {
    const outputs = await readStackFile("delivery");
    for (const environment of ["stage", "prod"]) {
      const [[, , parameter] = []] = listResources(synthesized, "aws_ssm_parameter", [
        `serving-${environment}`,
      ]);
      expect(parameter).toMatchObject({ type: "SecureString", value_wo_version: 1 });
      expect(parameter).not.toHaveProperty("value");
      for (const name of ["TABLE", "BUCKET", "HASH_KEY_PARAMETER"])
        expect(outputs).toContain(`${environment.toUpperCase()}_RECORDS_${name}`);
    }
  });

  test("secrets are write-only, so that no state contains them", async () => {
    const secrets = listWrittenResources("aws_ssm_parameter").filter(
      ([, , resource]) => resource.type === "SecureString",
    );
    expect(secrets.map(([, , resource]) => resource.name)).toEqual([
      "/slipway/CONSOLE_SESSION_KEY",
      "/slipway/SLACK_BOT_TOKEN",
      "/slipway/SLACK_CLIENT_SECRET",
      "/slipway/SLACK_SIGNING_SECRET",
      "/slipway/prod/RECORDS_HASH_KEY",
      "/slipway/stage/RECORDS_HASH_KEY",
    ]);
    for (const [, , resource] of secrets) {
      expect(resource.value).toBeUndefined();
      expect(resource.value_wo).toContain("uuid()");
    }
  });
});

describe("entry points", () => {
  test("only Slack's route and the console, whose function signs people in, have no authorization", () => {
    const openRoutes = listWrittenResources("aws_apigatewayv2_route").filter(
      ([, , route]) => route.authorization_type !== "AWS_IAM",
    );
    expect(openRoutes.map(([stack, , route]) => [stack, route.route_key, route.authorization_type])).toEqual([
      ["delivery", "$default", "NONE"],
      ["delivery", "POST /slack/interactions", "NONE"],
    ]);
    expect(listWrittenResources("aws_lambda_function_url")).toEqual([]);
  });

  // With an identity source that a request lacks, API Gateway would return 401 without calling the authorizer, and a
  // request has only one of `x-api-key` and `Authorization`. https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html
  test("models require a key: their APIs have an authorizer that every request reaches and whose results are not cached", () => {
    for (const environment of ["stage", "prod"]) {
      const [[, , authorizer] = []] = listResources(synthesized, "aws_apigatewayv2_authorizer", [
        `serving-${environment}`,
      ]);
      expect(authorizer).toMatchObject({
        authorizer_type: "REQUEST",
        enable_simple_responses: true,
        authorizer_result_ttl_in_seconds: 0,
      });
      expect(authorizer).not.toHaveProperty("identity_sources");
    }
    const outputs =
      listWrittenResources("aws_ssm_parameter").find(
        ([, , resource]) => resource.name === "/slipway/outputs",
      )?.[2] ?? {};
    expect(attributeText(outputs, "value")).toMatch(/"PROD_AUTHORIZER_ID":"\$\{/);
  });

  test("every stage of an HTTP API has an access log without headers and bodies, and rate limits", () => {
    const stages = listWrittenResources("aws_apigatewayv2_stage");
    expect(stages.length).toBe(5);
    for (const [, , stage] of stages) {
      expect(JSON.stringify(stage.access_log_settings)).not.toMatch(/header|body|querystring/i);
      expect(firstBlock(stage.default_route_settings).throttling_rate_limit).toBeGreaterThan(0);
    }
  });

  test("CI signs in without access keys, only from this repository, and pull requests may only plan", () => {
    const trusts = listResources(synthesized, "aws_iam_role", ["bootstrap-tooling"])
      .filter(([, , role]) => attributeText(role, "name").startsWith("slipway-ci"))
      .map(([, , role]) => [role.name, parseStatements(role.assume_role_policy)[0]?.Condition?.StringEquals]);
    const { repository, environment } = synthesized.accounts.tooling.ci ?? {};
    const subject = "token.actions.githubusercontent.com:sub";
    expect(Object.fromEntries(trusts)).toMatchObject({
      "slipway-ci-apply": { [subject]: [`repo:${repository}:environment:${environment}`] },
      "slipway-ci-plan": { [subject]: [`repo:${repository}:pull_request`] },
    });
    expect(listWrittenResources("aws_iam_access_key")).toEqual([]);
    expect(listWrittenResources("aws_iam_user")).toEqual([]);
    for (const account of ["tooling", "stage", "prod"])
      expect(
        listResources(synthesized, "aws_iam_role_policy", [`bootstrap-${account}`]).filter(([, , resource]) =>
          attributeText(resource, "role").includes("roles_plan"),
        ),
      ).toEqual([]);
  });
});

describe("images", () => {
  test("are immutable and scanned at the push, and promoted ones are kept", () => {
    const [[, , repository] = []] = listWrittenResources("aws_ecr_repository");
    expect(repository).toMatchObject({
      image_tag_mutability: "IMMUTABLE",
      image_scanning_configuration: { scan_on_push: true },
    });
    const [[, , lifecycle] = []] = listWrittenResources("aws_ecr_lifecycle_policy");
    const [first, second] = JSON.parse(attributeText(lifecycle ?? {}, "policy")).rules;
    expect(first.selection).toMatchObject({ tagPrefixList: ["release-"], countType: "imageCountMoreThan" });
    expect(first.rulePriority).toBeLessThan(second.rulePriority);
  });

  test("are built by the platform's builder, pinned by the hash of the uploaded archive, without a source", () => {
    const [[, , project] = []] = listWrittenResources("aws_codebuild_project");
    expect(firstBlock(project?.source)).toMatchObject({ type: "NO_SOURCE" });
    expect(firstBlock(project?.source).buildspec).toContain("sha256sum --check");
    expect(project?.source_version).toBeUndefined();
    const [[, , archive] = []] = listWrittenResources("aws_s3_object");
    const { environment_variable: variables } = firstBlock(project?.environment);
    const digest = (variables as ResourceJson[]).find(({ name }) => name === "BUILDER_DIGEST")?.value;
    expect(digest).toMatch(/^sha256:\$\{filesha256\(".*builder\.tar"\)\}$/);
    expect(archive?.key).toBe(`builder/${String(digest).slice("sha256:".length)}.tar`);
    const register = listWrittenResources("aws_lambda_function").find(
      ([, , resource]) => resource.function_name === "slipway-register-model",
    );
    expect(firstBlock(register?.[2].environment).variables).toMatchObject({ BUILDER_DIGEST: digest });
  });

  test("are built in an image that is pinned by its digest, and the outputs name it for the doctor", () => {
    const [[, , project] = []] = listWrittenResources("aws_codebuild_project");
    const environment = firstBlock(project?.environment);
    const { architecture, buildImage } = synthesized.accounts.tooling.images;
    expect(environment).toMatchObject({
      image: buildImage,
      image_pull_credentials_type: "SERVICE_ROLE",
      privileged_mode: false,
      type: architecture === "arm64" ? "ARM_CONTAINER" : "LINUX_CONTAINER",
    });
    // CodeBuild does not allow a tag with a digest.
    expect(environment.image).toMatch(/^public\.ecr\.aws\/[\w/-]+@sha256:[0-9a-f]{64}$/);
    const outputs =
      listWrittenResources("aws_ssm_parameter").find(
        ([, , resource]) => resource.name === "/slipway/outputs",
      )?.[2] ?? {};
    expect(attributeText(outputs, "value")).toContain(`"BUILD_IMAGE":"${buildImage}"`);
  });

  test("can only be signed by builds, even if another policy allows it", () => {
    const key = listWrittenResources("aws_kms_key").find(
      ([, , resource]) => resource.key_usage === "SIGN_VERIFY",
    )?.[2];
    expect(key?.customer_master_key_spec).toBe("ECC_NIST_P256");
    expect(parseStatements(key?.policy)).toContainEqual(
      expect.objectContaining({
        Effect: "Deny",
        Action: "kms:Sign",
        Condition: { ArnNotEquals: { "aws:PrincipalArn": nameResources(synthesized.accounts).buildRoleArn } },
      }),
    );
  });

  test("can only be pulled for functions of stage and prod", () => {
    const [[, , pullPolicy] = []] = listWrittenResources("aws_ecr_repository_policy");
    const conditions = JSON.stringify(parseStatements(pullPolicy?.policy).map(({ Condition }) => Condition));
    for (const environment of ["stage", "prod"] as const)
      expect(conditions).toContain(
        `:${synthesized.accounts[environment].account}:function:slipway-${environment}-*`,
      );
    expect(parseStatements(pullPolicy?.policy).every(({ Condition }) => Condition !== undefined)).toBe(true);
  });
});

describe("the platform's policy", () => {
  test("can only be written by operators, like freezes: their ledger, their proposals, and signatures under their own user id", () => {
    const [[, , operators] = []] = listWrittenResources("aws_iam_policy");
    const writes = parseStatements(operators?.policy).filter(({ Action }) =>
      toArray(Action).some((action) => /Item$/.test(action) && !/Get/.test(action)),
    );
    const update = { Effect: "Allow", Action: ["dynamodb:UpdateItem"], Resource: expect.anything() };
    expect(writes).toEqual([
      {
        ...update,
        Condition: {
          "ForAllValues:StringEquals": {
            "dynamodb:LeadingKeys": ["policy"],
            // Not `expiresAt`: if an entry expired, the previous one would be in force.
            "dynamodb:Attributes": ["pk", "sk", "value", "version", "write"],
          },
          Null: { "dynamodb:LeadingKeys": "false", "dynamodb:Attributes": "false" },
        },
      },
      {
        ...update,
        Condition: {
          "ForAllValues:StringEquals": {
            "dynamodb:LeadingKeys": [
              "policy-proposals",
              expect.stringMatching(/^policy-signed#\$+\{aws:userid\}$/),
              "freezes",
            ],
          },
          Null: { "dynamodb:LeadingKeys": "false" },
        },
      },
    ]);
  });

  test("no function that writes the table may write it", () => {
    const table = listStackPolicies(synthesized).filter(
      ({ stack, kind, statements }) =>
        stack === "delivery" &&
        kind === "aws_iam_role_policy" &&
        JSON.stringify(statements).includes("dynamodb:UpdateItem"),
    );
    expect(table.length).toBeGreaterThan(8);
    for (const { name, statements } of table)
      expect([
        name,
        statements.some(({ Effect, Sid }) => Effect === "Deny" && Sid === "ThePolicyIsTheOperators"),
      ]).toEqual([name, true]);
  });
});

test("a pull request to the branch needs the approval of an operator, because CodeCommit has no owners of paths", () => {
  const [[, , template] = []] = listWrittenResources("aws_codecommit_approval_rule_template");
  expect(JSON.parse(attributeText(template ?? {}, "content"))).toMatchObject({
    DestinationReferences: [`refs/heads/${synthesized.accounts.tooling.source.branch}`],
    Statements: [{ Type: "Approvers", NumberOfApprovalsNeeded: 1 }],
  });
  expect(listWrittenResources("aws_codecommit_approval_rule_template_association")).toHaveLength(1);
});

describe("operations", () => {
  test("every alarm notifies the topic at its start and its end", () => {
    const alarms = listWrittenResources("aws_cloudwatch_metric_alarm");
    const notifications = alarms.map(([stack, , alarm]) => [
      stack,
      JSON.stringify([alarm.alarm_actions, alarm.ok_actions]),
    ]);
    for (const [stack, actions] of notifications)
      expect(actions).toContain(stack === "delivery" ? "aws_sns_topic.alarms.arn" : ":slipway-alarms");
    expect(alarms.map(([, , alarm]) => alarm.alarm_name).toSorted()).toEqual([
      "slipway-deliveries-aborted",
      "slipway-deliveries-approval-waits",
      "slipway-deliveries-console-api",
      "slipway-deliveries-dead-letters-answer-approval",
      "slipway-deliveries-dead-letters-notify",
      "slipway-deliveries-dead-letters-publish-events",
      "slipway-deliveries-dead-letters-start-delivery",
      "slipway-deliveries-dead-letters-sweep-deliveries",
      "slipway-deliveries-dead-letters-watch-models",
      "slipway-deliveries-events-wait",
      "slipway-deliveries-failed",
      "slipway-deliveries-function-errors",
      "slipway-deliveries-silent-models",
      "slipway-deliveries-slack-api",
      "slipway-deliveries-table-throttles",
      "slipway-deliveries-throttles",
      "slipway-deliveries-timed-out",
      "slipway-deliveries-versions-not-woken",
      "slipway-prod-api",
      "slipway-prod-authorizer",
      "slipway-prod-crashes",
      "slipway-prod-errors",
      "slipway-prod-latency",
      "slipway-prod-storage",
      "slipway-prod-table-throttles",
      "slipway-prod-throttles",
      "slipway-registry-hosts",
      "slipway-stage-api",
      "slipway-stage-authorizer",
      "slipway-stage-crashes",
      "slipway-stage-errors",
      "slipway-stage-latency",
      "slipway-stage-storage",
      "slipway-stage-table-throttles",
      "slipway-stage-throttles",
    ]);
  });

  const findAlarm = (name: string) => {
    const found = listWrittenResources("aws_cloudwatch_metric_alarm").find(
      ([, , alarm]) => alarm.alarm_name === name,
    );
    if (found === undefined) throw new Error(`no alarm ${name}`);
    return found[2];
  };
  const listMetrics = ({ metric_query }: ResourceJson) =>
    (metric_query as readonly ResourceJson[])
      .flatMap(({ metric }) => (metric === undefined ? [] : [metric as ResourceJson]))
      .map(({ namespace, metric_name, dimensions }) => ({ namespace, metric_name, dimensions }));

  test("an approval that waits keeps its alarm on while up to five runs of the sweep are missing", () => {
    for (const name of ["approval-waits", "events-wait"])
      expect(findAlarm(`slipway-deliveries-${name}`)).toMatchObject({
        statistic: "Maximum",
        period: 300,
        evaluation_periods: 6,
        datapoints_to_alarm: 1,
        treat_missing_data: "notBreaching",
      });
  });

  test("the registry's alarm is on without a healthy host, and without any target, after ten minutes", () => {
    const alarm = findAlarm("slipway-registry-hosts");
    expect(alarm).toMatchObject({
      namespace: "AWS/ApplicationELB",
      metric_name: "HealthyHostCount",
      comparison_operator: "LessThanThreshold",
      threshold: 1,
      evaluation_periods: 2,
      datapoints_to_alarm: 2,
      treat_missing_data: "breaching",
    });
    expect(JSON.stringify(alarm.dimensions)).toMatch(
      /aws_lb\..*arn_suffix.*aws_lb_target_group\..*arn_suffix/,
    );
  });

  test("HTTP APIs, authorizers, tables and functions have alarms in the account that owns them", () => {
    for (const environment of ["stage", "prod"] as const) {
      expect(findAlarm(`slipway-${environment}-authorizer`)).toMatchObject({
        namespace: "AWS/Lambda",
        metric_name: "Errors",
        dimensions: { FunctionName: "slipway-authorize-key" },
        threshold: 0,
      });
      const api = {
        namespace: "AWS/ApiGateway",
        dimensions: { ApiId: expect.stringContaining("aws_apigatewayv2_api.api.id") },
      };
      expect(listMetrics(findAlarm(`slipway-${environment}-api`))).toEqual([
        { ...api, metric_name: "5xx" },
        { ...api, metric_name: "Count" },
      ]);
    }
    expect(findAlarm("slipway-deliveries-slack-api")).toMatchObject({
      metric_name: "5xx",
      dimensions: { ApiId: expect.stringContaining("aws_apigatewayv2_api.slack_api") },
    });
    const names = nameResources(synthesized.accounts);
    for (const [set, table] of [
      ["deliveries", names.table],
      ["stage", names.recordsTable("stage")],
      ["prod", names.recordsTable("prod")],
    ] as const)
      expect(listMetrics(findAlarm(`slipway-${set}-table-throttles`))).toEqual(
        ["ReadThrottleEvents", "WriteThrottleEvents"].map((metric_name) => ({
          namespace: "AWS/DynamoDB",
          metric_name,
          dimensions: { TableName: table },
        })),
      );
    // One failed call that a retry repairs is no alarm; errors that go on are.
    const errors = findAlarm("slipway-deliveries-function-errors");
    expect(errors).toMatchObject({ metric_name: "Errors", evaluation_periods: 3, datapoints_to_alarm: 2 });
    expect(errors.dimensions).toBeUndefined();
  });

  test("failed executions trigger the sweep, and so does a schedule every five minutes", () => {
    const rules = Object.fromEntries(
      listWrittenResources("aws_cloudwatch_event_rule").map(([, , rule]) => [rule.name, rule]),
    );
    expect(JSON.parse(attributeText(rules["slipway-ended"] ?? {}, "event_pattern")).detail.status).toEqual([
      "ABORTED",
      "TIMED_OUT",
      "FAILED",
    ]);
    expect(rules["slipway-sweep"]?.schedule_expression).toBe("rate(5 minutes)");
  });

  test("models are watched every hour and woken every week, and an hour without a count ends no alarm", () => {
    const rules = listWrittenResources("aws_cloudwatch_event_rule").map(([, , rule]) => rule);
    const targets = listWrittenResources("aws_cloudwatch_event_target").flatMap(([, , target]) =>
      typeof target.input === "string" ? [[JSON.parse(target.input), target.rule]] : [],
    );
    expect(targets).toHaveLength(2);
    for (const [name, schedule, task] of [
      ["slipway-silence", "rate(1 hour)", "find-silence"],
      ["slipway-wake", "rate(7 days)", "wake"],
    ]) {
      expect(rules.find((rule) => rule.name === name)?.schedule_expression).toBe(schedule);
      expect(targets.map(([input]) => input)).toContainEqual({ task });
    }
    const silent = listWrittenResources("aws_cloudwatch_metric_alarm").find(
      ([, , alarm]) => alarm.alarm_name === "slipway-deliveries-silent-models",
    )?.[2];
    expect(silent).toMatchObject({ period: 3_600, evaluation_periods: 2, datapoints_to_alarm: 1 });
  });

  test("pushes of every branch and tag reach start-delivery: one branch starts deliveries, and every pusher is recorded", () => {
    const rule =
      listWrittenResources("aws_cloudwatch_event_rule").find(
        ([, , resource]) => resource.name === "slipway-push",
      )?.[2] ?? {};
    expect(JSON.parse(attributeText(rule, "event_pattern")).detail).toEqual({
      event: ["referenceCreated", "referenceUpdated"],
    });
  });

  test("each environment and the deliveries have a dashboard", () => {
    expect(
      listWrittenResources("aws_cloudwatch_dashboard").map(([, , resource]) => resource.dashboard_name),
    ).toEqual(["slipway-deliveries", "slipway-prod", "slipway-stage"]);
  });

  test("the command's outputs have every variable that functions share, and fit in a standard parameter", () => {
    const outputs =
      listWrittenResources("aws_ssm_parameter").find(
        ([, , resource]) => resource.name === "/slipway/outputs",
      )?.[2] ?? {};
    const values = JSON.parse(attributeText(outputs, "value").replace(/\$\{[^}]*\}/g, "made by Terraform"));
    const optional = [
      "SLACK_API_URL",
      "GITHUB_API",
      "GITHUB_APP_ID",
      "GITHUB_INSTALLATION_ID",
      "METRICS_NAMESPACE",
    ];
    const shared = Object.values(variableGroups).flatMap((part) => Object.keys(part));
    expect(Object.keys(values)).toEqual(
      expect.arrayContaining(shared.filter((name) => !optional.includes(name))),
    );
    expect(values.PROD_ROLE_ARN).toMatch(/role\/slipway-prod-operator$/);
    expect(JSON.stringify(values).length).toBeLessThan(4_096);
  });
});

describe("events", () => {
  test("of the outbox start publish-events, and no other write does", () => {
    const [[, , mapping] = []] = listWrittenResources("aws_lambda_event_source_mapping");
    expect(mapping?.event_source_arn).toContain(".stream_arn}");
    const filter = firstBlock(firstBlock(mapping?.filter_criteria).filter);
    expect(JSON.parse(String(filter.pattern))).toEqual({
      eventName: ["INSERT", "MODIFY"],
      dynamodb: { Keys: { pk: { S: ["outbox"] } } },
    });
    const streams = listWrittenResources("aws_dynamodb_table").filter(
      ([, , table]) => table.stream_enabled === true,
    );
    expect(streams.map(([, , table]) => [table.name, table.stream_view_type])).toEqual([
      ["slipway-deliveries", "KEYS_ONLY"],
    ]);
  });

  test("go from a bus of their own to a topic that only EventBridge may publish on; what it refuses is kept", () => {
    const [[, busName = "", bus] = []] = listWrittenResources("aws_cloudwatch_event_bus");
    expect(bus?.name).toBe("slipway");
    const rules = listWrittenResources("aws_cloudwatch_event_rule").filter(
      ([, , rule]) => rule.event_bus_name !== undefined,
    );
    expect(rules).toHaveLength(1);
    const [, ruleName, rule] = rules[0] ?? [];
    expect(JSON.parse(String(rule?.event_pattern))).toEqual({ source: ["slipway"] });
    expect(String(rule?.event_bus_name)).toContain(`aws_cloudwatch_event_bus.${busName}.`);
    const target = listWrittenResources("aws_cloudwatch_event_target").find(([, , each]) =>
      String(each.rule).includes(`.${ruleName}.`),
    )?.[2];
    expect(String(target?.event_bus_name)).toContain(`aws_cloudwatch_event_bus.${busName}.`);
    expect(String(target?.arn)).toContain("aws_sns_topic.bus_topic");
    expect(target?.role_arn).toBeUndefined();
    const policy = listWrittenResources("aws_sns_topic_policy").find(([, name]) => name.startsWith("bus_"));
    // docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
    expect(parseStatements(policy?.[2].policy).filter(({ Effect }) => Effect === "Allow")).toEqual([
      expect.objectContaining({
        Principal: { Service: "events.amazonaws.com" },
        Action: "sns:Publish",
        Resource: expect.stringContaining("aws_sns_topic.bus_topic"),
      }),
    ]);
  });

  test("reach Slack and the configured addresses by their types; alarms reach both", () => {
    const subscriptions = listWrittenResources("aws_sns_topic_subscription").map(([, , each]) => [
      each.protocol,
      String(each.topic_arn).includes("aws_sns_topic.alarms.") ? "alarms" : "events",
      each.protocol === "email" ? each.endpoint : "notify",
      each.filter_policy === undefined
        ? undefined
        : [each.filter_policy_scope, JSON.parse(String(each.filter_policy))],
    ]);
    const types = ["MessageBody", { "detail-type": ["Rolled Back", "Configuration Drift"] }];
    expect(subscriptions).toHaveLength(4);
    expect(subscriptions).toEqual(
      expect.arrayContaining([
        ["lambda", "alarms", "notify", undefined],
        ["lambda", "events", "notify", types],
        ["email", "alarms", "platform@example.com", undefined],
        ["email", "events", "platform@example.com", types],
      ]),
    );
  });

  test("that no write reported are published by a schedule, by the one function that may publish", () => {
    const schedules = listWrittenResources("aws_cloudwatch_event_rule").map(([, , rule]) => [
      rule.name,
      rule.schedule_expression,
    ]);
    expect(schedules).toContainEqual(["slipway-publish", "rate(5 minutes)"]);
    const names = nameResources(synthesized.accounts);
    const publishers = listResources(synthesized, "aws_iam_role_policy", ["delivery"])
      .filter(([, , { policy }]) =>
        parseStatements(policy).some(
          ({ Action, Resource }) =>
            toArray(Action).includes("events:PutEvents") && toArray(Resource).includes(names.eventBusArn),
        ),
      )
      .map(([, name]) => name.replace(/^functions_|_policy_\w+$/g, ""));
    expect(publishers).toEqual(["publish-events"]);
  });
});

test("the state BuildImage waits longer than a build may wait and run", () => {
  const [project] = listWrittenResources("aws_codebuild_project");
  const { queued_timeout: queued, build_timeout: building } = project?.[2] ?? {};
  const { BuildImage } = defineDelivery({
    functions: Object.fromEntries(stepNames.map((name) => [name, name])) as Record<StepName, string>,
    buildProject: "builds",
  }).States;
  expect(BuildImage.TimeoutSeconds).toBeGreaterThan(60 * (Number(queued) + Number(building)));
});

describe("a second apply", () => {
  test("leaves a secret's key as people wrote it", () => {
    const secrets = listWrittenResources("aws_ssm_parameter").filter(
      ([, , resource]) => resource.type === "SecureString",
    );
    expect(secrets.length).toBeGreaterThan(3);
    for (const [stack, name, resource] of secrets)
      expect([stack, name, resource.lifecycle]).toEqual([stack, name, { ignore_changes: ["key_id"] }]);
  });

  test("the documents write a secret with the command of the remedies", async () => {
    const text = await readFile(join(import.meta.dirname, "..", "docs", "infrastructure.md"), "utf8");
    const written = text.match(/aws ssm put-parameter .*/g) ?? [];
    expect(written.length).toBeGreaterThan(1);
    for (const command of written) {
      const [, parameter = "", value = ""] = /--name (\S+) --value (\S+)$/.exec(command) ?? [];
      expect(command).toBe(formatPutParameter(parameter, value));
    }
  });

  // docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_UpgradeDBInstance.Upgrading.html
  test("keeps the minor version to which AWS upgraded the database", () => {
    const [cluster] = listWrittenResources("aws_rds_cluster");
    const [instance] = listWrittenResources("aws_rds_cluster_instance");
    expect(cluster?.[2].engine_version).toMatch(/^\d+$/);
    expect(instance?.[2].auto_minor_version_upgrade).toBe(true);
  });

  test("can switch the registry's server off: only what holds data is protected from deletion", () => {
    const [balancer] = listWrittenResources("aws_lb");
    expect(balancer?.[2].enable_deletion_protection ?? false).toBe(false);
    const [cluster] = listWrittenResources("aws_rds_cluster");
    expect(cluster?.[2].deletion_protection).toBe(true);
  });
});
