import { expect, test } from "vitest";
import { readDeliveryModel } from "./read-delivery-model.ts";
import { readStateVerdict } from "./read-state-verdict.ts";

const check = (name: string, verdict: string) => ({ name, verdict });

test("a state's verdict comes with the checks that failed", () => {
  const checks = [check("auc", "fail"), check("p95 latency", "inconclusive"), check("size", "pass")];
  const output = {
    VerifyStage: { verdict: "fail", checks },
    JudgeCanary: { verdict: "inconclusive", checks: checks.slice(1) },
  };
  expect(readStateVerdict("VerifyStage", output)).toEqual({ verdict: "fail", failed: ["auc"] });
  expect(readStateVerdict("JudgeCanary", output)).toEqual({
    verdict: "inconclusive",
    failed: [],
  });
});

test("a state that could check nothing says what, and one that checked something does not", () => {
  const omitted = [{ name: "vulnerabilities", why: "no advisories for npm", remedy: "Load them." }];
  const output = {
    ScanImage: { verdict: "inconclusive", checks: [], omitted },
    VerifyStage: { verdict: "pass", checks: [check("auc", "pass")], omitted },
  };
  expect(readStateVerdict("ScanImage", output)).toEqual({ verdict: "inconclusive", failed: [], omitted });
  expect(readStateVerdict("VerifyStage", output)).toEqual({ verdict: "pass", failed: [] });
});

test("a state without a verdict judges nothing", () => {
  for (const output of [undefined, null, {}, { DeployStage: { url: "x" } }])
    expect(readStateVerdict("DeployStage", output)).toBeUndefined();
});

test("a delivery's name has its model, also after a second attempt", () => {
  expect(readDeliveryModel("transit-time-0123456789ab-01234567-2")).toBe("transit-time");
  expect(readDeliveryModel("rollback-churn-01234567")).toBe("rollback-churn-01234567");
});
