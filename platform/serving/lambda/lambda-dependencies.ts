import type { ApiGatewayV2Client } from "@aws-sdk/client-apigatewayv2";
import type { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import type { LambdaClient } from "@aws-sdk/client-lambda";
import type { Environment } from "#platform/serving/serving.ts";

/** Terraform's resources in an environment's account, and the clients for it. */
export type LambdaServingDependencies = {
  readonly environment: Environment;
  readonly lambda: LambdaClient;
  readonly api: ApiGatewayV2Client;
  readonly logs: CloudWatchLogsClient;
  /** ARN of the role that all inference functions share. */
  readonly role: string;
  /** The image repository, without tag and digest: `111122223333.dkr.ecr.eu-central-1.amazonaws.com/slipway`. */
  readonly repository: string;
  /** The image of a new function before its first version; it is never published. */
  readonly firstDigest: string;
  readonly architecture: "arm64" | "x86_64";
  readonly httpApi: {
    readonly id: string;
    /** The stage's URL, without a trailing slash. */
    readonly url: string;
    /** The Lambda authorizer of all models' routes; absent: no authorization. */
    readonly authorizerId?: string;
  };
  /** Variables of all functions in addition to the published ones: the location of their records. */
  readonly variables?: Readonly<Record<string, string>>;
  /** A number that CloudWatch Logs allows: 30, 60, 90 … */
  readonly logRetentionDays: number;
  /** ARN of the KMS key of the functions' log groups; absent: CloudWatch's own key. */
  readonly logKey?: string | undefined;
  /** Seconds between two polls of an update (default 1 to 5). */
  readonly poll?: { readonly minDelay: number; readonly maxDelay: number };
};

/** Timeout of one update: Lambda pulls and optimises an image of up to 10 GB. */
export const updateTimeoutSeconds = 600;
export const defaultPoll = { minDelay: 1, maxDelay: 5 };
