import { randomBytes } from "node:crypto";
import {
  ApiGatewayV2Client,
  DeleteIntegrationCommand,
  DeleteRouteCommand,
  GetIntegrationsCommand,
  GetRoutesCommand,
  UpdateRouteCommand,
} from "@aws-sdk/client-apigatewayv2";
import { CloudWatchClient, PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { DynamoDBClient, ScanCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import {
  CreateAliasCommand,
  DeleteAliasCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  LambdaClient,
  PublishVersionCommand,
  TagResourceCommand,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { DeleteObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { ListExecutionsCommand, SFNClient, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { createApiKeyStore } from "#api-keys/api-key-store.ts";
import { namespace } from "#platform/metrics/format-emf.ts";
import { toFunctionName } from "#platform/serving/function-name.ts";
import { type Environment, environments } from "#platform/serving/serving.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { readResourceValue } from "#test/infrastructure/terraform-values.ts";
import { actInAccount } from "#test/peers/act-in-account.ts";
import { toyModel } from "#test/support/toy-model.ts";
import type { DeliveryRef } from "./delivery-steps.ts";
import type { FunctionsWorld } from "./functions-world.ts";

/** Disruptions of the accounts that functions must repair. */
export const createDisruptions = (world: FunctionsWorld) => {
  const { written, moto, region, known } = world;
  const client = {
    endpoint: moto.endpoint,
    region,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const lambda = (environment: Environment) =>
    actInAccount(written.accounts[environment].account, new LambdaClient(client));
  const gateway = (environment: Environment) => ({
    client: actInAccount(written.accounts[environment].account, new ApiGatewayV2Client(client)),
    ApiId: world.apiIds[environment],
  });
  const sfn = new SFNClient(client);
  const stop = (executionArn: string | undefined) => sfn.send(new StopExecutionCommand({ executionArn }));
  const table = (environment: Environment) => ({
    client: actInAccount(written.accounts.tooling.account, new DynamoDBClient(client)),
    TableName: known.recordsTable(environment),
  });
  const empty = async (Bucket: string): Promise<void> => {
    const s3 = new S3Client({ ...client, forcePathStyle: true });
    for (const { Key } of (await s3.send(new ListObjectsV2Command({ Bucket }))).Contents ?? [])
      await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  };
  return {
    stop: ({ delivery }: DeliveryRef) => stop(known.executionsArn.replace("*", delivery)),
    stopAll: async () => {
      const { executions = [] } = await sfn.send(
        new ListExecutionsCommand({ stateMachineArn: known.stateMachineArn, statusFilter: "RUNNING" }),
      );
      for (const { executionArn } of executions) await stop(executionArn);
    },
    /** A promotion that stopped between its alias and its commit point. */
    halfPromoted: async () => {
      const FunctionName = toFunctionName("prod", toyModel);
      const { Version } = await lambda("prod").send(new PublishVersionCommand({ FunctionName }));
      await lambda("prod").send(
        new CreateAliasCommand({ FunctionName, Name: "live", FunctionVersion: Version ?? "1" }),
      );
    },
    deleteAlias: () =>
      lambda("prod").send(
        new DeleteAliasCommand({ FunctionName: toFunctionName("prod", toyModel), Name: "live" }),
      ),
    /** Stage's version becomes inactive, as after weeks without calls: moto does it for this tag. */
    deactivate: async (version: string) => {
      const { account } = written.accounts.stage;
      await lambda("stage").send(
        new TagResourceCommand({
          Resource: `arn:aws:lambda:${region}:${account}:function:${toFunctionName("stage", toyModel)}`,
          Tags: { "moto:inactive": version },
        }),
      );
    },
    /** An older version with a snapshot, which no rollback needs. */
    addSnapshot: async (environment: Environment) => {
      const FunctionName = toFunctionName(environment, toyModel);
      const client = lambda(environment);
      await client.send(
        new UpdateFunctionConfigurationCommand({
          FunctionName,
          SnapStart: { ApplyOn: "PublishedVersions" },
        }),
      );
      // The first look ends the update.
      await client.send(new GetFunctionCommand({ FunctionName }));
      await client.send(new PublishVersionCommand({ FunctionName, Description: "an old snapshot" }));
    },
    deleteFunctions: async () => {
      for (const environment of environments)
        await lambda(environment).send(
          new DeleteFunctionCommand({ FunctionName: toFunctionName(environment, toyModel) }),
        );
    },
    /** Changes the route's target, as a person could. */
    misleadRoute: async (environment: Environment) => {
      const { client: api, ApiId } = gateway(environment);
      for (const { RouteId } of (await api.send(new GetRoutesCommand({ ApiId }))).Items ?? [])
        await api.send(new UpdateRouteCommand({ ApiId, RouteId, Target: "integrations/another" }));
    },
    deleteRoute: async (environment: Environment) => {
      const { client: api, ApiId } = gateway(environment);
      for (const { RouteId } of (await api.send(new GetRoutesCommand({ ApiId }))).Items ?? [])
        await api.send(new DeleteRouteCommand({ ApiId, RouteId }));
      for (const { IntegrationId } of (await api.send(new GetIntegrationsCommand({ ApiId }))).Items ?? [])
        await api.send(new DeleteIntegrationCommand({ ApiId, IntegrationId }));
    },
    traffic: async (version: unknown) => {
      const cloudwatch = actInAccount(written.accounts.prod.account, new CloudWatchClient(client));
      const Dimensions = Object.entries({
        environment: "prod",
        model: toyModel,
        version: String(version),
      }).map(([Name, Value]) => ({ Name, Value }));
      await cloudwatch.send(
        new PutMetricDataCommand({
          Namespace: namespace,
          MetricData: [{ MetricName: "Requests", Dimensions, Value: 500, Timestamp: new Date() }],
        }),
      );
    },
    key: async (environment: Environment) => {
      const { client: dynamodb, TableName } = table(environment);
      const store = createDynamoDbStore({ client: dynamodb, table: TableName, clock: Date.now });
      const created = await createApiKeyStore({ store, random: randomBytes, clock: Date.now }).create({
        name: "billing",
        environment,
        models: [toyModel],
        rate: { perMinute: 60, burst: 60 },
        expiresAt: null,
        by: "sam",
      });
      return created.key;
    },
    /** Expires every counter; DynamoDB has not deleted it yet. */
    expireCounters: async (environment: Environment) => {
      const { client: dynamodb, TableName } = table(environment);
      const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName }));
      for (const { pk, sk, ...rest } of Items)
        if (pk && sk && rest.expiresAt && rest.write && !rest.value)
          await dynamodb.send(
            new UpdateItemCommand({
              TableName,
              Key: { pk, sk },
              UpdateExpression: "SET expiresAt = :past",
              ExpressionAttributeValues: { ":past": { N: "1" } },
            }),
          );
    },
    deleteBlobs: (environment: Environment) => empty(known.recordsBucket(environment)),
    deleteArtifacts: () => empty(readResourceValue(written, "registry", "aws_s3_bucket", "id")),
  };
};
