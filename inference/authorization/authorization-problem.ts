import type { RefusedKey, ThrottledKey } from "#api-keys/admission.ts";
import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import { toRateLimitHeaders } from "./rate-limit-headers.ts";

export type AuthorizationProblem = {
  readonly problem: HttpProblem;
  readonly headers: Readonly<Record<string, string>>;
};

/** 429 for a key over its limit. `retryAfter`: whole seconds. */
export const tooManyRequestsProblem = (
  retryAfter: number,
  headers: Readonly<Record<string, string>>,
): AuthorizationProblem => ({
  problem: createProblem(
    "too-many-requests",
    `Try again in ${retryAfter} second${retryAfter === 1 ? "" : "s"}.`,
  ),
  headers: { ...headers, "retry-after": String(retryAfter) },
});

/** 503 while keys cannot be checked: no request gets in without a check. */
export const keysUnavailableProblem: AuthorizationProblem = {
  problem: createProblem("keys-unavailable", "Try again in a moment."),
  headers: { "retry-after": "1" },
};

/** The response to a request that was not admitted. All invalid keys get the same one, so that nothing can be probed. */
export const toAuthorizationProblem = (admission: RefusedKey | ThrottledKey): AuthorizationProblem => {
  if (admission.status === "throttled")
    return tooManyRequestsProblem(admission.retryAfter, toRateLimitHeaders(admission));
  return admission.httpStatus === 403
    ? { problem: createProblem("forbidden", "This key is not valid for this model."), headers: {} }
    : {
        problem: createProblem("unauthorized", "Send a valid key as x-api-key."),
        // RFC 9110, 11.6.1: a 401 names the scheme.
        headers: { "www-authenticate": 'Bearer realm="slipway"' },
      };
};
