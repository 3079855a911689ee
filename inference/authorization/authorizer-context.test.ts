import fc from "fast-check";
import { expect, test } from "vitest";
import { readRateLimitHeaders, readThrottleProblem, toAuthorizerContext } from "./authorizer-context.ts";

const rate = { perMinute: 100, burst: 50 };
/** The context after API Gateway has passed it on as JSON. */
const passThrough = (context: unknown) => JSON.parse(JSON.stringify(context));

test("a key over its limit gets 429 with the seconds to wait and its quota in standard headers", () => {
  const context = toAuthorizerContext({
    status: "throttled",
    keyId: "k1",
    quota: { rate, remaining: 0 },
    retryAfter: 7,
  });
  expect(readThrottleProblem(passThrough(context))).toEqual({
    keyId: "k1",
    retryAfter: 7,
    problem: expect.objectContaining({ status: 429, detail: "Try again in 7 seconds." }),
    headers: { "retry-after": "7", "ratelimit-policy": '"key";q=50;w=30', ratelimit: '"key";r=0;t=7' },
  });
});

test("a key within its limit is admitted, and the response has its quota", () => {
  const context = toAuthorizerContext({ status: "admitted", keyId: "k1", quota: { rate, remaining: 12 } });
  expect(readThrottleProblem(passThrough(context))).toBeUndefined();
  expect(readRateLimitHeaders(passThrough(context))).toEqual({
    "ratelimit-policy": '"key";q=50;w=30',
    ratelimit: '"key";r=12;t=30',
  });
});

test("without our authorizer's context nothing is limited and nothing breaks", () => {
  fc.assert(
    fc.property(fc.anything(), (context) => {
      expect(readThrottleProblem(context)).toBeUndefined();
      expect(readRateLimitHeaders(context)).toEqual({});
    }),
  );
});
