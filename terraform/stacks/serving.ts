import { Apigatewayv2Api } from "@cdktn/provider-aws/lib/apigatewayv2-api/index.js";
import { Apigatewayv2Authorizer } from "@cdktn/provider-aws/lib/apigatewayv2-authorizer/index.js";
import { LambdaPermission } from "@cdktn/provider-aws/lib/lambda-permission/index.js";
import type { App } from "cdktn";
import type { Environment } from "../../platform/serving/serving.ts";
import { addHttpStage } from "../constructs/http-stage/http-stage.ts";
import { addInferenceEnvironment } from "../constructs/inference-environment/inference-environment.ts";
import { addLambdaFunction } from "../constructs/lambda-function/lambda-function.ts";
import { consoleFunction, type DeployedFunction } from "../deployed-functions.ts";
import { allow } from "../permissions/statement.ts";
import type { Accounts } from "../read-config.ts";
import { nameResources } from "../resource-names.ts";
import { selectFunctionVariables } from "../select-function-variables.ts";
import { addServingAlarms } from "./serving-alarms.ts";
import { addSlipwayStack } from "./slipway-stack.ts";

/** The function that checks callers' API keys; its folder under lambdas/. */
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

/** The shared resources for serving an environment's models. Deliveries create the resources of each model. */
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
    absentCallers: accounts.tooling.console ? [] : [consoleFunction],
    key,
    httpApiId: api.id,
  });

  const deployedFunction = needs.functions.find(({ name }) => name === authorizerFunction);
  if (deployedFunction === undefined)
    throw new RangeError(
      `lambdas/ has no ${authorizerFunction}, so models' routes would have no authorization.`,
    );
  addServingAlarms(stack, {
    environment,
    config,
    topic: needs.topic,
    trial: accounts.tooling.trial ?? false,
    httpApiId: api.id,
    authorizer: nameResources(accounts).functionName(authorizerFunction),
    table: nameResources(accounts).recordsTable(environment),
  });
  const authorizerResources = addLambdaFunction(stack, authorizerFunction, {
    name: nameResources(accounts).authorizer(environment),
    zip: needs.zip(authorizerFunction),
    account,
    region,
    variables: selectFunctionVariables(deployedFunction, {
      KEYS_TABLE: shared.table.name,
      SLIPWAY_ENVIRONMENT: environment,
    }),
    statements: [allow(["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:PutItem"], [shared.table.arn])],
    timeoutSeconds: 5,
    memoryMb: 512,
    key,
    logRetentionDays,
    invokedBy: "synchronous caller",
    ofEachRequest: true,
  });
  const authorizer = new Apigatewayv2Authorizer(stack, "authorizer", {
    apiId: api.id,
    name: authorizerFunction,
    authorizerType: "REQUEST",
    authorizerUri: authorizerResources.lambda.invokeArn,
    authorizerPayloadFormatVersion: "2.0",
    enableSimpleResponses: true,
    // No identity source (optional without a cache): a key is in one of two headers, and API Gateway would return 401 for
    // a missing one without calling the function. No cache: it would neither count requests nor notice revoked keys.
    // https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html
    authorizerResultTtlInSeconds: 0,
  });
  new LambdaPermission(stack, "authorizer-invoke", {
    statementId: "slipway-http-api",
    action: "lambda:InvokeFunction",
    functionName: authorizerResources.lambda.functionName,
    principal: "apigateway.amazonaws.com",
    sourceArn: `${api.executionArn}/authorizers/${authorizer.id}`,
  });
  return { httpApiId: api.id, httpApiUrl: api.apiEndpoint, authorizerId: authorizer.id, key };
};
