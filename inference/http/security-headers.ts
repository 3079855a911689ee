import { type HttpResponse, withHeaders } from "./http-response.ts";

/**
 * What tells a browser to treat an answer as data and nothing else: no guessing of its type, nothing in it runs, no other
 * origin embeds it, frames it or keeps a hold on its window. There is no Access-Control-Allow-Origin anywhere: no other
 * origin reads an answer.
 */
export const securityHeaders = {
  "content-security-policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

/** The answer with these headers; a page's own policy stays. */
export const withSecurityHeaders = (reply: HttpResponse): HttpResponse =>
  withHeaders(reply, { ...securityHeaders, ...reply.headers });
