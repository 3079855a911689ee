import { randomBytes } from "node:crypto";
import { ApiGatewayV2Client, GetRoutesCommand, UpdateRouteCommand } from "@aws-sdk/client-apigatewayv2";
import { CloudWatchClient, PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  CreateAliasCommand,
  DeleteFunctionCommand,
  LambdaClient,
  PublishVersionCommand,
} from "@aws-sdk/client-lambda";
import { SFNClient, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { apiKeys } from "../../../domain/api-keys.ts";
import { namespace } from "../../../inference/emf.ts";
import { functionName } from "../../../platform/serving/function-name.ts";
import type { Environment } from "../../../platform/serving/serving.ts";
import { dynamodbStore } from "../../../platform/store/dynamodb.ts";
import { model } from "../../step-world.ts";
import { deliverySteps, type Subject } from "./delivery-steps.ts";
import type { FunctionsWorld } from "./functions-world.ts";
import { inAccount } from "./in-account.ts";

const alarm = { Records: [{ EventSource: "aws:sns", Sns: { Subject: "an alarm", Message: "it rings" } }] };

/** What happens to the accounts behind the functions' backs, each so that a function has to mend it. */
const accidents = (world: FunctionsWorld) => {
  const { written, moto, region, known } = world;
  const client = {
    endpoint: moto.endpoint,
    region,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const lambda = (environment: Environment) =>
    inAccount(written.accounts[environment].account, new LambdaClient(client));
  return {
    stop: ({ delivery }: Subject) =>
      new SFNClient(client).send(
        new StopExecutionCommand({ executionArn: known.executionsArn.replace("*", delivery) }),
      ),
    /** A promotion that died between its alias and its commit point. */
    halfPromoted: async () => {
      const FunctionName = functionName("prod", model);
      const { Version } = await lambda("prod").send(new PublishVersionCommand({ FunctionName }));
      await lambda("prod").send(
        new CreateAliasCommand({ FunctionName, Name: "live", FunctionVersion: Version ?? "1" }),
      );
    },
    deleteFunctions: async () => {
      for (const environment of ["stage", "prod"] as const)
        await lambda(environment).send(
          new DeleteFunctionCommand({ FunctionName: functionName(environment, model) }),
        );
    },
    /** Somebody pointed the routes elsewhere. */
    misleadRoutes: async () => {
      for (const environment of ["stage", "prod"] as const) {
        const api = inAccount(written.accounts[environment].account, new ApiGatewayV2Client(client));
        const ApiId = world.apiIds[environment];
        for (const { RouteId } of (await api.send(new GetRoutesCommand({ ApiId }))).Items ?? [])
          await api.send(new UpdateRouteCommand({ ApiId, RouteId, Target: "integrations/another" }));
      }
    },
    traffic: async (version: unknown) => {
      const cloudwatch = inAccount(written.accounts.prod.account, new CloudWatchClient(client));
      const Dimensions = Object.entries({ environment: "prod", model, version: String(version) }).map(
        ([Name, Value]) => ({ Name, Value }),
      );
      await cloudwatch.send(
        new PutMetricDataCommand({
          Namespace: namespace,
          MetricData: [{ MetricName: "Requests", Dimensions, Value: 500, Timestamp: new Date() }],
        }),
      );
    },
    keys: (environment: Environment) =>
      apiKeys({
        store: dynamodbStore({
          client: new DynamoDBClient(client),
          table: known.recordsTable(environment),
          clock: Date.now,
        }),
        random: randomBytes,
        clock: Date.now,
      }),
  };
};

/**
 * Calls every function with what deliveries bring it, in their order: one that ends before anything was served, one
 * that is promoted, one that a canary stops, some that are stopped, answered late or overtaken; and with lost answers
 * and things taken away, so that what mends is called, too. Gives what failed.
 */
export const typicalEvents = async (world: FunctionsWorld): Promise<readonly string[]> => {
  const { digests, recorder } = world;
  const happens = accidents(world);
  const steps = deliverySteps(world);
  const { ask, push, onStage, onProd } = steps;

  // Nothing serves yet: what was begun is taken away, by the machine's own step and by the sweep.
  for (const way of ["roll-back", "sweep-deliveries"]) {
    const subject = await push(way);
    const staged = await onStage(subject, digests[1], { verified: false });
    await onProd(subject, staged, 0);
    await happens.halfPromoted();
    if (way === "sweep-deliveries") await happens.stop(subject);
    await ask(way, { ...subject, error: { Error: "CanaryFailed", Cause: "it did worse" } });
  }

  const first = await push("first");
  const tested = await onStage(first, digests[1]);
  await steps.requestApproval(first, tested);
  recorder.loseAnswer("SendTaskSuccess");
  await steps.approve(first, 0);
  recorder.loseAnswer("SendTaskSuccess");
  await steps.requestApproval(first, tested);
  const baseline = await steps.promote(first, await onProd(first, tested, 0));
  await ask("move-champion", first);
  world.slack.down = true;
  await ask("report-outcome", { ...first, outcome: "promoted", error: null });
  world.slack.down = false;

  recorder.loseAnswer("StartExecution");
  const second = await push("second");
  const better = await onStage(second, digests[2]);
  await steps.requestApproval(second, better);
  recorder.fail("SendTaskSuccess");
  await steps.approve(second, baseline);
  recorder.fail(undefined);
  recorder.loseAnswer("SendTaskSuccess");
  await ask("sweep-deliveries", {});
  await happens.misleadRoutes();
  const { championVersion, functionVersion, fence } = await onProd(second, better, baseline);
  const versions = { championVersion, functionVersion };
  const { since } = await ask("shift-traffic", { ...second, fence, ...versions, step: 0 });
  for (const version of [championVersion, functionVersion]) await happens.traffic(version);
  await ask("judge-canary", { ...second, ...versions, step: 0, since });
  await happens.deleteFunctions();
  await happens.misleadRoutes();
  await ask("roll-back", { ...second, error: { Error: "CanaryFailed", Cause: "it did worse" } });

  const third = await push("third");
  await onProd(third, await onStage(third, digests[2], { verified: false }), baseline);
  await happens.stop(third);
  await happens.deleteFunctions();
  await happens.misleadRoutes();
  await ask("sweep-deliveries", {});

  // A question that a later delivery withdraws; once the task hears of it late, by the sweep.
  const fourth = await push("fourth");
  await steps.requestApproval(fourth, await onStage(fourth, digests[2], { verified: false }));
  const fifth = await push("fifth");
  recorder.fail("SendTaskFailure");
  await steps.claimStage(fifth);
  recorder.fail(undefined);
  recorder.loseAnswer("SendTaskFailure");
  await ask("sweep-deliveries", {});
  await steps.requestApproval(fifth, await onStage(fifth, digests[2], { verified: false }));
  recorder.loseAnswer("SendTaskFailure");
  await steps.claimStage(await push("sixth"));

  await ask("notify", alarm);
  for (const environment of ["prod", "stage"] as const) {
    const { key } = await happens.keys(environment).create({
      name: "billing",
      environment,
      models: [model],
      rate: { perMinute: 60, burst: 60 },
      expiresAt: null,
      by: "sam",
    });
    const event = {
      version: "2.0",
      type: "REQUEST",
      routeKey: `ANY /models/${model}/{proxy+}`,
      headers: { "x-api-key": key },
    };
    await ask(environment === "prod" ? "authorize-key" : "authorize-key@stage", event);
  }
  return steps.failed;
};
