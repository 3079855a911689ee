import { SlipwayError } from "./slipway-error.ts";
import { TemporaryFault } from "./temporary-fault.ts";

/**
 * Names of throttling errors that come without the status 429.
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
  // A write met a transaction on the same item, and changed nothing.
  "TransactionConflictException",
  "TransactionInProgressException",
]);
/** Errors without a response: the connection failed, not the service. */
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

/** The caller's role or the resource's policy does not allow the call. */
export class PermissionMissing extends SlipwayError {
  override readonly name = "PermissionMissing";
  override readonly retryable = false;
}
const accessDeniedPattern =
  /^(AccessDenied|AccessDeniedException|KMSAccessDeniedException|UnauthorizedOperation|Forbidden)$/;

/**
 * Runs one call of an AWS client, which makes a few quick retries itself. Throws TemporaryFault, which the state machine
 * retries, if the last attempt is throttled, gets no response or a server error. Throws PermissionMissing if access is
 * denied, and every other error unchanged.
 * `operation`: the call in words, for instance `DynamoDB GetItem`.
 */
export const callAws = async <T>(operation: string, call: () => Promise<T>): Promise<T> => {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Error && accessDeniedPattern.test(error.name))
      throw new PermissionMissing(
        `${operation} is not allowed: ${error.message} The platform team grants it: apply this version's stacks again.`,
        { cause: error },
      );
    if (!(error instanceof Error && isTemporary(error))) throw error;
    throw new TemporaryFault(`${operation} failed: ${error.name}: ${error.message}`, { cause: error });
  }
};
