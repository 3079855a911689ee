import { expect, test } from "vitest";
import { explainRemedy } from "./explain-remedy.ts";
import { remedies } from "./remedies.ts";

test("a remedy names the model wherever it has a place for it, and leaves other places alone", () => {
  expect(explainRemedy({ name: "ManifestInvalid" }, "churn")).toContain("`slipway check models/churn`");
  expect(explainRemedy({ name: "RollBackFailed" }, "churn")).toContain("`slipway rollback churn`");
  expect(explainRemedy({ name: "PolicyMissing" }, "churn")).toContain("--domain <domain>");
  for (const error of Object.keys(remedies))
    expect(explainRemedy({ name: error }, "churn")).not.toMatch(/<(name|model)>/);
});
