import { expect, test } from "vitest";
import { describeHttpApiSize } from "./check-http-api-size.ts";

const models = (count: number) => Array.from({ length: count }, (_, index) => `model-${index}`);

test("a few models are far from the limits, which the sentence names", () => {
  expect(describeHttpApiSize("stage", ["churn", "spam"], 1)).toEqual({
    status: "ok",
    sentence: expect.stringMatching(
      /^The HTTP API of stage: 1 in use; 2 models need 2 routes \(limit 300\)\. .* at most \d{3} bytes \(limit 20480\)\.$/,
    ),
  });
});

test("near the limit of routes it warns with the command, above it deliveries would fail", () => {
  expect(describeHttpApiSize("prod", models(241), 10)).toMatchObject({
    status: "warning",
    remedy: expect.stringContaining("--service-code apigateway --quota-code L-65B5C802"),
  });
  expect(describeHttpApiSize("prod", models(301), undefined)).toMatchObject({
    status: "missing",
    sentence: expect.stringContaining("not applied yet; 301 models need 301 routes"),
  });
  // Routes of models that left the repository count too.
  expect(describeHttpApiSize("prod", models(2), 290)).toMatchObject({ status: "warning" });
});

test("the longest name of a model leaves its function's policy far below the limit", () => {
  const longest = describeHttpApiSize("stage", ["m".repeat(40)], 0).sentence;
  expect(Number(longest.match(/at most (\d+) bytes/)?.[1])).toBeLessThan(1_000);
});
