import type { AdmittedKey, ThrottledKey } from "#api-keys/admission.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";
import { type AuthorizationProblem, tooManyRequestsProblem } from "./authorization-problem.ts";
import { toRateLimitHeaders } from "./rate-limit-headers.ts";

/**
 * What the authorizer passes to the inference function as `event.requestContext.authorizer.lambda`. An authorizer can
 * only admit, or respond 401 or 403. So it admits a key over its limit, and the function responds 429.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
 */
export type AuthorizerContext = {
  readonly keyId: string;
  /** Headers for every response; empty if the request could not be counted. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whole seconds; only for a key over its limit. */
  readonly retryAfter?: number;
};

/** Converts an admission to the form that passes through API Gateway. */
export const toAuthorizerContext = (admission: AdmittedKey | ThrottledKey): AuthorizerContext => ({
  keyId: admission.keyId,
  headers: { ...toRateLimitHeaders(admission) },
  ...(admission.status === "throttled" ? { retryAfter: admission.retryAfter } : {}),
});

/** Reads the context of our own authorizer; undefined for anything else. Without a schema, which would slow each cold start. */
const readContext = (context: unknown): AuthorizerContext | undefined => {
  if (!isJsonObject(context) || typeof context.keyId !== "string") return undefined;
  const { keyId, headers = {}, retryAfter } = context;
  if (!isJsonObject(headers)) return undefined;
  const textHeaders = Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])),
  );
  if (Object.keys(textHeaders).length < Object.keys(headers).length) return undefined;
  if (retryAfter === undefined) return { keyId, headers: textHeaders };
  // API Gateway may pass numbers as text.
  const seconds = Number(retryAfter);
  return Number.isSafeInteger(seconds) && seconds > 0
    ? { keyId, headers: textHeaders, retryAfter: seconds }
    : undefined;
};

/**
 * The 429 for a key over its limit, to send before any work; undefined if the request may run.
 * @param context `event.requestContext.authorizer?.lambda`, which may hold anything: without an authorizer nothing is limited
 */
export const readThrottleProblem = (
  context: unknown,
): (AuthorizationProblem & { readonly keyId: string; readonly retryAfter: number }) | undefined => {
  const parsed = readContext(context);
  if (parsed?.retryAfter === undefined) return undefined;
  const { keyId, headers, retryAfter } = parsed;
  return { keyId, retryAfter, ...tooManyRequestsProblem(retryAfter, headers) };
};

/** The `RateLimit` headers for the response to an admitted request. */
export const readRateLimitHeaders = (context: unknown): Readonly<Record<string, string>> =>
  readContext(context)?.headers ?? {};
