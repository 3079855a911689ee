import { describe, expect, test } from "vitest";
import { findRemedy, remedies } from "./remedies.ts";

describe("the remedy of GateFailed follows the checks that failed", () => {
  const latency = "latency p95: p95 latency 61 ms (limit 50 ms; 95 % interval 58 to 66 ms; 200 requests)";
  const score = "accuracy: accuracy 0.71 (required ≥ 0.75; 95 % interval 0.68 to 0.74; 500 holdout rows)";

  test.each([
    ["a score", score, /^Train the model further/],
    ["a score against the champion", "f1Macro vs champion: F1 macro 0.1 worse", /^Train the model further/],
    ["the latency", latency, /^Make the model faster .*resources\.memoryMb/],
    ["the size of the image", "image size: image 900 MB (limit 500 MB)", /^Make the model's files smaller/],
    ["the schema", "input schema: not backward compatible: age was removed", /^Keep the inputs and outputs/],
    ["smoke", "smoke: 0 of 5 requests answered: no response", /^Run `slipway serve/],
  ])("%s", (_, cause, remedy) => expect(findRemedy("GateFailed", cause)).toMatch(remedy));

  test("no training is asked for where the scores passed", () => {
    for (const cause of [latency, "image size: image 900 MB (limit 500 MB)"])
      expect(findRemedy("GateFailed", cause)).not.toContain("Train");
  });

  test("several failed checks have the remedy of each, once", () => {
    const remedy = findRemedy("GateFailed", `${score}; auc: AUC 0.6 (required ≥ 0.8); ${latency}`);
    expect(remedy.match(/Train the model further/g)).toHaveLength(1);
    expect(remedy).toContain("Make the model faster");
  });

  test("without a cause, or with one that names no known check, it is the general one", () => {
    expect(findRemedy("GateFailed")).toBe(remedies.GateFailed);
    expect(findRemedy("GateFailed", "something else")).toBe(remedies.GateFailed);
  });
});
