import { SlipwayError } from "./slipway-error.ts";
import { TemporaryFault } from "./temporary-fault.ts";

/**
 * Throttling by its many names, where AWS does not say it by the status 429.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
const throttlingErrors = new Set([
  "BandwidthLimitExceeded",
  "EC2ThrottledException",
  "LimitExceededException",
  "PriorRequestNotComplete",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "RequestThrottled",
  "RequestThrottledException",
  "SlowDown",
  "ThrottledException",
  "Throttling",
  "ThrottlingException",
  "TooManyRequestsException",
  "TransactionInProgressException",
]);
/** Faults without an answer: the connection, not the service. */
const timeoutErrors = new Set(["TimeoutError", "RequestTimeout", "RequestTimeoutException", "AbortError"]);
const connectionErrors = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

const readStatus = (error: Error): number => {
  const metadata: unknown = "$metadata" in error ? error.$metadata : undefined;
  return typeof metadata === "object" && metadata !== null && "httpStatusCode" in metadata
    ? Number(metadata.httpStatusCode)
    : 0;
};

const isTemporary = (error: Error): boolean => {
  const status = readStatus(error);
  return (
    throttlingErrors.has(error.name) ||
    timeoutErrors.has(error.name) ||
    ("code" in error && connectionErrors.has(String(error.code))) ||
    status === 429 ||
    status >= 500
  );
};

/** The caller's role lacks a right, or the resource's own policy does not let it. */
export class PermissionMissing extends SlipwayError {
  override readonly name = "PermissionMissing";
  override readonly retryable = false;
}
const accessDeniedPattern =
  /^(AccessDenied|AccessDeniedException|KMSAccessDeniedException|UnauthorizedOperation|Forbidden)$/;

/**
 * One call of an AWS client, which has its own few quick retries. What is still throttled, without an answer or a
 * fault of the service's ends as TemporaryFault, for the state machine to try again; what the role may not is
 * PermissionMissing; all else is thrown as it is.
 * `what`: the call in words, such as `DynamoDB GetItem`.
 */
export const callAws = async <T>(what: string, call: () => Promise<T>): Promise<T> => {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Error && accessDeniedPattern.test(error.name))
      throw new PermissionMissing(
        `${what} is not allowed: ${error.message} The platform team grants it: in AWS by applying the stacks of this version again.`,
        { cause: error },
      );
    if (!(error instanceof Error && isTemporary(error))) throw error;
    throw new TemporaryFault(`${what} did not succeed: ${error.name}: ${error.message}`, { cause: error });
  }
};
