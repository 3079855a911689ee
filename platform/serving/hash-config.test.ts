import { expect, test } from "vitest";
import { hashConfig } from "./hash-config.ts";

const config = {
  digest: `sha256:${"a".repeat(64)}`,
  memoryMb: 512,
  timeoutSeconds: 30,
  variables: { SLIPWAY_MODEL: "churn", SLIPWAY_ENVIRONMENT: "prod" },
};

test("versions that exist keep their hashes, and only a version with a snapshot has another", () => {
  // Recorded before the option existed: a deployed version is found by it.
  expect(hashConfig(config)).toBe("a3cb157611d2f40af28d3572a3da1aa88e6b219390903bc1adc3b2c625715f3e");
  expect(hashConfig({ ...config, snapStart: true })).not.toBe(hashConfig(config));
});
