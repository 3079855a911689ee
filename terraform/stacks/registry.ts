import { Apigatewayv2Api } from "@cdktn/provider-aws/lib/apigatewayv2-api/index.js";
import { Apigatewayv2Integration } from "@cdktn/provider-aws/lib/apigatewayv2-integration/index.js";
import { Apigatewayv2Route } from "@cdktn/provider-aws/lib/apigatewayv2-route/index.js";
import { Apigatewayv2VpcLink } from "@cdktn/provider-aws/lib/apigatewayv2-vpc-link/index.js";
import { type App, Fn } from "cdktn";
import { addAlarmSet } from "../constructs/alarm-set/alarm-set.ts";
import { addHttpStage } from "../constructs/http-stage/http-stage.ts";
import { addMlflowServer } from "../constructs/mlflow-server/mlflow-server.ts";
import { addPrivateBucket } from "../constructs/private-bucket/private-bucket.ts";
import type { Accounts } from "../read-config.ts";
import { nameResources } from "../resource-names.ts";
import type { Network } from "./network.ts";
import { addSlipwayStack } from "./slipway-stack.ts";

export type RegistryOutputs = {
  readonly uri: string;
  /** ARN of its API, for callers' permissions. */
  readonly api?: string;
  /** ARN of the artefacts' folder. */
  readonly artifacts?: string;
};

type Needs = {
  readonly network: Network;
  readonly key: string;
};

type OwnRegistryConfig = Extract<Accounts["tooling"]["registry"], { kind: "own" }>;

/**
 * MLflow with its database and artefacts. IAM controls access: an HTTP API accepts signed requests and forwards them into
 * the network, so that no function needs to be in the network.
 */
export const addRegistryStack = (
  app: App,
  accounts: Accounts,
  own: OwnRegistryConfig,
  { network, key }: Needs,
): RegistryOutputs => {
  const stack = addSlipwayStack(app, "registry", { accounts, account: "tooling", as: "role" });
  const { account, region, logRetentionDays, protectData: protect } = accounts.tooling;
  const bucket = addPrivateBucket(stack, "artifacts", {
    name: `slipway-registry-${account}-${region}`,
    key,
    protect,
  });
  const api = new Apigatewayv2Api(stack, "api", {
    name: "slipway-registry",
    protocolType: "HTTP",
    description: "MLflow, for callers that IAM lets in",
  });
  addHttpStage(stack, "stage", {
    api: api.id,
    name: "slipway-registry",
    key,
    logRetentionDays,
    burst: 100,
    perSecond: 50,
  });
  const server = addMlflowServer(stack, "server", {
    network,
    account,
    region,
    image: own.image,
    running: own.running,
    certificate: own.certificate,
    publicHost: Fn.replace(api.apiEndpoint, "https://", ""),
    bucket: { name: bucket.bucket, arn: bucket.arn },
    key,
    protect,
    logRetentionDays,
  });
  if (server !== undefined) {
    const link = new Apigatewayv2VpcLink(stack, "link", {
      name: "slipway-registry",
      subnetIds: [...network.inside],
      securityGroupIds: [server.securityGroup],
    });
    // AWS documents no change of an integration that takes its TLS settings away, so each form is a resource of its own.
    const integrationId = own.certificate ? "server-integration-tls" : "server-integration";
    const integration = new Apigatewayv2Integration(stack, integrationId, {
      apiId: api.id,
      integrationType: "HTTP_PROXY",
      integrationMethod: "ANY",
      integrationUri: server.listener,
      connectionType: "VPC_LINK",
      connectionId: link.id,
      payloadFormatVersion: "1.0",
      timeoutMilliseconds: 30_000,
      ...(own.certificate && { tlsConfig: { serverNameToVerify: own.certificate.host } }),
      // The route refers to it: the route moves to the new one before the old one is deleted.
      lifecycle: { createBeforeDestroy: true },
    });
    new Apigatewayv2Route(stack, "route", {
      apiId: api.id,
      routeKey: "$default",
      authorizationType: "AWS_IAM",
      target: `integrations/${integration.id}`,
    });
    addAlarmSet(stack, "alarms", {
      set: "registry",
      topic: nameResources(accounts).alarmTopicArn,
      trial: false, // MLflow is the same server in a trial.
      alarms: [
        {
          name: "hosts",
          description:
            "MLflow has not been healthy for 10 minutes, so deliveries fail at RegisterModel; prod serves as before. The log group /slipway/registry and the events of the ECS service slipway-registry/mlflow have the reason.",
          below: 1,
          seconds: 300,
          outOf: { count: 2, periods: 2 },
          // A target group without any target has no data.
          missing: "breaching",
          // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
          of: {
            namespace: "AWS/ApplicationELB",
            name: "HealthyHostCount",
            statistic: "Maximum",
            dimensions: {
              LoadBalancer: server.balancer.metrics.balancer,
              TargetGroup: server.balancer.metrics.targets,
            },
          },
        },
      ],
    });
  }
  return { uri: api.apiEndpoint, api: api.executionArn, artifacts: `${bucket.arn}/mlflow` };
};
