import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import { callAws } from "#platform/errors/call-aws.ts";
import type { AsyncInvocation } from "./async-invocation.ts";

/**
 * Lambda's asynchronous invocation: Lambda keeps the event, retries it and finally puts it into the dead-letter queue.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
 */
export const createLambdaAsyncInvocation = ({
  client,
  functionName,
}: {
  readonly client: LambdaClient;
  readonly functionName: string;
}): AsyncInvocation => ({
  start: (event) =>
    callAws("Lambda Invoke", async () => {
      await client.send(
        new InvokeCommand({
          FunctionName: functionName,
          InvocationType: "Event",
          Payload: JSON.stringify(event),
        }),
      );
    }),
});
