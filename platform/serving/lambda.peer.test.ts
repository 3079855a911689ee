import {
  ApiGatewayV2Client,
  CreateApiCommand,
  CreateAuthorizerCommand,
  GetIntegrationsCommand,
  GetRoutesCommand,
} from "@aws-sdk/client-apigatewayv2";
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { CreateRepositoryCommand, ECRClient, PutImageCommand } from "@aws-sdk/client-ecr";
import {
  DeleteFunctionCommand,
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  GetPolicyCommand,
  LambdaClient,
  ListFunctionsCommand,
  PublishVersionCommand,
  TagResourceCommand,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { setLiveAlias } from "#domain/deployment/set-live-alias.ts";
import { servingContract } from "#test/contracts/serving.ts";
import { createRole } from "#test/peers/create-role.ts";
import { startFaultProxy } from "#test/peers/fault-proxy.ts";
import { startFunctionServer } from "#test/peers/function-server.ts";
import { motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { createScriptedFunction } from "#test/support/scripted-function.ts";
import { assumeRole } from "./assume-role.ts";
import type { LambdaServingDependencies } from "./lambda/lambda-dependencies.ts";
import { createLambdaServing } from "./lambda.ts";
import { createLambdaUpkeep } from "./lambda-upkeep.ts";

const { skip } = requirePython("tests of serving on Lambda");
const tooling = "123456789012";
const stage = "111122223333";

/** Pushes an image to ECR in the tooling account; the functions run the scripted function instead of it. */
const pushImage = async (ecr: ECRClient, content: string): Promise<string> => {
  const { image } = await ecr.send(
    new PutImageCommand({
      repositoryName: "slipway",
      imageManifest: JSON.stringify({
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: { size: 1, digest: "sha256:0" },
        layers: [{ size: 1_000, digest: `sha256:${content}` }],
      }),
      imageTag: content,
    }),
  );
  return z.string().parse(image?.imageId?.imageDigest);
};

/**
 * Two accounts: images are in tooling, functions in stage, which is accessed by its role. `faults`: the share of calls
 * in stage that are throttled, fail, are cut off or lose their response.
 */
const twoAccounts = async ({ faults = 0 } = {}) => {
  const scriptedFunction = await createScriptedFunction();
  const functions = await startFunctionServer(async () => scriptedFunction.root);
  const moto = await startMoto({ FUNCTIONS_URL: functions.url });
  const ecr = new ECRClient(motoClientConfig(moto.endpoint));
  await ecr.send(new CreateRepositoryCommand({ repositoryName: "slipway" }));
  const first = await pushImage(ecr, "first");
  const digests = [await pushImage(ecr, "a"), await pushImage(ecr, "b")] as const;
  const deployer = await createRole(moto.endpoint, stage, "deployer", {
    account: tooling,
    externalId: "secret",
  });
  const role = await createRole(moto.endpoint, stage, "function", { service: "lambda.amazonaws.com" });
  const credentials = assumeRole({
    sts: new STSClient(motoClientConfig(moto.endpoint)),
    roleArn: deployer,
    externalId: "secret",
    session: "delivery-1",
    clock: Date.now,
  });
  const proxy = await startFaultProxy({ target: moto.endpoint, share: faults, seed: 20_261_121 });
  const inStage = { ...motoClientConfig(proxy.endpoint), credentials };
  const lambda = new LambdaClient(inStage);
  const api = new ApiGatewayV2Client(inStage);
  const logs = new CloudWatchLogsClient(inStage);
  const { ApiId = "" } = await api.send(new CreateApiCommand({ Name: "stage", ProtocolType: "HTTP" }));
  const serving = (
    over: Partial<Pick<LambdaServingDependencies, "lambda" | "logKey" | "variables">> & {
      authorizerId?: string;
    } = {},
  ) =>
    createLambdaServing({
      environment: "stage",
      lambda,
      api,
      logs,
      role,
      repository: `${tooling}.dkr.ecr.eu-central-1.amazonaws.com/slipway`,
      firstDigest: first,
      architecture: "arm64",
      httpApi: {
        id: ApiId,
        url: "https://api.example.com",
        ...(over.authorizerId === undefined ? {} : { authorizerId: over.authorizerId }),
      },
      logRetentionDays: 30,
      poll: { minDelay: 0.01, maxDelay: 0.05 },
      ...(over.lambda === undefined ? {} : { lambda: over.lambda }),
      ...(over.variables === undefined ? {} : { variables: over.variables }),
      logKey: over.logKey,
    });
  return {
    moto,
    digests,
    lambda,
    api,
    logs,
    apiId: ApiId,
    serving,
    upkeep: createLambdaUpkeep({ environment: "stage", lambda }),
    inStage,
    proxy,
    stop: async () => {
      await proxy.stop();
      await moto.stop();
      await functions.stop();
      await scriptedFunction.remove();
    },
  };
};

for (const faults of skip ? [] : [0, 0.08])
  servingContract(`Lambda in another account, on moto${faults ? " with faults" : ""}`, async () => {
    const { serving, upkeep, digests, proxy, stop } = await twoAccounts({ faults });
    return {
      serving: serving(),
      elsewhere: serving(),
      upkeep,
      digests: [digests[0], digests[1]],
      payload: { do: "echo" },
      breaking: { do: "throw" },
      versionIn: (answer) => z.object({ version: z.string() }).parse(answer).version,
      stop: async () => {
        await stop();
        expect(proxy.injected.size > 0).toBe(faults > 0);
      },
    };
  });

describe.skipIf(skip)("serving on Lambda", () => {
  let world: Awaited<ReturnType<typeof twoAccounts>>;
  beforeAll(async () => {
    world = await twoAccounts();
  });
  afterAll(() => world?.stop());
  const config = (variable = "1") => ({
    digest: world.digests[0],
    memoryMb: 256,
    timeoutSeconds: 10,
    variables: { SLIPWAY_MODEL_VERSION: variable },
  });
  const routesAndIntegrations = async () => {
    const [routes, integrations] = await Promise.all([
      world.api.send(new GetRoutesCommand({ ApiId: world.apiId })),
      world.api.send(new GetIntegrationsCommand({ ApiId: world.apiId })),
    ]);
    return [routes.Items ?? [], integrations.Items ?? []] as const;
  };

  test("ensure creates one route to the alias, a log group with a retention, and nothing in the caller's account", async () => {
    const serving = world.serving();
    await Promise.all([serving.ensure("churn"), serving.ensure("churn")]);
    await serving.ensure("churn");

    const [routes, integrations] = await routesAndIntegrations();
    expect(routes.map(({ RouteKey }) => RouteKey)).toEqual(["ANY /models/churn/{proxy+}"]);
    const target = integrations.find(
      ({ IntegrationId }) => routes[0]?.Target === `integrations/${IntegrationId}`,
    );
    expect(target).toMatchObject({
      IntegrationUri: `arn:aws:lambda:eu-central-1:${stage}:function:slipway-stage-churn:live`,
      PayloadFormatVersion: "2.0",
    });
    const { logGroups } = await world.logs.send(new DescribeLogGroupsCommand({}));
    expect(logGroups).toMatchObject([
      { logGroupName: "/aws/lambda/slipway-stage-churn", retentionInDays: 30 },
    ]);
    const own = new LambdaClient(motoClientConfig(world.moto.endpoint));
    expect((await own.send(new ListFunctionsCommand({}))).Functions).toEqual([]);

    await serving.retire("churn");
    expect((await routesAndIntegrations()).map(({ length }) => length)).toEqual([0, 0]);
    expect((await world.logs.send(new DescribeLogGroupsCommand({}))).logGroups).toEqual([]);
  });

  test("new and existing log groups are encrypted with the environment's key", async () => {
    const key = (name: string) => `arn:aws:kms:eu-central-1:${stage}:key/${name}`;
    await world.serving().ensure("churn");
    await world.serving({ logKey: key("one") }).ensure("churn");
    await world.serving({ logKey: key("one") }).ensure("spam");
    const { logGroups = [] } = await world.logs.send(new DescribeLogGroupsCommand({}));
    expect(logGroups.map(({ kmsKeyId, retentionInDays }) => ({ kmsKeyId, retentionInDays }))).toEqual(
      Array(2).fill({ kmsKeyId: key("one"), retentionInDays: 30 }),
    );
    for (const model of ["churn", "spam"]) await world.serving().retire(model);
  });

  test("each version has the environment's variables, and publishing twice returns the same version", async () => {
    const serving = world.serving({ variables: { RECORDS_TABLE: "records" } });
    await serving.ensure("churn");
    const first = await serving.publish("churn", config());
    expect(first.config.variables).toEqual({ RECORDS_TABLE: "records", SLIPWAY_MODEL_VERSION: "1" });
    expect((await serving.publish("churn", config())).version).toBe(first.version);
    await serving.retire("churn");
  });

  test("a new route has the authorizer, and the next delivery adds it to an open one", async () => {
    const { AuthorizerId = "" } = await world.api.send(
      new CreateAuthorizerCommand({
        ApiId: world.apiId,
        Name: "api-keys",
        AuthorizerType: "REQUEST",
        AuthorizerPayloadFormatVersion: "2.0",
        AuthorizerResultTtlInSeconds: 0,
        AuthorizerUri: `arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:${stage}:function:slipway-stage-authorize-key/invocations`,
        EnableSimpleResponses: true,
        IdentitySource: [],
      }),
    );
    const readAuthorization = async (model: string) => {
      const [routes] = await routesAndIntegrations();
      const route = routes.find(({ RouteKey }) => RouteKey === `ANY /models/${model}/{proxy+}`);
      return [route?.AuthorizationType, route?.AuthorizerId];
    };
    const keyed = world.serving({ authorizerId: AuthorizerId });
    await world.serving().ensure("was-open");
    expect(await readAuthorization("was-open")).toEqual(["NONE", undefined]);
    await keyed.ensure("was-open");
    await keyed.ensure("keyed");
    for (const model of ["was-open", "keyed"]) {
      expect(await readAuthorization(model)).toEqual(["CUSTOM", AuthorizerId]);
      await keyed.retire(model);
    }
  });

  test("the HTTP API may call a new alias and a restored one", async () => {
    const serving = world.serving();
    await serving.ensure("allowed");
    const { version } = await serving.publish("allowed", config());
    const alias = { version, description: "fence=1" };
    const { revision } = await serving.route("allowed", alias, { expect: "absent" });
    await serving.unroute("allowed", { expect: revision });
    await serving.route("allowed", alias, { expect: "absent" });

    const { Policy } = await world.lambda.send(
      new GetPolicyCommand({ FunctionName: "slipway-stage-allowed", Qualifier: "live" }),
    );
    expect(JSON.parse(Policy ?? "{}").Statement).toMatchObject([
      { Principal: { Service: "apigateway.amazonaws.com" }, Action: "lambda:InvokeFunction" },
    ]);
  });

  test("an image that is missing in the registry is NotServed with the remedy", async () => {
    const serving = world.serving();
    await serving.ensure("imageless");
    const missingImage = { ...config("1"), digest: `sha256:${"9".repeat(64)}` };
    await expect(serving.publish("imageless", missingImage)).rejects.toMatchObject({
      name: "NotServed",
      message: expect.stringMatching(/no image sha256:9+ in .*deliver the model again/),
    });
  });

  test("a manually deleted function is NotServed, and ensure creates it again", async () => {
    const serving = world.serving();
    await serving.ensure("deleted");
    const { version } = await serving.publish("deleted", config("1"));
    await world.lambda.send(new DeleteFunctionCommand({ FunctionName: "slipway-stage-deleted" }));
    expect(await serving.version("deleted", version)).toBeUndefined();
    await expect(serving.publish("deleted", config("1"))).rejects.toMatchObject({
      name: "NotServed",
      message: expect.stringMatching(/no function for deleted in stage: deliver the model again/),
    });
    await serving.ensure("deleted");
    expect((await serving.publish("deleted", config("1"))).config.digest).toBe(config("1").digest);
  });

  test("the end of a canary removes its weight", async () => {
    const serving = world.serving();
    await serving.ensure("leftover");
    const [one, two] = [
      await serving.publish("leftover", config("1")),
      await serving.publish("leftover", config("2")),
    ];
    const canary = { version: two.version, weight: 0.5 };
    const withCanary = await serving.route(
      "leftover",
      { version: one.version, canary, description: "" },
      { expect: "absent" },
    );
    await serving.route(
      "leftover",
      { version: two.version, description: "" },
      { expect: withCanary.revision },
    );

    const alias = await world.lambda.send(
      new GetAliasCommand({ FunctionName: "slipway-stage-leftover", Name: "live" }),
    );
    expect(alias.FunctionVersion).toBe(two.version);
    expect(alias.RoutingConfig?.AdditionalVersionWeights ?? {}).toEqual({});
    expect(await serving.live("leftover")).not.toHaveProperty("canary");
  });

  describe("a version that was idle for weeks", () => {
    /** Lambda makes a version inactive only by itself; moto does it for this tag. */
    const deactivate = (version: string) =>
      world.lambda.send(
        new TagResourceCommand({
          Resource: `arn:aws:lambda:eu-central-1:${stage}:function:slipway-stage-idle`,
          Tags: { "moto:inactive": version },
        }),
      );
    const read = async (version: string) =>
      (
        await world.lambda.send(
          new GetFunctionConfigurationCommand({ FunctionName: "slipway-stage-idle", Qualifier: version }),
        )
      ).State;

    test("is awake once a delivery or a rollback has found it again, and a call wakes it and is answered", async () => {
      const serving = world.serving();
      await serving.ensure("idle");
      const { version } = await serving.publish("idle", config());
      await deactivate(version);
      expect(await read(version)).toBe("Inactive");
      // The version with the same configuration.
      expect((await serving.publish("idle", config())).version).toBe(version);
      expect(await read(version)).toBe("Active");
      await deactivate(version);
      expect(await serving.invoke("idle", { version }, { do: "echo" })).toMatchObject({ version });
      expect(await read(version)).toBe("Active");

      const live = await serving.route("idle", { version, description: "d" }, { expect: "absent" });
      for (const qualifier of ["live", { version }] as const) {
        await deactivate(version);
        expect(await serving.invoke("idle", qualifier, { do: "echo" })).toMatchObject({ version });
      }

      // Only the canary sleeps, which the alias's own state does not show: the step is retried.
      const other = await serving.publish("idle", config("2"));
      const canary = { version, weight: 1 };
      await serving.route(
        "idle",
        { version: other.version, canary, description: "d" },
        { expect: live.revision },
      );
      await deactivate(version);
      await serving.invoke("idle", "live", { do: "echo" }).catch((error: unknown) => {
        expect(error).toMatchObject({ name: "TemporaryFault" });
      });
      await serving.retire("idle");
    });

    test("is woken by a call that does not wait for it, and the next call finds it awake", async () => {
      const serving = world.serving();
      await serving.ensure("idle");
      const { version } = await serving.publish("idle", config());
      await deactivate(version);
      expect(await world.upkeep.wake("idle", version)).toBe("waking");
      expect(await serving.invoke("idle", { version }, { do: "echo" })).toMatchObject({ version });
      expect(await world.upkeep.wake("idle", version)).toBe("awake");
      await serving.retire("idle");
    });
  });

  describe("an alias that Lambda changes over from one version to another", () => {
    /** moto plays the weights that Lambda adds meanwhile, for so many reads of the alias. */
    const prepare = async (model: string, reads: number) => {
      const serving = world.serving();
      await serving.ensure(model);
      const [one, two] = [
        await serving.publish(model, config("1")),
        await serving.publish(model, config("2")),
      ];
      const before = await serving.route(
        model,
        { version: one.version, description: "fence=1 delivery=a" },
        { expect: "absent" },
      );
      await world.lambda.send(
        new TagResourceCommand({
          Resource: `arn:aws:lambda:eu-central-1:${stage}:function:slipway-stage-${model}`,
          Tags: { "moto:transition": String(reads) },
        }),
      );
      return { serving, one, two, before };
    };

    test("has no canary that nobody wrote, and its next write is no conflict", async () => {
      const { serving, one, two, before } = await prepare("transition", 4);
      const writer = { model: "transition", delivery: "b", fence: 2 };
      const moved = await serving.route(
        "transition",
        { version: two.version, description: "fence=2 delivery=b" },
        { expect: before.revision },
      );
      expect(moved).not.toHaveProperty("canary");
      expect(await serving.live("transition")).toEqual(moved);
      // The end of the change also gave it another revision.
      await setLiveAlias(serving)(writer, { version: one.version });
      expect(await serving.live("transition")).toMatchObject({ version: one.version });
      expect(await serving.live("transition")).not.toHaveProperty("canary");
      const canary = { version: two.version, weight: 0.1 };
      await setLiveAlias(serving)(writer, { version: one.version, canary });
      expect((await serving.live("transition"))?.canary).toEqual(canary);
      await serving.retire("transition");
    });

    test("keeps weights that do not go away for whoever reads it to judge", async () => {
      const { serving, one, two, before } = await prepare("stuck", 1_000);
      const moved = await serving.route(
        "stuck",
        { version: two.version, description: "fence=2 delivery=b" },
        { expect: before.revision },
      );
      expect(moved.canary).toEqual({ version: one.version, weight: 1 });
      await serving.retire("stuck");
    });
  });

  test("a version starts from a snapshot only where its configuration says so, and a later one without it has none", async () => {
    const serving = world.serving();
    await serving.ensure("snapshot");
    const plain = await serving.publish("snapshot", config());
    const restored = await serving.publish("snapshot", { ...config(), snapStart: true });
    expect(restored).toEqual({ version: "2", config: { ...plain.config, snapStart: true } });
    const read = async (Qualifier: string) =>
      (
        await world.lambda.send(
          new GetFunctionConfigurationCommand({ FunctionName: "slipway-stage-snapshot", Qualifier }),
        )
      ).SnapStart;
    expect(await read(plain.version)).toMatchObject({ ApplyOn: "None" });
    expect(await read(restored.version)).toEqual({ ApplyOn: "PublishedVersions", OptimizationStatus: "On" });
    expect(await serving.publish("snapshot", config())).toEqual(plain);
    const next = await serving.publish("snapshot", config("3"));
    expect(next.config).not.toHaveProperty("snapStart");
    expect(await read(next.version)).toMatchObject({ ApplyOn: "None" });
    await serving.retire("snapshot");
  });

  test("only snapshots that are older, not kept and not live are deleted, and a rollback can publish them again", async () => {
    const serving = world.serving();
    await serving.ensure("snapshots");
    const withSnapshot = (version: string) => ({ ...config(version), snapStart: true as const });
    await serving.publish("snapshots", config("0"));
    for (const version of ["1", "2", "3", "4", "5"])
      await serving.publish("snapshots", withSnapshot(version));
    // Versions 2 to 6 have snapshots: 3 is live, 5 is the champion, 6 belongs to a delivery that runs.
    await serving.route("snapshots", { version: "3", description: "" }, { expect: "absent" });
    expect(await world.upkeep.deleteSnapshots("snapshots", ["5"])).toEqual(["2", "4"]);
    expect(await world.upkeep.deleteSnapshots("snapshots", ["5"])).toEqual([]);
    for (const version of ["1", "3", "5", "6"])
      expect(await serving.version("snapshots", version)).toMatchObject({ version });
    expect(await serving.version("snapshots", "2")).toBeUndefined();
    expect((await serving.publish("snapshots", withSnapshot("1"))).version).toBe("7");
    await serving.retire("snapshots");
  });

  test("a version is found across several pages", async () => {
    const serving = world.serving();
    await serving.ensure("many");
    const first = await serving.publish("many", config("0"));
    for (let count = 1; count < 8; count++) await serving.publish("many", config(String(count)));
    expect(await serving.publish("many", config("0"))).toEqual(first);
    expect((await serving.models()).filter((model) => model === "many")).toHaveLength(1);
  });

  test("a manual change of the function is never published as the wanted configuration", async () => {
    const serving = world.serving();
    await serving.ensure("by-hand");
    const meddlingClient = new LambdaClient({ ...world.inStage });
    let meddled = 0;
    meddlingClient.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName === PublishVersionCommand.name && meddled++ === 0)
          await world.lambda.send(
            new UpdateFunctionConfigurationCommand({
              FunctionName: "slipway-stage-by-hand",
              MemorySize: 3_008,
            }),
          );
        return next(args);
      },
      { step: "initialize" },
    );

    const published = await world.serving({ lambda: meddlingClient }).publish("by-hand", config());

    expect(meddled).toBeGreaterThan(1);
    expect(await serving.version("by-hand", published.version)).toEqual({ ...published, config: config() });
  });

  test.each([
    "PublishVersionCommand",
    "UpdateFunctionCodeCommand",
    "CreateAliasCommand",
    "UpdateAliasCommand",
  ])("%s with a lost response takes effect once", async (command) => {
    const model = `lost-${command.toLowerCase()}`;
    const flaky = new LambdaClient({ ...world.inStage, maxAttempts: 3 });
    let lost = 0;
    flaky.middlewareStack.add(
      (next, context) => async (args) => {
        const result = await next(args);
        if (context.commandName !== command || lost++ > 0) return result;
        throw Object.assign(new Error("socket hang up"), {
          name: "TimeoutError",
          code: "ECONNRESET",
          $retryable: {},
        });
      },
      { step: "finalizeRequest", priority: "low" },
    );
    const serving = world.serving({ lambda: flaky });
    await serving.ensure(model);
    const { version } = await serving.publish(model, config());
    const second = await serving.publish(model, config("2"));
    const { revision } = await serving.route(model, { version, description: "a" }, { expect: "absent" });
    const moved = await serving.route(
      model,
      { version: second.version, description: "b" },
      { expect: revision },
    );

    expect(lost).toBeGreaterThan(0);
    expect(await world.serving().live(model)).toEqual(moved);
    expect(moved).toMatchObject({ version: second.version, description: "b" });
    expect(await world.serving().version(model, String(Number(second.version) + 1))).toBeUndefined();
  });

  test("a failing service is a TemporaryFault, and the alias stays unchanged", async () => {
    const serving = world.serving();
    await serving.ensure("trouble");
    const { version } = await serving.publish("trouble", config());
    const live = await serving.route("trouble", { version, description: "a" }, { expect: "absent" });
    world.proxy.force("failed");
    const moving = serving.route("trouble", { version, description: "b" }, { expect: live.revision });
    await expect(moving).rejects.toMatchObject({ name: "TemporaryFault" });
    world.proxy.force(undefined);
    expect(await serving.live("trouble")).toEqual(live);
  });
});
