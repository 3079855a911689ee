import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { SFNClient } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { createApprovals } from "#domain/approval/approvals.ts";
import { Identities } from "#domain/approval/identities.ts";
import type { BoundContributors } from "#domain/approval/resolve-approvers.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createPlatformPolicy } from "#domain/policy/platform-policy.ts";
import { createPolicyWriter } from "#domain/policy/policy-writer.ts";
import { createDeliveryName } from "#lambdas/start-delivery/delivery-name.ts";
import { createKmsCipher } from "#platform/cipher/kms.ts";
import { createStepFunctionsDeliveries } from "#platform/deliveries/step-functions.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { createAwsResources } from "#test/peers/create-aws-resources.ts";
import { createRole } from "#test/peers/create-role.ts";
import { createTable } from "#test/peers/create-table.ts";
import { type Moto, motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { createGitRepository } from "#test/support/git-repository.ts";
import { runCommand } from "#test/support/run-command.ts";
import { sentinelSecrets } from "#test/support/sentinel-secrets.ts";
import { startSlackUserServer } from "#test/support/slack-user-server.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";

const { skip } = requirePython("tests of the command on AWS");
const approver = "U024BE7LH";
/** The ARN that moto returns for a caller with its own keys. */
const caller = "arn:aws:sts::123456789012:user/moto";
const Proposed = z.object({ id: z.string(), changes: z.object({ loosened: z.array(z.string()) }) });
const root = join(import.meta.dirname, "..");

describe.skipIf(skip)("slipway --world aws", () => {
  let moto: Moto;
  let repository: Awaited<ReturnType<typeof createGitRepository>>;
  let slack: Awaited<ReturnType<typeof startSlackUserServer>>;
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let outputs: AwsOutputs;
  let commit: string;
  let env: Readonly<Record<string, string>>;

  const slipwayAs = (profile: string, ...args: readonly string[]) =>
    runCommand([...args, "--world", "aws", "--profile", profile], env);
  const slipway = (...args: readonly string[]) => slipwayAs("tooling", ...args);

  beforeAll(async () => {
    folder = await createTemporaryFolder();
    repository = await createGitRepository();
    const files = readdirSync(join(root, "models/churn")).map(
      (name) =>
        [`models/churn/${name}`, new Uint8Array(readFileSync(join(root, "models/churn", name)))] as const,
    );
    commit = await repository.commit(Object.fromEntries(files), "A model");
    moto = await startMoto({ CODECOMMIT_REPOSITORY: repository.path });
    slack = await startSlackUserServer({ [approver]: "ann@example.com", U0AUTHOR: "sam@example.com" });
    outputs = await createAwsResources(moto.endpoint, {
      slack: `${slack.url}/`,
      mlflow: "http://127.0.0.1:9",
    });
    const identities = Identities.parse({ people: { "ann@example.com": { arns: [caller] } } });
    const { floor } = await createPlatformPolicy({ store: store() }).read();
    const changes = createPolicyWriter({ store: store(), clock: Date.now });
    const { id } = await changes.propose({ floor, identities }, { id: "AIDA1:ann", name: "Ann" });
    await changes.confirm(id, { id: "AIDA2:bob", name: "Bob" });
    const role = await createRole(moto.endpoint, outputs.ACCOUNTS.tooling, "DataScience", {
      account: outputs.ACCOUNTS.tooling,
      externalId: "data-science",
    });
    const config = join(folder.path, "config");
    const keys = `aws_access_key_id = test\naws_secret_access_key = ${sentinelSecrets.awsSecretKey}`;
    const assumed = `source_profile = tooling\nrole_arn = ${role}\nexternal_id = data-science\nrole_session_name = ann@example.com`;
    await writeFile(
      config,
      `[profile tooling]\nregion = eu-central-1\n${keys}\n[profile forger]\nregion = eu-central-1\n${assumed}\n`,
    );
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
    const client = new DynamoDBClient(motoClientConfig(moto.endpoint));
    return createDynamoDbStore({ client, table: outputs.DELIVERY_TABLE, clock: Date.now });
  };
  const deliveries = () => {
    const client = new SFNClient(motoClientConfig(moto.endpoint));
    return createStepFunctionsDeliveries({ client, stateMachineArn: outputs.STATE_MACHINE_ARN });
  };
  const questions = () => {
    const cipher = createKmsCipher({
      client: new KMSClient(motoClientConfig(moto.endpoint)),
      key: outputs.CIPHER_KEY,
    });
    return createApprovals({ store: store(), cipher, deliveries: deliveries() });
  };
  const ask = (delivery: string, contributors: BoundContributors | null = null) =>
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
        contributors,
        evidence: { champion: null, changed: [], checks: [], omitted: [] },
        rule: { approvers: [approver, "U0AUTHOR"], quorum: 1, authorMayApprove: false, timeout: "PT24H" },
        askedAt: Date.now(),
        expiresAt: Date.now() + 3_600_000,
      },
      sentinelSecrets.taskToken,
    );

  test("deliver starts an execution at the branch's newest commit, and a second call starts another attempt", async () => {
    const name = (attempt: number) =>
      createDeliveryName({ repository: "models", model: "churn", commit, attempt });
    const first = await slipway("deliver", "churn", "--json");
    expect(first.stderr).toBe("");
    expect(JSON.parse(first.stdout)).toEqual([{ name: name(1), model: "churn", started: true }]);
    const { stdout } = await slipway("deliver", "churn");
    expect(stdout).toContain(`Started ${name(2)}: https://eu-central-1.console.aws.amazon.com/states/`);
    // The person who ran the command started these, and may not approve them.
    for (const attempt of [1, 2])
      expect((await deliveries().describe(name(attempt)))?.input).toMatchObject({ pusher: caller });
  });

  test("status lists executions and approvals, and says where deliveries run", async () => {
    await ask("churn-open");
    const { stdout, stderr } = await slipway("status");
    expect(stderr).toBe("");
    expect(stdout).toContain("No environment serves a model yet.");
    expect(stdout).toContain(
      createDeliveryName({ repository: "models", model: "churn", commit, attempt: 1 }),
    );
    expect(stdout).toMatch(/\? churn-open needs approval/);
    expect(stdout).toContain("Deliveries run in account 123456789012, eu-central-1.");
  });

  test("history reads the ledger in DynamoDB", async () => {
    await createLedger({ store: store() }).begin(
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

  test("approve follows the same rules as Slack, and the record names the caller", async () => {
    const { id } = await ask("churn-asked");
    expect(JSON.parse((await slipway("approvals", "--json")).stdout)).toContainEqual(
      expect.objectContaining({ id, delivery: "churn-asked", version: 3 }),
    );
    const people = ["ann@example.com"];
    const own = await ask("churn-own", {
      people,
      addresses: people,
      unmapped: [],
      approvers: [],
      leftOut: [],
    });
    expect(await slipway("approve", own.id, "--as", approver, "--yes")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/You contributed to this change, so you may not approve it/),
    });
    expect(await slipway("approve", id, "--as", "U0AUTHOR", "--yes")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/U0AUTHOR is another person \(sam@example.com\) than ann@example.com/),
    });
    expect(await slipway("approve", id, "--as", approver, "--yes")).toMatchObject({
      code: 0,
      // The question comes first.
      stdout: expect.stringContaining(`\n${id}: It is approved by ${approver} as ann@example.com.\n`),
    });
    expect((await questions().read(id))?.state).toMatchObject({
      decision: {
        status: "approved",
        by: [{ user: approver, name: "U024BE7LH as ann@example.com" }],
      },
    });
  });

  test("a role session with an approver's name does not decide as that approver", async () => {
    const { id } = await ask("churn-forged");
    expect(await slipwayAs("forger", "approve", id, "--as", approver, "--yes")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /assumed-role\/DataScience\/ann@example.com, which maps to no person .*slipway policy apply/,
      ),
    });
    expect((await questions().read(id))?.state).toEqual({ status: "pending", votes: [] });
  });

  test("a failed command prints a message and returns an exit code", async () => {
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
      stderr: expect.stringMatching(/there is no model nobody\.\n {2}→ Models: churn/),
    });
    expect(await slipway("deliver", "churn", "--commit", "gone")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no commit "gone" in models/),
    });
  });

  test("init aws writes the policy's first copy once; another copy needs two people and lists what loosens", async () => {
    const table = "slipway-new";
    await createTable(new DynamoDBClient(motoClientConfig(moto.endpoint)), table);
    const file = join(folder.path, "new.aws.json");
    await writeFile(file, JSON.stringify({ ...outputs, DELIVERY_TABLE: table }));
    const at = ["--outputs", file];
    const init = (...args: readonly string[]) =>
      runCommand(["init", "aws", "--profile", "tooling", ...at, ...args], env);

    expect(await slipway("policy", "show", ...at)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/slipway init aws/),
    });
    expect(await init("--policy", join(folder.path, "none.yaml"))).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/none\.yaml does not exist/),
    });
    // The shipped policy names neither people nor domains.
    expect(await init()).toMatchObject({ code: 2, stderr: expect.stringMatching(/--domain example\.com/) });
    expect(await init("--domain", "no domain")).toMatchObject({ code: 2 });
    expect(await init("--domain", "example.com")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/The platform's policy was written/),
    });
    expect(await init("--domain", "example.com")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/slipway policy apply/),
    });

    const looser = join(folder.path, "looser.yaml");
    const text = readFileSync(join(root, "policy.yaml"), "utf8");
    await writeFile(looser, text.replace(/high: \d+/, "high: 99"));
    const proposed = await slipway("policy", "apply", looser, ...at, "--json");
    expect(proposed.stderr).toBe("");
    const { id, changes } = Proposed.parse(JSON.parse(proposed.stdout));
    expect(changes.loosened.join()).toMatch(/99/);
    expect(await slipway("policy", "confirm", id, ...at)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/second person/),
    });
    expect(await slipwayAs("forger", "policy", "confirm", id, ...at)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/Revision 2 of the policy is in force/),
    });
    const history = await slipway("policy", "history", ...at, "--json");
    expect(JSON.parse(history.stdout)).toMatchObject([{ revision: 2 }, { revision: 1, confirmedBy: null }]);
  });

  test("a key of an environment's table says which caller made it, not whose machine it was", async () => {
    const key = ["--name", "billing", "--all-models", "--table", outputs.DELIVERY_TABLE, "--json"];
    const { stdout } = await runCommand(["keys", "create", ...key], { ...env, AWS_PROFILE: "tooling" });
    expect(JSON.parse(stdout)).toMatchObject({ createdBy: caller });
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
