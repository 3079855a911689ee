import { expect, test } from "vitest";
import { config } from "#terraform/config.ts";
import { readConfiguration } from "./read-configuration.ts";

const filledIn = {
  tooling: { ...config.tooling, account: "123456789012" },
  stage: { ...config.stage, account: "123456789013" },
  prod: { ...config.prod, account: "123456789014" },
};
const read = (input: unknown) => readConfiguration(async () => ({ config: input }));

test("the shipped configuration is not filled in, and the remedy names the command that does it", async () => {
  const { accounts, findings } = await readConfiguration();
  expect(accounts).toBeUndefined();
  expect(findings).toEqual([
    { status: "missing", sentence: expect.any(String), remedy: expect.stringContaining("slipway init aws") },
  ]);
});

test("each mistake is a finding", async () => {
  const { accounts, findings } = await read({
    ...filledIn,
    prod: { ...filledIn.prod, account: filledIn.stage.account, externalId: filledIn.stage.externalId },
  });
  expect(accounts).toBeUndefined();
  expect(findings).toHaveLength(2);
});

test("a configuration that is filled in is used, and its unset digests are findings", async () => {
  const { accounts, findings } = await read(filledIn);
  expect(accounts?.tooling.account).toBe("123456789012");
  expect(findings.map(({ sentence }) => sentence)).toEqual([
    expect.stringContaining("images.buildImage"),
    expect.stringContaining("images.baseImage"),
    expect.stringContaining("images.firstDigest"),
    expect.stringContaining("platform@example.com"),
  ]);
  expect(findings).toMatchObject([
    { status: "missing", remedy: expect.stringContaining("crane digest public.ecr.aws/codebuild/") },
    { status: "missing", remedy: expect.stringContaining("crane digest public.ecr.aws/lambda/") },
    { status: "pending" },
    { status: "warning", remedy: expect.stringContaining("--alarm-emails") },
  ]);
});

test("a file that does not even load is a finding, not a crash", async () => {
  const { findings } = await readConfiguration(async () => {
    throw new SyntaxError("Unexpected token");
  });
  expect(findings[0]?.sentence).toBe("terraform/config.ts is not usable: Unexpected token");
});
