import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { toExitCode } from "./exit-code.ts";
import { explainAwsSetup } from "./explain-aws-setup.ts";

const noRegion = new Error("Region is missing");
const noCredentials = Object.assign(new Error("Could not load credentials from any providers"), {
  name: "CredentialsProviderError",
});

test("a machine without a region or credentials is told what to set, and the command ends with 3", () => {
  expect(explainAwsSetup(noRegion, {})?.sentence).toBe("No region is set.");
  expect(explainAwsSetup(noCredentials, {})?.remedy).toMatch(/AWS_PROFILE.*aws sso login/);
  const empty = new Error('Region not accepted: region="" is not a valid hostname component.');
  expect(explainAwsSetup(empty, {})?.sentence).toBe("No region is set.");
  expect([noRegion, noCredentials].map(toExitCode)).toEqual([3, 3]);
});

test("a profile that does not exist is named before the region that it would have", async () => {
  const folder = await createTemporaryFolder();
  try {
    const file = join(folder.path, "config");
    await writeFile(file, "[default]\n[profile tooling]\nregion = eu-central-1\n");
    const explain = (AWS_PROFILE: string) =>
      explainAwsSetup(noRegion, { AWS_PROFILE, AWS_CONFIG_FILE: file, HOME: folder.path })?.sentence;
    expect(explain("nope")).toBe("There is no AWS profile nope on this machine.");
    expect(explain("tooling")).toBe("No region is set.");
  } finally {
    await folder.remove();
  }
});

test("other errors are no problem of this machine", () => {
  expect(explainAwsSetup(new Error("Region eu-x is missing a table"), {})).toBeUndefined();
  expect(toExitCode(new Error("other"))).toBe(1);
});
