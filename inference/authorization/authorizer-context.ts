import type { AdmittedKey, ThrottledKey } from "#api-keys/admission.ts";
import { type AuthorizationProblem, tooManyRequestsProblem } from "./authorization-problem.ts";
import { toRateLimitHeaders } from "./rate-limit-headers.ts";

/**
 * What the authorizer hands to the inference function as `event.requestContext.authorizer.lambda`. An authorizer can
 * only let in or answer 401 and 403: a key over its limit is let in, and the function answers 429.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
 */
export type AuthorizerContext = {
  readonly keyId: string;
  /** Headers for the answer, whatever it is; none where the request could not be counted. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whole seconds; there where the key is over its limit. */
  readonly retryAfter?: number;
};

/** An admission in the form that goes through API Gateway. */
export const toAuthorizerContext = (admission: AdmittedKey | ThrottledKey): AuthorizerContext => ({
  keyId: admission.keyId,
  headers: { ...toRateLimitHeaders(admission) },
  ...(admission.status === "throttled" ? { retryAfter: admission.retryAfter } : {}),
});

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

/** What an authorizer of ours put there; undefined for anything else. Read by hand: a schema would cost each cold start. */
const readContext = (context: unknown): AuthorizerContext | undefined => {
  if (!isObject(context) || typeof context.keyId !== "string") return undefined;
  const { keyId, headers = {}, retryAfter } = context;
  if (!isObject(headers)) return undefined;
  const texts = Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])),
  );
  if (Object.keys(texts).length < Object.keys(headers).length) return undefined;
  if (retryAfter === undefined) return { keyId, headers: texts };
  // API Gateway may hand numbers on as text.
  const seconds = Number(retryAfter);
  return Number.isSafeInteger(seconds) && seconds > 0
    ? { keyId, headers: texts, retryAfter: seconds }
    : undefined;
};

/**
 * The 429 that a request has to be answered with before any work is done; undefined where it may be answered.
 * @param context `event.requestContext.authorizer?.lambda`, whatever it holds: without an authorizer nothing is limited
 */
export const readThrottleProblem = (
  context: unknown,
): (AuthorizationProblem & { readonly keyId: string; readonly retryAfter: number }) | undefined => {
  const read = readContext(context);
  if (read?.retryAfter === undefined) return undefined;
  const { keyId, headers, retryAfter } = read;
  return { keyId, retryAfter, ...tooManyRequestsProblem(retryAfter, headers) };
};

/** The `RateLimit` headers that an answered request carries; of the same context. */
export const readRateLimitHeaders = (context: unknown): Readonly<Record<string, string>> =>
  readContext(context)?.headers ?? {};
