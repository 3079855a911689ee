import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CloudWatchClient, DescribeAlarmsCommand, PutMetricAlarmCommand } from "@aws-sdk/client-cloudwatch";
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAwsResources } from "#test/peers/create-aws-resources.ts";
import { type Mlflow, mlflowStartLimitMs, startMlflow } from "#test/peers/mlflow.ts";
import { type Moto, motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { createGitRepository } from "#test/support/git-repository.ts";
import { handlerEnvironment } from "#test/support/handler-environment.ts";
import { findSentinelSecrets } from "#test/support/sentinel-secrets.ts";
import { startStubServer } from "#test/support/stub-server.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import { readBehaviours } from "./smoke-aws/list-smoke-checks.ts";

const { skip } = requirePython("tests of smoke:aws");
const script = fileURLToPath(new URL("smoke-aws.ts", import.meta.url));
const outputsTeam = handlerEnvironment.SLACK_TEAM_ID;
const firstDay = readFileSync(new URL("../docs/first-day.md", import.meta.url), "utf8");

describe.skipIf(skip)("smoke:aws on moto and MLflow", () => {
  let moto: Moto;
  let mlflow: Mlflow;
  let outputs: AwsOutputs;
  let repository: Awaited<ReturnType<typeof createGitRepository>>;
  let slack: Awaited<ReturnType<typeof startStubServer>>;
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;

  /** Runs the command without a terminal. */
  const run = (...args: readonly string[]) =>
    new Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>(
      (resolve) => {
        const child = execFile(
          process.execPath,
          [script, "--folder", folder.path, ...args],
          {
            env: {
              PATH: process.env.PATH,
              HOME: folder.path,
              AWS_ENDPOINT_URL: moto.endpoint,
              AWS_REGION: "eu-central-1",
              AWS_ACCESS_KEY_ID: "test",
              AWS_SECRET_ACCESS_KEY: "test",
            },
          },
          (_, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
        );
        child.stdin?.end();
      },
    );
  const listMlflowModels = async (): Promise<unknown> => {
    const response = await fetch(`${mlflow.uri}/api/2.0/mlflow/registered-models/search?max_results=10`);
    return response.json();
  };
  const client = () => motoClientConfig(moto.endpoint);

  beforeAll(async () => {
    folder = await createTemporaryFolder();
    repository = await createGitRepository();
    await repository.commit({ "models/churn/model.yaml": "name: churn" }, "A model");
    moto = await startMoto({ CODECOMMIT_REPOSITORY: repository.path });
    mlflow = await startMlflow("proxied");
    slack = await startStubServer(({ url }, _body, response) => {
      if (url?.endsWith("callback")) response.statusCode = 401;
      return { ok: true, team_id: outputsTeam, team: "Acme" };
    });
    outputs = await createAwsResources(moto.endpoint, { slack: `${slack.url}/slack/`, mlflow: mlflow.uri });
    await new CloudWatchClient(client()).send(
      new PutMetricAlarmCommand({
        AlarmName: "slipway-deliveries-failed",
        Namespace: "AWS/States",
        MetricName: "ExecutionsFailed",
        Statistic: "Sum",
        Period: 300,
        EvaluationPeriods: 1,
        Threshold: 0,
        ComparisonOperator: "GreaterThanThreshold",
        AlarmActions: ["arn:aws:sns:eu-central-1:123456789012:slipway-alarms"],
      }),
    );
  }, mlflowStartLimitMs);
  afterAll(async () => {
    await slack?.stop();
    await mlflow?.stop();
    await moto?.stop();
    await repository?.remove();
    await folder?.remove();
  });

  test("without consent it writes nothing, and says what it left out", async () => {
    const { code, stdout } = await run();
    expect(stdout).toContain("There is no terminal to ask");
    expect(stdout).toContain("run again with --yes");
    expect([code, stdout]).toEqual([0, expect.stringMatching(/1 passed, 0 failed, \d+ not checked/)]);
    expect(await listMlflowModels()).toEqual({});
  });

  test("every behaviour of docs/first-day.md is in the report, and none of AWS's passes on moto", async () => {
    const { code, stdout } = await run("--yes");
    expect([code, stdout]).toEqual([0, expect.stringMatching(/1 passed, 0 failed, \d+ not checked/)]);
    const [name = ""] = readdirSync(folder.path).filter((file) => /^smoke-.*\.md$/.test(file));
    const report = readFileSync(join(folder.path, name), "utf8");
    for (const behaviour of readBehaviours(firstDay))
      expect(report).toContain(`| not checked | ${behaviour} |`);
    expect(report).toContain("| pass | the installation is complete |");
    // They ran as far as moto and MLflow go.
    expect(report).toMatch(/there: pass, the tag is gone/);
    expect(report).toMatch(/there: (pass|fail), (refused|stored)/);
    expect(findSentinelSecrets(report)).toEqual([]);
    for (const secret of [...Object.values(outputs.ACCOUNTS), outputs.STAGE_EXTERNAL_ID])
      expect(report).not.toContain(secret);
  });

  test("nothing that it created is left", async () => {
    expect(await listMlflowModels()).toEqual({});
    const { Contents = [] } = await new S3Client(client()).send(
      new ListObjectsV2Command({ Bucket: outputs.PROVENANCE_BUCKET }),
    );
    expect(Contents).toEqual([]);
    const { MetricAlarms = [] } = await new CloudWatchClient(client()).send(new DescribeAlarmsCommand({}));
    expect(MetricAlarms.map(({ StateValue }) => StateValue)).not.toContain("ALARM");
  });
});
