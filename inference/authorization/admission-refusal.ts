import type { Refused, Throttled } from "#api-keys/admission.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import { problem } from "#inference/http/problem.ts";
import { admissionHeaders } from "./admission-headers.ts";

export type Refusal = {
  readonly problem: HttpProblem;
  readonly headers: Readonly<Record<string, string>>;
};

/** The answer to a key over its limit. `retryAfter`: whole seconds. */
export const tooManyRequests = (retryAfter: number, headers: Readonly<Record<string, string>>): Refusal => ({
  problem: problem("too-many-requests", `Ask again in ${retryAfter} second${retryAfter === 1 ? "" : "s"}.`),
  headers: { ...headers, "retry-after": String(retryAfter) },
});

/** The answer where keys could not be checked: nobody gets in unchecked. */
export const keysUnavailable: Refusal = {
  problem: problem("keys-unavailable", "Ask again in a moment."),
  headers: { "retry-after": "1" },
};

/** The answer to a request that its key did not get in. It is the same for every key that is not valid here. */
export const admissionRefusal = (admission: Refused | Throttled): Refusal => {
  if (admission.status === "throttled")
    return tooManyRequests(admission.retryAfter, admissionHeaders(admission));
  return admission.answer === 403
    ? { problem: problem("forbidden", "This key is not for this model."), headers: {} }
    : {
        problem: problem("unauthorized", "Send a valid key as x-api-key."),
        // RFC 9110, 11.6.1: a 401 names how to ask.
        headers: { "www-authenticate": 'Bearer realm="slipway"' },
      };
};
