import type { InvokeCommandOutput } from "@aws-sdk/client-lambda";
import * as z from "zod";
import { FunctionFailed } from "#platform/serving/serving.ts";

const FailurePayload = z.object({ errorMessage: z.string(), errorType: z.string().optional() });

/** The error of a call whose function failed. */
export const readFailure = ({ FunctionError, Payload }: InvokeCommandOutput): FunctionFailed => {
  const text = Payload?.transformToString() ?? "";
  try {
    const { errorType, errorMessage } = FailurePayload.parse(JSON.parse(text));
    return new FunctionFailed(errorType ? `${errorType}: ${errorMessage}` : errorMessage);
  } catch {
    return new FunctionFailed(`${FunctionError}: ${text.slice(0, 1_000)}`);
  }
};
