import { ApiGatewayV2Client, GetRoutesCommand } from "@aws-sdk/client-apigatewayv2";
import type { Environment } from "#platform/serving/serving.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";
import type { EnvironmentAccess } from "./open-environment.ts";

/** "Routes per HTTP API". https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const maxRoutes = 300;
const quotaCode = "L-65B5C802";
/** Bytes of a function's resource policy. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const maxPolicyBytes = 20_480;

/**
 * The policy of a model's alias has one statement, which `slipway-http-api` names, however many models there are. Its
 * size, with the longest ids that AWS gives.
 */
const computePolicyBytes = (model: string): number =>
  JSON.stringify({
    Version: "2012-10-17",
    Id: "default",
    Statement: [
      {
        Sid: "slipway-http-api",
        Effect: "Allow",
        Principal: { Service: "apigateway.amazonaws.com" },
        Action: "lambda:InvokeFunction",
        Resource: `arn:aws:lambda:ap-southeast-2:123456789012:function:slipway-stage-${model}:live`,
        Condition: {
          ArnLike: {
            "AWS:SourceArn": `arn:aws:execute-api:ap-southeast-2:123456789012:abcdefghij/*/*/models/${model}/{proxy+}`,
          },
        },
      },
    ],
  }).length;

/**
 * Judges the limits that grow with the number of models.
 * @param routes undefined: the HTTP API does not exist yet
 */
export const describeHttpApiSize = (
  environment: Environment,
  models: readonly string[],
  routes: number | undefined,
): DoctorFinding => {
  // A model that is not served yet gets a route at its first delivery.
  const needed = Math.max(models.length, routes ?? 0);
  const policyBytes = Math.max(...["", ...models].map(computePolicyBytes));
  const now = routes === undefined ? "not applied yet; " : `${routes} in use; `;
  const sentence = `The HTTP API of ${environment}: ${now}${models.length} models need ${models.length} routes (limit ${maxRoutes}). A function's policy has one statement of at most ${policyBytes} bytes (limit ${maxPolicyBytes}).`;
  return needed <= maxRoutes * 0.8
    ? { status: "ok", sentence }
    : {
        status: needed > maxRoutes ? "missing" : "warning",
        sentence,
        remedy: `Ask AWS for more routes: aws service-quotas request-service-quota-increase --service-code apigateway --quota-code ${quotaCode} --desired-value ${2 * maxRoutes}, with a profile of ${environment}'s account. Or remove models that are not used: slipway retire.`,
      };
};

export const checkHttpApiSize = async (
  access: EnvironmentAccess | undefined,
  environment: Environment,
  { outputs, models }: { readonly outputs: AwsOutputs | undefined; readonly models: readonly string[] },
): Promise<DoctorFinding | undefined> => {
  if (outputs === undefined) return describeHttpApiSize(environment, models, undefined);
  if (access === undefined) return undefined;
  const client = new ApiGatewayV2Client(access);
  const ApiId = environment === "stage" ? outputs.STAGE_HTTP_API_ID : outputs.PROD_HTTP_API_ID;
  let routes = 0;
  let NextToken: string | undefined;
  do {
    const page = await client.send(new GetRoutesCommand({ ApiId, NextToken })).catch((error: unknown) => {
      // check-environment.ts reports a missing API.
      if (error instanceof Error && error.name === "NotFoundException") return undefined;
      throw error;
    });
    if (page === undefined) return undefined;
    routes += page.Items?.length ?? 0;
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return describeHttpApiSize(environment, models, routes);
};
