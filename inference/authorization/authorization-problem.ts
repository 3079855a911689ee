import type { RefusedKey, ThrottledKey } from "#api-keys/admission.ts";
import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import { toRateLimitHeaders } from "./rate-limit-headers.ts";

export type AuthorizationProblem = {
  readonly problem: HttpProblem;
  readonly headers: Readonly<Record<string, string>>;
};

/** The answer to a key over its limit. `retryAfter`: whole seconds. */
export const tooManyRequestsProblem = (
  retryAfter: number,
  headers: Readonly<Record<string, string>>,
): AuthorizationProblem => ({
  problem: createProblem(
    "too-many-requests",
    `Ask again in ${retryAfter} second${retryAfter === 1 ? "" : "s"}.`,
  ),
  headers: { ...headers, "retry-after": String(retryAfter) },
});

/** The answer where keys could not be checked: nobody gets in unchecked. */
export const keysUnavailableProblem: AuthorizationProblem = {
  problem: createProblem("keys-unavailable", "Ask again in a moment."),
  headers: { "retry-after": "1" },
};

/** The answer to a request that its key did not get in. It is the same for every key that is not valid here. */
export const toAuthorizationProblem = (admission: RefusedKey | ThrottledKey): AuthorizationProblem => {
  if (admission.status === "throttled")
    return tooManyRequestsProblem(admission.retryAfter, toRateLimitHeaders(admission));
  return admission.answer === 403
    ? { problem: createProblem("forbidden", "This key is not for this model."), headers: {} }
    : {
        problem: createProblem("unauthorized", "Send a valid key as x-api-key."),
        // RFC 9110, 11.6.1: a 401 names how to ask.
        headers: { "www-authenticate": 'Bearer realm="slipway"' },
      };
};
