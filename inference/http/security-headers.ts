import type { HttpResponse } from "./http-response.ts";

/**
 * Headers that make a browser treat a response as data only: no type sniffing, no scripts, no embedding or framing by other
 * origins. No response has Access-Control-Allow-Origin, so no other origin can read one.
 */
export const securityHeaders = {
  "content-security-policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

const names = Object.keys(securityHeaders);

/** Adds these headers and `others`; the response's own values take precedence over these, and `others` over its own. */
export const withSecurityHeaders = (
  response: HttpResponse,
  others?: HttpResponse["headers"],
): HttpResponse => {
  const { headers } = response;
  // A host adds them to what the service has added them to already.
  if (!others && names.every((name) => Object.hasOwn(headers, name))) return response;
  return { ...response, headers: { ...securityHeaders, ...headers, ...others } };
};
