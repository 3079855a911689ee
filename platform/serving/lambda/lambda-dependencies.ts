import type { ApiGatewayV2Client } from "@aws-sdk/client-apigatewayv2";
import type { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import type { LambdaClient } from "@aws-sdk/client-lambda";
import type { Environment } from "#platform/serving/serving.ts";

/** What Terraform made in an environment's account, and the clients that act there. */
export type LambdaServingDependencies = {
  readonly environment: Environment;
  readonly lambda: LambdaClient;
  readonly api: ApiGatewayV2Client;
  readonly logs: CloudWatchLogsClient;
  /** ARN of the one role of all inference functions. */
  readonly role: string;
  /** Where images lie, without tag and digest: `111122223333.dkr.ecr.eu-central-1.amazonaws.com/slipway`. */
  readonly repository: string;
  /** An image there that a function is made with before its first version; it is never published. */
  readonly firstDigest: string;
  readonly architecture: "arm64" | "x86_64";
  readonly httpApi: {
    readonly id: string;
    /** Its stage's address, without a slash at the end. */
    readonly url: string;
    /** A Lambda authorizer that every model's route asks; absent: the routes are open. */
    readonly authorizerId?: string;
  };
  /** Variables that all functions there have beside those that are published: where their records lie. */
  readonly variables?: Readonly<Record<string, string>>;
  /** One of the numbers that CloudWatch Logs allows: 30, 60, 90 … */
  readonly logRetentionDays: number;
  /** ARN of the key of the functions' log groups; absent: CloudWatch's own. */
  readonly logKey?: string | undefined;
  /** Seconds between two looks at an update that is under way (default 1 to 5). */
  readonly poll?: { readonly minDelay: number; readonly maxDelay: number };
};

/** The longest that Lambda may take over one update, in seconds: pulling and optimising an image of 10 GB. */
export const updateTimeoutSeconds = 600;
export const defaultPoll = { minDelay: 1, maxDelay: 5 };
