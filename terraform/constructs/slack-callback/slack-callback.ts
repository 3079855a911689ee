import { Apigatewayv2Api } from "@cdktn/provider-aws/lib/apigatewayv2-api/index.js";
import { Apigatewayv2Integration } from "@cdktn/provider-aws/lib/apigatewayv2-integration/index.js";
import { Apigatewayv2Route } from "@cdktn/provider-aws/lib/apigatewayv2-route/index.js";
import { LambdaPermission } from "@cdktn/provider-aws/lib/lambda-permission/index.js";
import { Construct } from "constructs";
import { suppressFindings } from "../../suppress-findings.ts";
import { addHttpStage } from "../http-stage/http-stage.ts";
import type { FunctionResources } from "../lambda-function/lambda-function.ts";

type Needs = {
  /** The function that handles Slack's requests. */
  readonly function: FunctionResources;
  readonly key: string;
  readonly logRetentionDays: number;
};

const path = "/slack/interactions";

/**
 * The only route without authorization: Slack signs its requests, and the function verifies the signature before it
 * parses the body. Returns the URL for the Slack app's settings, and the API's id.
 */
export const addSlackCallback = (scope: Construct, id: string, needs: Needs) => {
  const place = new Construct(scope, id);
  const { lambda } = needs.function;
  const api = new Apigatewayv2Api(place, "api", {
    name: "slipway-slack",
    protocolType: "HTTP",
    description: "Slack's callbacks",
  });
  addHttpStage(place, "stage", {
    api: api.id,
    name: "slipway-slack",
    key: needs.key,
    logRetentionDays: needs.logRetentionDays,
    burst: 20,
    perSecond: 10,
  });
  const integration = new Apigatewayv2Integration(place, "integration", {
    apiId: api.id,
    integrationType: "AWS_PROXY",
    integrationMethod: "POST",
    integrationUri: lambda.invokeArn,
    payloadFormatVersion: "2.0",
  });
  const route = new Apigatewayv2Route(place, "route", {
    apiId: api.id,
    routeKey: `POST ${path}`,
    authorizationType: "NONE",
    target: `integrations/${integration.id}`,
  });
  suppressFindings(route, {
    CKV_AWS_309:
      "Slack has no identity in AWS: it signs its requests, and the function verifies the signature first",
  });
  new LambdaPermission(place, "invoke", {
    statementId: "slipway-slack",
    action: "lambda:InvokeFunction",
    functionName: lambda.functionName,
    principal: "apigateway.amazonaws.com",
    sourceArn: `${api.executionArn}/*/POST${path}`,
  });
  return { url: `${api.apiEndpoint}${path}`, apiId: api.id };
};
