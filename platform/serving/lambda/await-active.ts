import {
  GetFunctionCommand,
  InvokeCommand,
  type InvokeCommandOutput,
  type LambdaClient,
  waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";
import { defaultPoll, type LambdaServingDependencies, updateTimeoutSeconds } from "./lambda-dependencies.ts";

/** What Lambda says of a function that it is preparing. ResourceConflictException: its state is Pending. */
const preparingErrors = new Set([
  "CodeArtifactUserPendingException",
  "ResourceNotReadyException",
  "ResourceConflictException",
]);

/** Whether a call failed only because Lambda is preparing the version: it can be made again later. */
export const isPreparing = (error: unknown): boolean =>
  error instanceof Error && preparingErrors.has(error.name);

/** An HTTP event that the inference function answers without running its model: it writes no metrics and no record. */
export const healthCheckEvent = {
  version: "2.0",
  rawPath: "/health",
  headers: {},
  requestContext: { http: { method: "GET" } },
};

/**
 * Only a call wakes an inactive version; this first call fails.
 * @returns the function's response; undefined: Lambda prepares the version now
 */
export const wake = async (
  lambda: LambdaClient,
  id: { FunctionName: string; Qualifier: string },
): Promise<InvokeCommandOutput | undefined> => {
  try {
    return await lambda.send(
      new InvokeCommand({ ...id, Payload: Buffer.from(JSON.stringify(healthCheckEvent)) }),
    );
  } catch (error) {
    if (!isPreparing(error)) throw error;
    return undefined;
  }
};

type Needs = Pick<LambdaServingDependencies, "lambda" | "poll">;

const readState = async (lambda: LambdaClient, FunctionName: string, Qualifier: string) =>
  (await lambda.send(new GetFunctionCommand({ FunctionName, Qualifier }))).Configuration?.State;

const waitUntilActive = async (
  { lambda, poll = defaultPoll }: Needs,
  FunctionName: string,
  Qualifier: string,
): Promise<void> => {
  await waitUntilFunctionActiveV2(
    { client: lambda, maxWaitTime: updateTimeoutSeconds, ...poll },
    { FunctionName, Qualifier },
  );
};

/**
 * Waits until a version can be called, and wakes it where it is inactive: a version of an image that had no calls for weeks is,
 * and stays so until its first call.
 * https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
 */
export const awaitActive =
  (needs: Needs) =>
  async (FunctionName: string, Qualifier: string): Promise<void> => {
    const state = await readState(needs.lambda, FunctionName, Qualifier);
    if (state === "Active") return;
    if (state === "Inactive") await wake(needs.lambda, { FunctionName, Qualifier });
    await waitUntilActive(needs, FunctionName, Qualifier);
  };
