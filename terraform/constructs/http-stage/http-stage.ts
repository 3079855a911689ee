import { Apigatewayv2Stage } from "@cdktn/provider-aws/lib/apigatewayv2-stage/index.js";
import { CloudwatchLogGroup } from "@cdktn/provider-aws/lib/cloudwatch-log-group/index.js";
import { Construct } from "constructs";

type Needs = {
  /** Id of the HTTP API. */
  readonly api: string;
  readonly name: string;
  readonly key: string;
  readonly logRetentionDays: number;
  /** Concurrent requests and requests per second above which API Gateway returns 429. */
  readonly burst: number;
  readonly perSecond: number;
};

/** Without headers, body and query, so that the log contains neither keys nor rows. */
const accessLogFields = {
  requestId: "$context.requestId",
  time: "$context.requestTimeEpoch",
  caller: "$context.identity.userArn",
  source: "$context.identity.sourceIp",
  method: "$context.httpMethod",
  path: "$context.path",
  status: "$context.status",
  bytes: "$context.responseLength",
  milliseconds: "$context.responseLatency",
  error: "$context.integrationErrorMessage",
};

/** The default stage of an HTTP API, with an access log and rate limits. */
export const addHttpStage = (scope: Construct, id: string, needs: Needs): void => {
  const place = new Construct(scope, id);
  const logs = new CloudwatchLogGroup(place, "logs", {
    name: `/slipway/http/${needs.name}`,
    retentionInDays: needs.logRetentionDays,
    kmsKeyId: needs.key,
  });
  new Apigatewayv2Stage(place, "default", {
    apiId: needs.api,
    name: "$default",
    autoDeploy: true,
    accessLogSettings: { destinationArn: logs.arn, format: JSON.stringify(accessLogFields) },
    defaultRouteSettings: {
      throttlingBurstLimit: needs.burst,
      throttlingRateLimit: needs.perSecond,
    },
  });
};
