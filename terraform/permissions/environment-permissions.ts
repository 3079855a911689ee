import type { Environment } from "../../platform/serving/serving.ts";
import { mergeStatements } from "./merge-statements.ts";
import { allow, allowAny, type Statement } from "./statement.ts";

/** Resources in an environment's account that callers from tooling change. */
type EnvironmentResources = {
  readonly environment: Environment;
  readonly region: string;
  readonly account: string;
  /** ARN of the role that all inference functions share. */
  readonly inferenceRole: string;
  readonly httpApiId: string;
  /** ARN of tooling's image repository. */
  readonly imageRepository: string;
};

/**
 * The permissions of each caller from tooling in an environment: functions and the operator. Each caller has its own
 * role, so that a step that only invokes the model cannot change it. Callers that are not listed have no role there.
 */
export const createEnvironmentPermissions = (
  resources: EnvironmentResources,
): Readonly<Record<string, readonly Statement[]>> => {
  const functions = `arn:aws:lambda:${resources.region}:${resources.account}:function:slipway-${resources.environment}-*`;
  const logs = `arn:aws:logs:${resources.region}:${resources.account}:log-group:/aws/lambda/slipway-${resources.environment}-*`;
  const api = `arn:aws:apigateway:${resources.region}::/apis/${resources.httpApiId}`;
  const lambda = (...names: readonly string[]) =>
    allow(
      names.map((name) => `lambda:${name}`),
      [functions],
    );
  const gateway = {
    lists: [`${api}/routes`, `${api}/integrations`],
    items: [`${api}/routes/*`, `${api}/integrations/*`],
  };

  const ensure = [
    allow(["logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:AssociateKmsKey"], [logs]),
    lambda("GetFunction", "CreateFunction", "TagResource", "GetAlias"),
    allow(["iam:PassRole"], [resources.inferenceRole], {
      StringEquals: { "iam:PassedToService": "lambda.amazonaws.com" },
    }),
    allow(["apigateway:GET", "apigateway:POST"], gateway.lists),
    allow(["apigateway:PATCH"], [`${api}/routes/*`]),
  ];
  const publish = [
    lambda(
      "GetFunction",
      "ListVersionsByFunction",
      "UpdateFunctionCode",
      "UpdateFunctionConfiguration",
      "PublishVersion",
    ),
    // Lambda first reads the image with its caller's permissions.
    allow(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], [resources.imageRepository]),
  ];
  /** Only for API Gateway as the principal. */
  const addInvokePermission = allow(["lambda:AddPermission"], [functions], {
    StringEquals: { "lambda:Principal": "apigateway.amazonaws.com" },
  });
  const route = [lambda("GetAlias", "GetFunction", "CreateAlias", "UpdateAlias"), addInvokePermission];
  /** Includes the creation of a function, because someone may have deleted it. */
  const restore = [...ensure, ...publish, ...route, lambda("DeleteAlias", "InvokeFunction")];
  const retire = [
    allow(["apigateway:GET"], gateway.lists),
    allow(["apigateway:DELETE"], gateway.items),
    allow(["logs:DeleteLogGroup"], [logs]),
    lambda("DeleteFunction"),
  ];
  const watch = [
    lambda("InvokeFunction", "GetAlias", "ListVersionsByFunction"),
    // Versions, never a function with all of them.
    allow(["lambda:DeleteFunction"], [`${functions}:*`]),
  ];
  const list = allowAny("ListFunctionsNamesNoResource", ["lambda:ListFunctions"]);
  const countActions = ["cloudwatch:GetMetricData", "cloudwatch:ListMetrics"];
  const requestCounts = allowAny("MetricsNameNoResource", countActions);
  const metrics = allowAny("MetricsNameNoResource", [...countActions, "cloudwatch:GetMetricStatistics"]);

  const everywhere = {
    "roll-back": restore,
    operator: [
      ...restore,
      ...retire,
      list,
      metrics,
      allowAny("AccountSettingsNameNoResource", ["lambda:GetAccountSettings"]),
    ],
  };
  const callers: Readonly<Record<string, readonly Statement[]>> =
    resources.environment === "stage"
      ? {
          ...everywhere,
          // Only a call wakes a version of an earlier delivery that has become inactive.
          "deploy-model": [...ensure, ...publish, ...route, lambda("InvokeFunction")],
          "verify-model": [lambda("GetFunction", "InvokeFunction")],
          "sweep-deliveries": restore,
          "watch-models": watch,
        }
      : {
          ...everywhere,
          // On prod, it checks golden vectors before any traffic.
          "deploy-model": [...ensure, ...publish, ...route, lambda("InvokeFunction")],
          // The champion already has the alias, so it is moved, never created.
          "shift-traffic": [lambda("GetAlias", "GetFunction", "UpdateAlias"), addInvokePermission],
          // Only the rate of prod's requests; it verifies on stage.
          "verify-model": [requestCounts],
          // Replays recorded inputs, which the functions themselves list.
          "judge-canary": [metrics, lambda("InvokeFunction")],
          "promote-model": route,
          "show-console": [metrics],
          "sweep-deliveries": [...restore, list],
          "watch-models": [...watch, list, allowAny("MetricsNameNoResource", ["cloudwatch:GetMetricData"])],
        };
  return Object.fromEntries(
    Object.entries(callers).map(([caller, statements]) => [caller, mergeStatements(statements)]),
  );
};
