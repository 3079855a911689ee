import { expect, test } from "vitest";
import { securityHeaders, withSecurityHeaders } from "./security-headers.ts";

const respond = (headers: Readonly<Record<string, string>>) => ({ status: 200, headers, body: "" });

test("a response gets every header that it lacks, and keeps its own values", () => {
  const own = { "referrer-policy": "same-origin", etag: '"1"' };
  expect(withSecurityHeaders(respond(own)).headers).toEqual({ ...securityHeaders, ...own });
  const { "x-content-type-options": _, ...others } = securityHeaders;
  expect(withSecurityHeaders(respond(others)).headers).toEqual(securityHeaders);
});

test("other headers that the host sets take precedence over the response's", () => {
  const { headers } = withSecurityHeaders(respond({ "x-request-id": "a", ...securityHeaders }), {
    "x-request-id": "b",
  });
  expect(headers).toEqual({ ...securityHeaders, "x-request-id": "b" });
});
