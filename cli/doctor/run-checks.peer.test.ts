import { once } from "node:events";
import { createServer } from "node:http";
import { ApiGatewayV2Client, DeleteApiCommand } from "@aws-sdk/client-apigatewayv2";
import { CodeBuildClient, DeleteProjectCommand } from "@aws-sdk/client-codebuild";
import { DeleteTableCommand, DynamoDBClient, UpdateTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import {
  BatchDeleteImageCommand,
  DeleteRepositoryCommand,
  ECRClient,
  PutImageTagMutabilityCommand,
} from "@aws-sdk/client-ecr";
import { DisableKeyCommand, KMSClient, ListAliasesCommand } from "@aws-sdk/client-kms";
import {
  DeleteFunctionCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { DeleteStateMachineCommand, SFNClient, UpdateStateMachineCommand } from "@aws-sdk/client-sfn";
import { DeleteParameterCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readAwsOutputs } from "#cli/read-aws-outputs.ts";
import { assumeRole } from "#platform/serving/assume-role.ts";
import { createAwsResources } from "#test/peers/create-aws-resources.ts";
import { createBuildProject } from "#test/peers/create-build-project.ts";
import { type Moto, motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { createDoctorConfig, fetchWithPublicServices } from "#test/support/doctor-surroundings.ts";
import { createGitRepository } from "#test/support/git-repository.ts";
import { handlerEnvironment } from "#test/support/handler-environment.ts";
import { runCommand } from "#test/support/run-command.ts";
import { findSentinelSecrets, sentinelSecrets } from "#test/support/sentinel-secrets.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { buildModelYaml, policyYaml } from "#test/support/toy-model.ts";
import { type AwsOutputs, outputsParameter } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";
import { placeholderApprover } from "./placeholder-approver.ts";
import { runChecks } from "./run-checks.ts";

const { skip } = requirePython("tests of slipway doctor");

/** Slack and MLflow for the doctor; each case changes `state`. */
const outside = async () => {
  const state = {
    slack: true,
    team: handlerEnvironment.SLACK_TEAM_ID as string,
    callback: 401,
    mlflow: "3.17.2",
    scopes: "chat:write,channels:history,users:read,users:read.email",
    member: true,
    deleted: false,
    schema: true,
  };
  const server = createServer((request, response) => {
    const json = (body: object) => response.end(JSON.stringify(body));
    const slackMethod = /^\/slack\/([a-z]+\.[a-zA-Z]+)$/.exec(request.url ?? "")?.[1];
    if (slackMethod !== undefined) {
      const known = state.slack && request.headers.authorization === `Bearer ${sentinelSecrets.slackToken}`;
      if (!known) return json({ ok: false, error: "invalid_auth" });
      response.setHeader("x-oauth-scopes", state.scopes);
      switch (slackMethod) {
        case "auth.test":
          return json({ ok: true, team_id: state.team, team: "Acme" });
        case "conversations.history":
          return json(state.member ? { ok: true, messages: [] } : { ok: false, error: "not_in_channel" });
        case "users.info":
          return json({
            ok: true,
            user: { id: "U01ADA", deleted: state.deleted, profile: { email: "ada@example.com" } },
          });
        default:
          return json({ ok: false, error: "unknown_method" });
      }
    }
    if (request.url === "/slack/callback") return response.writeHead(state.callback).end();
    if (request.url?.startsWith("/api/2.0/mlflow/registered-models/search"))
      return state.schema
        ? json({ registered_models: [] })
        : response.writeHead(500).end(JSON.stringify({ message: "Detected out-of-date database schema" }));
    return response.end(state.mlflow);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  return { url, state, server };
};

describe.skipIf(skip)("slipway doctor", () => {
  let moto: Moto;
  let repository: Awaited<ReturnType<typeof createGitRepository>>;
  let there: Awaited<ReturnType<typeof outside>>;
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let outputs: AwsOutputs;
  let before: readonly DoctorFinding[];
  const variables = { AWS_REGION: "eu-central-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };

  /** The configuration of the accounts that the outputs name, or of moto's while there are none. */
  const configuration = async () => {
    const { ACCOUNTS } = await readAwsOutputs(undefined).catch(() => outputs);
    return { accounts: createDoctorConfig(ACCOUNTS), findings: [] };
  };
  const look = () =>
    runChecks({
      outputs: () => readAwsOutputs(undefined),
      configuration,
      checkout: folder.path,
      fetch: fetchWithPublicServices(fetch),
    });
  const client = () => motoClientConfig(moto.endpoint);

  beforeAll(async () => {
    folder = await createTemporaryFolder();
    repository = await createGitRepository();
    await repository.commit(
      {
        "models/churn/model.yaml": buildModelYaml({
          name: "churn",
          approval: "{ approvers: [U01ADA], quorum: 1, authorMayApprove: false, timeout: PT24H }",
        }),
        "policy.yaml": policyYaml.replaceAll(placeholderApprover, "U01ADA").replace(", U0SECOND1", ""),
      },
      "A model",
    );
    moto = await startMoto({ CODECOMMIT_REPOSITORY: repository.path });
    there = await outside();
    outputs = await createAwsResources(moto.endpoint, { slack: `${there.url}/slack/`, mlflow: there.url });
    // The doctor has the same clients as its command: they read the endpoint of AWS from the environment.
    Object.assign(process.env, variables, { AWS_ENDPOINT_URL: moto.endpoint });
    before = await look();
  });
  afterAll(async () => {
    there?.server.closeAllConnections();
    there?.server.close();
    await moto?.stop();
    await repository?.remove();
    await folder?.remove();
  });

  test("finds nothing missing in a complete installation, and reports each check in a sentence", () => {
    expect(before.filter(({ status }) => status !== "ok")).toEqual([]);
    expect(before.length).toBeGreaterThan(30);
    for (const { sentence } of before) expect(sentence).toMatch(/\.$/);
  });

  test("the command prints the checks, and ends with the number of problems", async () => {
    const env = { ...variables, AWS_ENDPOINT_URL: moto.endpoint };
    const { stdout, code } = await runCommand(["doctor"], env);
    expect(stdout).toContain("✓ The profile is of the tooling account 123456789012.");
    expect(stdout).toMatch(/Nothing is missing\.\n$/);
    expect(code).toBe(0);
  });

  /** In this order each step removes one more thing, and the doctor must report the new problem. */
  const removals: readonly [string, () => Promise<unknown>, RegExp, RegExp][] = [
    [
      "Slack's token",
      async () => {
        there.state.slack = false;
      },
      /Slack refuses the bot's token: invalid_auth/,
      /SLACK_BOT_TOKEN/,
    ],
    [
      "Slack's workspace",
      async () => {
        Object.assign(there.state, { slack: true, team: "T0OTHER" });
      },
      /of the workspace T0OTHER/,
      /SLACK_BOT_TOKEN/,
    ],
    [
      "a scope of Slack's app",
      async () => {
        there.state.scopes = "chat:write,channels:history,users:read.email";
      },
      /lacks users:read /,
      /reinstall the app/,
    ],
    [
      "the app's membership of the channel",
      async () => {
        there.state.member = false;
      },
      /the app is not a member/,
      /\/invite/,
    ],
    [
      "an approver's account",
      async () => {
        there.state.deleted = true;
      },
      /approver U01ADA in policy\.yaml, models\/churn\/model\.yaml is deactivated/,
      /Copy member ID/,
    ],
    [
      "the tables of this MLflow",
      async () => {
        Object.assign(there.state, { schema: false, deleted: false });
      },
      /the tables of another version/,
      /mlflow db upgrade/,
    ],
    [
      "Slack's callback",
      async () => {
        there.state.callback = 404;
      },
      /returned status 404/,
      /Interactivity/,
    ],
    [
      "an MLflow without known holes",
      async () => {
        there.state.mlflow = "3.13.1";
      },
      /MLflow 3.13.1 .*known vulnerabilities/,
      /3.14 or newer/,
    ],
    [
      "MLflow itself",
      async () => {
        there.state.mlflow = "<html>";
      },
      /is not MLflow/,
      /MLFLOW_URI/,
    ],
    [
      "the build image's digest",
      () =>
        createBuildProject(moto.endpoint, {
          name: outputs.BUILD_PROJECT,
          role: "arn:aws:iam::123456789012:role/slipway-images-build",
          baseImage: "public.ecr.aws/lambda/nodejs:24",
          image: "aws/codebuild/amazonlinux-aarch64-standard:4.0",
        }),
      /builds in aws\/codebuild\/amazonlinux-aarch64-standard:4.0, which has no digest/,
      /crane digest public.ecr.aws\/codebuild\/amazonlinux-aarch64-standard:4.0 --platform linux\/arm64/,
    ],
    [
      "the build image that was applied",
      () =>
        createBuildProject(moto.endpoint, {
          name: outputs.BUILD_PROJECT,
          role: "arn:aws:iam::123456789012:role/slipway-images-build",
          baseImage: "public.ecr.aws/lambda/nodejs:24",
          image: outputs.BUILD_IMAGE.replace("cc", "dd"),
        }),
      /builds in .*@sha256:dd.*, but Terraform applied .*@sha256:cc.*: somebody changed it/,
      /stack `delivery`/,
    ],
    [
      "the base image's digest",
      () =>
        createBuildProject(moto.endpoint, {
          name: outputs.BUILD_PROJECT,
          role: "arn:aws:iam::123456789012:role/slipway-images-build",
          baseImage: "public.ecr.aws/lambda/nodejs:24",
        }),
      /base image public.ecr.aws\/lambda\/nodejs:24, which has no digest/,
      /crane digest public.ecr.aws\/lambda\/nodejs:24 --platform linux\/arm64/,
    ],
    [
      "the build project",
      () => new CodeBuildClient(client()).send(new DeleteProjectCommand({ name: outputs.BUILD_PROJECT })),
      /no build project slipway-images/,
      /stack `delivery`/,
    ],
    [
      "immutable tags",
      () =>
        new ECRClient(client()).send(
          new PutImageTagMutabilityCommand({ repositoryName: "slipway", imageTagMutability: "MUTABLE" }),
        ),
      /has mutable tags/,
      /put-image-tag-mutability/,
    ],
    [
      "the first image",
      async () => {
        const ecr = new ECRClient(client());
        await ecr.send(
          new PutImageTagMutabilityCommand({ repositoryName: "slipway", imageTagMutability: "IMMUTABLE" }),
        );
        await ecr.send(
          new BatchDeleteImageCommand({
            repositoryName: "slipway",
            imageIds: [{ imageDigest: outputs.FIRST_DIGEST }],
          }),
        );
      },
      /has no image sha256:/,
      /crane copy/,
    ],
    [
      "the image repository",
      () =>
        new ECRClient(client()).send(new DeleteRepositoryCommand({ repositoryName: "slipway", force: true })),
      /no image repository slipway/,
      /stack `delivery`/,
    ],
    [
      "a variable of a function",
      () =>
        new LambdaClient(client()).send(
          new UpdateFunctionConfigurationCommand({
            FunctionName: "slipway-scan-image",
            Environment: { Variables: {} },
          }),
        ),
      /slipway-scan-image cannot start: DELIVERY_TABLE is not set/,
      /stack `delivery`/,
    ],
    [
      "a function",
      () => new LambdaClient(client()).send(new DeleteFunctionCommand({ FunctionName: "slipway-roll-back" })),
      /no function slipway-roll-back/,
      /stack `delivery`/,
    ],
    [
      "this version's state machine",
      () =>
        new SFNClient(client()).send(
          new UpdateStateMachineCommand({
            stateMachineArn: outputs.STATE_MACHINE_ARN,
            definition: JSON.stringify({ StartAt: "A", States: { A: { Type: "Succeed" } } }),
          }),
        ),
      /the definition of another version of Slipway/,
      /check out the deployed version/i,
    ],
    [
      "the state machine",
      () =>
        new SFNClient(client()).send(
          new DeleteStateMachineCommand({ stateMachineArn: outputs.STATE_MACHINE_ARN }),
        ),
      /no state machine/,
      /stack `delivery`/,
    ],
    [
      "the models",
      () => repository.commit({ "models/churn/model.yaml": null, "readme.md": "x" }, "None"),
      /no model under models/,
      /adding-a-model/,
    ],
    [
      "the branch",
      async () => repository.git("branch", "-m", "main", "trunk"),
      /has no branch main/,
      /git push/,
    ],
    [
      "a secret",
      () =>
        new SSMClient(client()).send(new DeleteParameterCommand({ Name: "/slipway/SLACK_SIGNING_SECRET" })),
      /SLACK_SIGNING_SECRET is missing or empty/,
      /put-parameter/,
    ],
    [
      "a secret's value",
      () =>
        new SSMClient(client()).send(
          new PutParameterCommand({
            Name: "/slipway/SLACK_SIGNING_SECRET",
            Value: "unset-1",
            Type: "SecureString",
          }),
        ),
      /SLACK_SIGNING_SECRET has no value yet/,
      /put-parameter/,
    ],
    [
      "the key",
      async () => {
        const kms = new KMSClient(client());
        const { Aliases = [] } = await kms.send(new ListAliasesCommand({}));
        const KeyId = Aliases.find(({ AliasName }) => AliasName === outputs.CIPHER_KEY)?.TargetKeyId;
        await kms.send(new DisableKeyCommand({ KeyId }));
      },
      /is Disabled/,
      /enable-key/,
    ],
    [
      "expiry",
      () =>
        new DynamoDBClient(client()).send(
          new UpdateTimeToLiveCommand({
            TableName: "slipway",
            TimeToLiveSpecification: { Enabled: false, AttributeName: "expiresAt" },
          }),
        ),
      /does not delete expired items/,
      /stack `delivery`/,
    ],
    [
      "the table",
      () => new DynamoDBClient(client()).send(new DeleteTableCommand({ TableName: "slipway" })),
      /no table slipway/,
      /stack `delivery`/,
    ],
    [
      "prod's HTTP API",
      () => {
        const sts = new STSClient(client());
        const credentials = assumeRole({
          sts,
          roleArn: outputs.PROD_ROLE_ARN,
          externalId: outputs.PROD_EXTERNAL_ID,
          session: "test",
          clock: Date.now,
        });
        return new ApiGatewayV2Client({ ...client(), credentials }).send(
          new DeleteApiCommand({ ApiId: outputs.PROD_HTTP_API_ID }),
        );
      },
      /prod has no HTTP API/,
      /serving-prod/,
    ],
    [
      "stage's external id",
      () =>
        new SSMClient(client()).send(
          new PutParameterCommand({
            Name: outputsParameter,
            Overwrite: true,
            Value: JSON.stringify({ ...outputs, STAGE_EXTERNAL_ID: "another" }),
          }),
        ),
      /stage is not accessible/,
      /serving-stage/,
    ],
    [
      "the tooling account",
      () =>
        new SSMClient(client()).send(
          new PutParameterCommand({
            Name: outputsParameter,
            Overwrite: true,
            Value: JSON.stringify({ ...outputs, ACCOUNTS: { ...outputs.ACCOUNTS, tooling: "999999999999" } }),
          }),
        ),
      /is of account 123456789012; the tooling account is 999999999999/,
      /--profile/,
    ],
    [
      "an output",
      () =>
        new SSMClient(client()).send(
          new PutParameterCommand({
            Name: outputsParameter,
            Overwrite: true,
            Value: JSON.stringify({ ...outputs, RUNTIME_DIGEST: undefined }),
          }),
        ),
      /is not complete: RUNTIME_DIGEST/,
      /stack `delivery`/,
    ],
    [
      "the outputs",
      () => new SSMClient(client()).send(new DeleteParameterCommand({ Name: outputsParameter })),
      /no parameter \/slipway\/outputs/,
      /stack `delivery`/,
    ],
    [
      "the region",
      async () => {
        delete process.env.AWS_REGION;
      },
      /No region is set/,
      /AWS_REGION/,
    ],
    [
      "the credentials",
      async () => {
        Object.assign(process.env, {
          AWS_REGION: "eu-central-1",
          AWS_EC2_METADATA_DISABLED: "true",
          HOME: folder.path,
          AWS_PROFILE: "",
        });
        delete process.env.AWS_ACCESS_KEY_ID;
      },
      /no AWS credentials/,
      /aws sso login/,
    ],
  ];

  test.each(removals)(
    "without %s it reports the problem and the remedy",
    async (_, take, sentence, remedy) => {
      await take();
      const now = await look();
      const known = new Set(before.filter(({ status }) => status !== "ok").map((each) => each.sentence));
      const found = now.flatMap((each) =>
        (each.status === "missing" || each.status === "warning") && !known.has(each.sentence) ? [each] : [],
      );
      expect(found.map((each) => each.sentence)).toEqual([expect.stringMatching(sentence)]);
      expect(found[0]?.remedy).toMatch(remedy);
      expect(findSentinelSecrets(JSON.stringify(now))).toEqual([]);
      before = now;
    },
  );
});
