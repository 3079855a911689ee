import fc from "fast-check";
import { expect, test } from "vitest";
import { readRateLimitHeaders, readThrottleProblem, toAuthorizerContext } from "./authorizer-context.ts";

const rate = { perMinute: 100, burst: 50 };
/** As it comes out of API Gateway. */
const carried = (context: unknown) => JSON.parse(JSON.stringify(context));

test("a key over its limit is 429, with the seconds to wait and its quota in the standard's form", () => {
  const context = toAuthorizerContext({
    status: "throttled",
    keyId: "k1",
    quota: { rate, remaining: 0 },
    retryAfter: 7,
  });
  expect(readThrottleProblem(carried(context))).toEqual({
    keyId: "k1",
    retryAfter: 7,
    problem: expect.objectContaining({ status: 429, detail: "Ask again in 7 seconds." }),
    headers: { "retry-after": "7", "ratelimit-policy": '"key";q=50;w=30', ratelimit: '"key";r=0;t=7' },
  });
});

test("a key within its limit may be answered, with its quota", () => {
  const context = toAuthorizerContext({ status: "admitted", keyId: "k1", quota: { rate, remaining: 12 } });
  expect(readThrottleProblem(carried(context))).toBeUndefined();
  expect(readRateLimitHeaders(carried(context))).toEqual({
    "ratelimit-policy": '"key";q=50;w=30',
    ratelimit: '"key";r=12;t=30',
  });
});

test("without an authorizer, or with another's context, nothing is limited and nothing breaks", () => {
  fc.assert(
    fc.property(fc.anything(), (context) => {
      expect(readThrottleProblem(context)).toBeUndefined();
      expect(readRateLimitHeaders(context)).toEqual({});
    }),
  );
});
