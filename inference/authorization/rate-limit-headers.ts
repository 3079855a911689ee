import type { AdmittedKey, Quota, ThrottledKey } from "#api-keys/admission.ts";
import { windowSeconds } from "#api-keys/window-seconds.ts";

const formatFields = ({ rate, remaining }: Quota, reset: number) => ({
  "ratelimit-policy": `"key";q=${rate.burst};w=${Math.ceil(windowSeconds(rate))}`,
  ratelimit: `"key";r=${remaining};t=${reset}`,
});

/**
 * Headers with a client's limit and the remaining requests: `RateLimit` and `RateLimit-Policy`, and `Retry-After` above
 * the limit. All times in whole seconds.
 * https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-11
 */
export const toRateLimitHeaders = (
  admission: AdmittedKey | ThrottledKey,
): Readonly<Record<string, string>> => {
  if (admission.status === "throttled")
    return {
      "retry-after": String(admission.retryAfter),
      ...formatFields(admission.quota, admission.retryAfter),
    };
  const { quota } = admission;
  return quota === undefined ? {} : formatFields(quota, Math.ceil(windowSeconds(quota.rate)));
};
