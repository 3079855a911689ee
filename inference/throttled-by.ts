import * as z from "zod";
import type { Admitted, Throttled } from "./admission.ts";
import { admissionHeaders } from "./admission-headers.ts";
import { type Refusal, tooManyRequests } from "./admission-refusal.ts";

/**
 * What the authorizer hands to the inference function as `event.requestContext.authorizer.lambda`. An authorizer can
 * only let in or answer 401 and 403: a key over its limit is let in, and the function answers 429.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
 */
export const AuthorizerContext = z.object({
  keyId: z.string(),
  /** Headers for the answer, whatever it is; none where the request could not be counted. */
  headers: z.record(z.string(), z.string()).default({}),
  /** Whole seconds; there where the key is over its limit. */
  retryAfter: z.coerce.number().int().positive().optional(),
});
export type AuthorizerContext = z.infer<typeof AuthorizerContext>;

/** An admission in the form that goes through API Gateway. */
export const authorizerContext = (admission: Admitted | Throttled): AuthorizerContext => ({
  keyId: admission.keyId,
  headers: { ...admissionHeaders(admission) },
  ...(admission.status === "throttled" ? { retryAfter: admission.retryAfter } : {}),
});

/**
 * The 429 that a request has to be answered with before any work is done; undefined where it may be answered.
 * @param context `event.requestContext.authorizer?.lambda`, whatever it holds: without an authorizer nothing is limited
 */
export const throttledBy = (
  context: unknown,
): (Refusal & { readonly keyId: string; readonly retryAfter: number }) | undefined => {
  const { data } = AuthorizerContext.safeParse(context);
  if (data?.retryAfter === undefined) return undefined;
  const { keyId, retryAfter, headers } = data;
  return { keyId, retryAfter, ...tooManyRequests(retryAfter, headers) };
};

/** The `RateLimit` headers that an answered request carries; of the same context. */
export const quotaHeaders = (context: unknown): Readonly<Record<string, string>> =>
  AuthorizerContext.safeParse(context).data?.headers ?? {};
