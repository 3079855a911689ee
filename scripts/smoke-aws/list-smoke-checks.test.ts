import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { handlerEnvironment } from "#test/support/handler-environment.ts";
import { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import { formatSmokeReport, redactOutputs } from "./format-smoke-report.ts";
import { listSmokeChecks, readBehaviours } from "./list-smoke-checks.ts";

const document = readFileSync(new URL("../../docs/first-day.md", import.meta.url), "utf8");
const accounts = { tooling: "123456789012", stage: "111122223333", prod: "444455556666" };
const outputs = AwsOutputs.parse({
  ...handlerEnvironment,
  ACCOUNTS: accounts,
  BUILD_PROJECT: "slipway-images",
  BUILD_IMAGE: "an image",
});
const checks = listSmokeChecks(
  {
    outputs,
    region: "eu-central-1",
    fetch,
    clock: () => 0,
    newId: () => "1",
    pause: async () => undefined,
  },
  document,
);

test("every behaviour of docs/first-day.md has one check, and every check one behaviour there", () => {
  const behaviours = readBehaviours(document);
  expect(behaviours.length).toBeGreaterThan(10);
  expect(checks.map(({ behaviour }) => behaviour).sort()).toEqual(
    ["the installation is complete", ...behaviours].sort(),
  );
});

test("a behaviour without a check is listed and never passes", async () => {
  const check = checks.find(({ behaviour }) => behaviour.startsWith('`engine_version = "16"`'));
  expect(await check?.run(() => undefined)).toMatchObject({ status: "not checked" });
});

test("the report has no account id, external id or id of an API, and its cells stay in their row", () => {
  const actual = `arn:aws:iam::${accounts.stage}:role/x, ${outputs.STAGE_EXTERNAL_ID} | ${outputs.PROD_HTTP_API_URL}\nend`;
  const outcomes = [{ behaviour: "b", expected: "e", status: "fail", actual } as const];
  const report = redactOutputs(
    formatSmokeReport({ outcomes, version: "1.0.0", region: "eu-central-1", at: 0 }),
    outputs,
  );
  expect(report).toBe(
    [
      "# smoke:aws, 1970-01-01",
      "",
      "Slipway 1.0.0, eu-central-1: 0 passed, 1 failed, 0 not checked.",
      "",
      "| result | behaviour | expected | actual |",
      "|---|---|---|---|",
      "| fail | b | e | arn:aws:iam::<account>:role/x, <external id> \\| https://<api>.execute-api.eu-central-1.amazonaws.com end |",
      "",
      "",
    ].join("\n"),
  );
});
