import { Apigatewayv2Api } from "@cdktn/provider-aws/lib/apigatewayv2-api/index.js";
import { Apigatewayv2Authorizer } from "@cdktn/provider-aws/lib/apigatewayv2-authorizer/index.js";
import { LambdaPermission } from "@cdktn/provider-aws/lib/lambda-permission/index.js";
import type { App } from "cdktn";
import type { Environment } from "../../platform/serving/serving.ts";
import { addHttpStage } from "../constructs/http-stage/http-stage.ts";
import { addInferenceEnvironment } from "../constructs/inference-environment/inference-environment.ts";
import { addLambdaFunction } from "../constructs/lambda-function/lambda-function.ts";
import type { DeployedFunction } from "../deployed-functions.ts";
import { allow } from "../permissions/statement.ts";
import type { Accounts } from "../read-config.ts";
import { nameResources } from "../resource-names.ts";
import { selectFunctionVariables } from "../select-function-variables.ts";
import { addServingAlarms } from "./serving-alarms.ts";
import { addSlipwayStack } from "./slipway-stack.ts";

/** The function that lets callers with a key in; its folder under lambdas/. */
export const authorizerFunction = "authorize-key";

export type ServingOutputs = {
  readonly httpApiId: string;
  readonly httpApiUrl: string;
  readonly authorizerId: string;
  /** ARN of the account's key. */
  readonly key: string;
};

type Needs = {
  readonly accounts: Accounts;
  readonly environment: Environment;
  readonly functions: readonly DeployedFunction[];
  readonly zip: (name: string) => string;
  /** ARN of the environment's key. */
  readonly key: string;
  /** ARN of tooling's topic for alarms. */
  readonly topic: string;
};

/** What an environment's models are served in. No model is named here: the pipeline makes what belongs to one. */
export const addServingStack = (app: App, needs: Needs): ServingOutputs => {
  const { accounts, environment, key } = needs;
  const config = accounts[environment];
  const { account, region, logRetentionDays } = config;
  const stack = addSlipwayStack(app, `serving-${environment}`, {
    accounts,
    account: environment,
    as: "role",
  });
  const api = new Apigatewayv2Api(stack, "api", {
    name: `slipway-${environment}`,
    protocolType: "HTTP",
    description: `${environment}'s models, for callers with a key`,
  });
  addHttpStage(stack, "stage", {
    api: api.id,
    name: `slipway-${environment}`,
    key,
    logRetentionDays,
    burst: 500,
    perSecond: 1_000,
  });
  const shared = addInferenceEnvironment(stack, "inference", {
    environment,
    config,
    names: nameResources(accounts),
    tooling: accounts.tooling.account,
    operators: accounts.tooling.operators,
    key,
    httpApiId: api.id,
  });

  const authorize = needs.functions.find(({ name }) => name === authorizerFunction);
  if (authorize === undefined)
    throw new RangeError(`lambdas/ has no ${authorizerFunction}: every route to a model would be open.`);
  addServingAlarms(stack, { environment, config, topic: needs.topic, httpApiId: api.id });
  const made = addLambdaFunction(stack, authorizerFunction, {
    name: nameResources(accounts).functionName(authorizerFunction),
    zip: needs.zip(authorizerFunction),
    account,
    region,
    variables: selectFunctionVariables(authorize, {
      KEYS_TABLE: shared.table.name,
      SLIPWAY_ENVIRONMENT: environment,
    }),
    statements: [allow(["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:PutItem"], [shared.table.arn])],
    timeoutSeconds: 5,
    memoryMb: 512,
    key,
    logRetentionDays,
    invokedBy: "caller that waits",
  });
  const authorizer = new Apigatewayv2Authorizer(stack, "authorizer", {
    apiId: api.id,
    name: authorizerFunction,
    authorizerType: "REQUEST",
    authorizerUri: made.lambda.invokeArn,
    authorizerPayloadFormatVersion: "2.0",
    enableSimpleResponses: true,
    // No identity source, which is optional where nothing is cached: a key comes in one of two headers, and a request that
    // lacks a named source is answered 401 without the function. And no cached result: it would neither count a request
    // nor notice a revoked key.
    // https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html
    authorizerResultTtlInSeconds: 0,
  });
  new LambdaPermission(stack, "authorizer-invoke", {
    statementId: "slipway-http-api",
    action: "lambda:InvokeFunction",
    functionName: made.lambda.functionName,
    principal: "apigateway.amazonaws.com",
    sourceArn: `${api.executionArn}/authorizers/${authorizer.id}`,
  });
  return { httpApiId: api.id, httpApiUrl: api.apiEndpoint, authorizerId: authorizer.id, key };
};
