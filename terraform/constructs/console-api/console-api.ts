import { Apigatewayv2Api } from "@cdktn/provider-aws/lib/apigatewayv2-api/index.js";
import { Apigatewayv2Integration } from "@cdktn/provider-aws/lib/apigatewayv2-integration/index.js";
import { Apigatewayv2Route } from "@cdktn/provider-aws/lib/apigatewayv2-route/index.js";
import { LambdaPermission } from "@cdktn/provider-aws/lib/lambda-permission/index.js";
import { Construct } from "constructs";
import { suppressFindings } from "../../suppress-findings.ts";
import { addHttpStage } from "../http-stage/http-stage.ts";
import type { FunctionResources } from "../lambda-function/lambda-function.ts";

type Needs = { readonly key: string; readonly logRetentionDays: number };

/**
 * The console's HTTP API. It has a host of its own, so that the console's cookies reach nothing else. Its function needs
 * the address, and the routes need the function, so `connect` adds them.
 */
export const addConsoleApi = (scope: Construct, id: string, { key, logRetentionDays }: Needs) => {
  const place = new Construct(scope, id);
  const api = new Apigatewayv2Api(place, "api", {
    name: "slipway-console",
    protocolType: "HTTP",
    description: "The console's pages",
  });
  addHttpStage(place, "stage", {
    api: api.id,
    name: "slipway-console",
    key,
    logRetentionDays,
    burst: 50,
    perSecond: 25,
  });
  const connect = ({ lambda }: FunctionResources): void => {
    const integration = new Apigatewayv2Integration(place, "integration", {
      apiId: api.id,
      integrationType: "AWS_PROXY",
      integrationMethod: "POST",
      integrationUri: lambda.invokeArn,
      payloadFormatVersion: "2.0",
    });
    const route = new Apigatewayv2Route(place, "route", {
      apiId: api.id,
      routeKey: "$default",
      authorizationType: "NONE",
      target: `integrations/${integration.id}`,
    });
    suppressFindings(route, {
      CKV_AWS_309:
        "people have no identity in AWS: the function signs them in by Slack before it shows anything",
    });
    new LambdaPermission(place, "invoke", {
      statementId: "slipway-console",
      action: "lambda:InvokeFunction",
      functionName: lambda.functionName,
      principal: "apigateway.amazonaws.com",
      sourceArn: `${api.executionArn}/*/$default`,
    });
  };
  return { url: api.apiEndpoint, apiId: api.id, connect };
};
