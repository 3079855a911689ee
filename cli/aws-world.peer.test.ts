import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { SFNClient } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { approvals } from "../domain/approvals.ts";
import { ledger } from "../domain/ledger.ts";
import type { AwsOutputs } from "../lambdas/aws-outputs.ts";
import { deliveryName } from "../lambdas/start-delivery/delivery-name.ts";
import { kmsCipher } from "../platform/cipher/kms.ts";
import { stepFunctionsDeliveries } from "../platform/deliveries/step-functions.ts";
import { dynamodbStore } from "../platform/store/dynamodb.ts";
import { gitRepository } from "../test/git-repository.ts";
import { markedSecrets } from "../test/marked-secrets.ts";
import { awsSetup } from "../test/peers/aws-setup.ts";
import { type Moto, motoClient, startMoto } from "../test/peers/moto.ts";
import { pythonPeer } from "../test/peers/python-environment.ts";
import { slackUsers } from "../test/peers/slack-users.ts";
import { runCommand } from "../test/run-command.ts";
import { temporaryFolder } from "../test/temporary-folder.ts";

const { skip } = pythonPeer("tests of the command on AWS");
const approver = "U024BE7LH";
const root = join(import.meta.dirname, "..");

describe.skipIf(skip)("slipway --world aws", () => {
  let moto: Moto;
  let repository: Awaited<ReturnType<typeof gitRepository>>;
  let slack: Awaited<ReturnType<typeof slackUsers>>;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let outputs: AwsOutputs;
  let commit: string;
  let env: Readonly<Record<string, string>>;

  const slipway = (...args: readonly string[]) =>
    runCommand([...args, "--world", "aws", "--profile", "tooling"], env);

  beforeAll(async () => {
    folder = await temporaryFolder();
    repository = await gitRepository();
    const files = readdirSync(join(root, "models/churn")).map(
      (name) =>
        [`models/churn/${name}`, new Uint8Array(readFileSync(join(root, "models/churn", name)))] as const,
    );
    commit = await repository.commit(Object.fromEntries(files), "A model");
    moto = await startMoto({ CODECOMMIT_REPOSITORY: repository.path });
    slack = await slackUsers({ [approver]: "ann@example.com", U0AUTHOR: "sam@example.com" });
    outputs = await awsSetup(moto.endpoint, { slack: `${slack.url}/`, mlflow: "http://127.0.0.1:9" });
    const config = join(folder.path, "config");
    const keys = `aws_access_key_id = test\naws_secret_access_key = ${markedSecrets.awsSecretKey}`;
    await writeFile(config, `[profile tooling]\nregion = ${"eu-central-1"}\n${keys}\n`);
    env = {
      AWS_ENDPOINT_URL: moto.endpoint,
      AWS_CONFIG_FILE: config,
      AWS_SHARED_CREDENTIALS_FILE: join(folder.path, "credentials"),
      AWS_EC2_METADATA_DISABLED: "true",
    };
  });
  afterAll(async () => {
    await slack?.stop();
    await moto?.stop();
    await repository?.remove();
    await folder?.remove();
  });

  const store = () => {
    const client = new DynamoDBClient(motoClient(moto.endpoint));
    return dynamodbStore({ client, table: outputs.DELIVERY_TABLE, clock: Date.now });
  };
  const questions = () => {
    const cipher = kmsCipher({ client: new KMSClient(motoClient(moto.endpoint)), key: outputs.CIPHER_KEY });
    const client = new SFNClient(motoClient(moto.endpoint));
    const deliveries = stepFunctionsDeliveries({ client, stateMachineArn: outputs.STATE_MACHINE_ARN });
    return approvals({ store: store(), cipher, deliveries });
  };
  const ask = (delivery: string) =>
    questions().ask(
      {
        delivery,
        model: "churn",
        commit,
        digest: outputs.RUNTIME_DIGEST,
        version: 3,
        baseline: 0,
        fence: 1,
        author: { name: "Sam", email: "sam@example.com" },
        pusher: null,
        contributors: null,
        evidence: { champion: null, changed: [], checks: [], omitted: [] },
        rule: { approvers: [approver, "U0AUTHOR"], quorum: 1, authorMayApprove: false, timeout: "PT24H" },
        askedAt: Date.now(),
        expiresAt: Date.now() + 3_600_000,
      },
      markedSecrets.taskToken,
    );

  test("deliver starts an execution at the branch's newest commit, and another attempt when asked again", async () => {
    const name = (attempt: number) => deliveryName({ repository: "models", model: "churn", commit, attempt });
    const first = await slipway("deliver", "churn", "--json");
    expect(first.stderr).toBe("");
    expect(JSON.parse(first.stdout)).toEqual([{ name: name(1), model: "churn", started: true }]);
    const { stdout } = await slipway("deliver", "churn");
    expect(stdout).toContain(`Started ${name(2)}: https://eu-central-1.console.aws.amazon.com/states/`);
  });

  test("status tells of executions and questions, and where deliveries run", async () => {
    await ask("churn-open");
    const { stdout, stderr } = await slipway("status");
    expect(stderr).toBe("");
    expect(stdout).toContain("Nothing is served yet.");
    expect(stdout).toContain(deliveryName({ repository: "models", model: "churn", commit, attempt: 1 }));
    expect(stdout).toMatch(/\? churn-open waits for an answer/);
    expect(stdout).toContain("Deliveries run in account 123456789012, eu-central-1.");
  });

  test("history reads the ledger in DynamoDB", async () => {
    await ledger({ store: store() }).begin(
      {
        environment: "prod",
        model: "churn",
        delivery: "churn-before",
        commit,
        digest: outputs.RUNTIME_DIGEST,
        version: 2,
        functionVersion: "7",
        fence: 1,
        previous: 0,
        reason: null,
      },
      Date.now(),
    );
    const { stdout } = await slipway("history", "churn", "--json");
    expect(JSON.parse(stdout)).toMatchObject([
      { delivery: "churn-before", version: 2, functionVersion: "7" },
    ]);
  });

  test("approve holds the same rules as Slack, and the record says who the caller was", async () => {
    const { id } = await ask("churn-asked");
    expect(JSON.parse((await slipway("approvals", "--json")).stdout)).toContainEqual(
      expect.objectContaining({ id, delivery: "churn-asked", version: 3 }),
    );
    const author = await slipway("approve", id, "--as", "U0AUTHOR");
    expect(author).toMatchObject({ code: 1, stderr: expect.stringMatching(/author of a change may not/) });
    expect(await slipway("approve", id, "--as", approver)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(`^${id}: It is approved by ${approver} as .+\\.\n$`),
    });
    expect((await questions().read(id))?.state).toMatchObject({
      decision: {
        status: "approved",
        by: [{ user: approver, name: expect.stringMatching(/^U024BE7LH as /) }],
      },
    });
  });

  test("what cannot be done ends in a sentence and a code", async () => {
    expect(await slipway("rollback", "churn")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/prod serves no version of churn/),
    });
    expect(await slipway("retire", "churn")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/churn has no function on stage or prod/),
    });
    expect(await slipway("deliver", "nobody")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /nobody is not in the repository at [0-9a-f]{12}: commit it under models/,
      ),
    });
    expect(await slipway("deliver", "churn", "--commit", "gone")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no commit "gone" in models/),
    });
  });

  test("without outputs it says what to apply", async () => {
    const file = join(folder.path, "slipway.aws.json");
    await writeFile(file, JSON.stringify({ ...outputs, PROD_ROLE_ARN: undefined }));
    const incomplete = {
      code: 3,
      stderr: expect.stringMatching(/is not complete: PROD_ROLE_ARN: .*Apply the stack/s),
    };
    expect(await slipway("status", "--outputs", file)).toMatchObject(incomplete);
    expect(await runCommand(["registry", "--profile", "tooling", "--outputs", file], env)).toMatchObject(
      incomplete,
    );
  });
});
