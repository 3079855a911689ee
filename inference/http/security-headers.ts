import { type HttpResponse, withHeaders } from "./http-response.ts";

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

/** Adds these headers; the response's own values take precedence. */
export const withSecurityHeaders = (response: HttpResponse): HttpResponse =>
  withHeaders(response, { ...securityHeaders, ...response.headers });
