import { LambdaClient } from "@aws-sdk/client-lambda";
import type { AsyncInvocation } from "#platform/async-invocation/async-invocation.ts";
import { createLambdaAsyncInvocation } from "#platform/async-invocation/lambda.ts";

/**
 * Invokes the function that runs this code, asynchronously. Lambda sets its name and refuses another value.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
export const createSelfInvocation = (): AsyncInvocation =>
  createLambdaAsyncInvocation({
    client: new LambdaClient({}),
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME ?? "",
  });
