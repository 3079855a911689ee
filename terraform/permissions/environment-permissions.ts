import type { Environment } from "../../platform/serving/serving.ts";
import { mergeStatements } from "./merge-statements.ts";
import { allow, allowAny, type Statement } from "./statement.ts";

/** Where callers from tooling find what they change in an environment's account. */
type EnvironmentResources = {
  readonly environment: Environment;
  readonly region: string;
  readonly account: string;
  /** ARN of the one role of all inference functions. */
  readonly inferenceRole: string;
  readonly httpApiId: string;
  /** ARN of tooling's image repository. */
  readonly imageRepository: string;
};

/**
 * What each caller from tooling's account may do in an environment: a function's role there, and the operator's. One
 * role a caller, so that a step that only asks the model cannot change it. A caller that is absent has no role there.
 */
export const createEnvironmentPermissions = (
  at: EnvironmentResources,
): Readonly<Record<string, readonly Statement[]>> => {
  const functions = `arn:aws:lambda:${at.region}:${at.account}:function:slipway-${at.environment}-*`;
  const logs = `arn:aws:logs:${at.region}:${at.account}:log-group:/aws/lambda/slipway-${at.environment}-*`;
  const api = `arn:aws:apigateway:${at.region}::/apis/${at.httpApiId}`;
  const lambda = (...names: readonly string[]) =>
    allow(
      names.map((name) => `lambda:${name}`),
      [functions],
    );
  const gateway = {
    lists: [`${api}/routes`, `${api}/integrations`],
    items: [`${api}/routes/*`, `${api}/integrations/*`],
  };

  /** The log group, the function, its route and the permission for it. */
  const ensure = [
    allow(["logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:AssociateKmsKey"], [logs]),
    lambda("GetFunction", "CreateFunction", "TagResource", "GetAlias"),
    allow(["iam:PassRole"], [at.inferenceRole], {
      StringEquals: { "iam:PassedToService": "lambda.amazonaws.com" },
    }),
    allow(["apigateway:GET", "apigateway:POST"], gateway.lists),
    allow(["apigateway:PATCH"], [`${api}/routes/*`]),
  ];
  const publish = [
    lambda(
      "GetFunction",
      "GetFunctionConfiguration",
      "ListVersionsByFunction",
      "UpdateFunctionCode",
      "UpdateFunctionConfiguration",
      "PublishVersion",
    ),
    // Lambda looks for the image with its caller's rights first.
    allow(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], [at.imageRepository]),
  ];
  /** Only API Gateway is ever let in. */
  const letIn = allow(["lambda:AddPermission"], [functions], {
    StringEquals: { "lambda:Principal": "apigateway.amazonaws.com" },
  });
  const route = [lambda("GetAlias", "GetFunction", "CreateAlias", "UpdateAlias"), letIn];
  /** A function that somebody deleted is made anew. */
  const putBack = [...ensure, ...publish, ...route, lambda("DeleteAlias", "InvokeFunction")];
  const retire = [
    allow(["apigateway:GET"], gateway.lists),
    allow(["apigateway:DELETE"], gateway.items),
    allow(["logs:DeleteLogGroup"], [logs]),
    lambda("DeleteFunction"),
  ];
  const list = allowAny("ListFunctionsNamesNoResource", ["lambda:ListFunctions"]);
  const metrics = allowAny("MetricsNameNoResource", [
    "cloudwatch:GetMetricData",
    "cloudwatch:GetMetricStatistics",
    "cloudwatch:ListMetrics",
  ]);

  const everywhere = {
    "roll-back": putBack,
    operator: [...putBack, ...retire, list, metrics],
  };
  const callers: Readonly<Record<string, readonly Statement[]>> =
    at.environment === "stage"
      ? {
          ...everywhere,
          "deploy-model": [...ensure, ...publish, ...route],
          "verify-model": [lambda("GetFunction", "InvokeFunction")],
          "sweep-deliveries": putBack,
        }
      : {
          ...everywhere,
          // On prod golden vectors are asked before any traffic comes.
          "deploy-model": [...ensure, ...publish, ...route, lambda("InvokeFunction")],
          // The champion has the alias by now: it is moved, never made.
          "shift-traffic": [lambda("GetAlias", "GetFunction", "UpdateAlias"), letIn],
          "judge-canary": [metrics],
          "promote-model": route,
          "sweep-deliveries": [...putBack, list],
        };
  return Object.fromEntries(
    Object.entries(callers).map(([caller, statements]) => [caller, mergeStatements(statements)]),
  );
};
