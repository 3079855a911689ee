import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useConfiguredRegion } from "./use-configured-region.ts";

const load = (account: string) => async () => ({ config: { tooling: { account, region: "eu-west-1" } } });

beforeEach(() => {
  for (const name of ["AWS_REGION", "AWS_PROFILE"]) vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_CONFIG_FILE", "/nonexistent/config");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials");
});
afterEach(() => vi.unstubAllEnvs());

test("where no region is set, the configuration's counts", async () => {
  await useConfiguredRegion(load("123456789012"));
  expect(process.env.AWS_REGION).toBe("eu-west-1");
});

test("the shipped configuration gives no region", async () => {
  await useConfiguredRegion(load("111111111111"));
  expect(process.env.AWS_REGION).toBeUndefined();
});

test("a region of the environment counts before the configuration", async () => {
  vi.stubEnv("AWS_REGION", "us-east-2");
  await useConfiguredRegion(load("123456789012"));
  expect(process.env.AWS_REGION).toBe("us-east-2");
});
