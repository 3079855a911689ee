import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DeleteFunctionCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import type { PushLog } from "#domain/approval/push-log.ts";
import { readCommittedRows } from "#domain/delivery/read-committed-model.ts";
import { createDeliveryName } from "#lambdas/start-delivery/delivery-name.ts";
import { toFunctionName } from "#platform/serving/function-name.ts";
import { environments } from "#platform/serving/serving.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import { type StepName, stepNames } from "#statemachine/delivery.ts";
import { repositoryRoot } from "#test/end-to-end/fixture.ts";
import {
  hasSimilarRequest,
  simulateStackPolicies,
  toAccessRequest,
} from "#test/infrastructure/prove-least-privilege.ts";
import { type RecordedRequest, readRecording } from "#test/infrastructure/recorded-requests.ts";
import { synthRecordedStacks } from "#test/infrastructure/synth-recorded-stacks.ts";
import { actInAccount } from "#test/peers/act-in-account.ts";
import { buildEnvironmentImage } from "#test/peers/create-build-project.ts";
import { mlflowStartLimitMs } from "#test/peers/mlflow.ts";
import { motoClientConfig } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import type { RecordedCall } from "#test/peers/recording-proxy.ts";
import { requireRuntimeClient } from "#test/peers/runtime-client.ts";
import { runCommand } from "#test/support/run-command.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { writePolicy } from "#test/support/write-policy.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { repositoryName } from "#worlds/embedded/scenario/watched-repository.ts";
import { type EmbeddedWorld, startEmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";
import { environmentAccounts, toDeliveryRoleArn, toolingAccount } from "./create-accounts.ts";
import { type MotoWorld, startMotoWorld } from "./moto-world.ts";
import { playScenarios } from "./play-scenarios.ts";
import { commitScenarios, scenarios } from "./scenarios.ts";
import { toPolicyRequests } from "./to-policy-requests.ts";

const python = requirePython("tests of all parts on two engines");
const client = requireRuntimeClient("tests of all parts on two engines");
const ModelEvent = z.object({ model: z.string(), commit: z.string() });
const DeliveryEvent = z.object({ delivery: z.string() });
const ApprovalEvent = z.object({ taskToken: z.string() });
const botToken = "xoxb-of-the-rehearsal";
const limitMs = 1_800_000;
const silentReporter = { event: () => undefined, say: () => undefined };
const logTime = (engine: string) => (sentence: string) => console.info(`${engine}, ${sentence}`);

describe.skipIf(python.skip || client.skip)("the same deliveries on two engines", () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let repository: Awaited<ReturnType<typeof commitScenarios>>;
  /** The delivery whose DeployModel has another external id than the role requires. */
  let deliveryWithWrongId: string | undefined;
  let rehearsal: EmbeddedWorld;
  let aws: MotoWorld;
  let embedded: Awaited<ReturnType<typeof playScenarios>>;
  let onAws: Awaited<ReturnType<typeof playScenarios>>;

  /** The functions' output, and the task tokens in their events. */
  const printed: string[] = [];
  const tokens = new Set<string>();

  const isBroken = (name: string, event: unknown): boolean => {
    const parsed = ModelEvent.safeParse(event);
    if (!parsed.success) return false;
    const { model, commit } = parsed.data;
    return scenarios[model]?.[repository.commits[model]?.indexOf(commit) ?? -1]?.broken === name;
  };

  /** Deliveries by hand need records of the pushes. */
  const recordPushes = async (pushes: Pick<PushLog, "record">) => {
    for (const after of Object.values(repository.commits).flat())
      await pushes.record({ before: null, after, by: "sam.carter@example.com" });
  };

  const playEmbedded = async () => {
    const root = resolveDataFolder(join(folder.path, "embedded"));
    await cp(repository.path, root.repository, { recursive: true });
    const database = openDatabase(root.database);
    const policy = await readFile(join(repository.path, "policy.yaml"), "utf8");
    await writePolicy(createSqliteStore({ database, clock: Date.now }), policy);
    database.close();
    rehearsal = await startEmbeddedWorld({
      folder: root,
      checkout: repositoryRoot,
      port: 0,
      modelsPort: 0,
      bakeMs: 1_000,
      traffic: 0,
      env: { SLACK_BOT_TOKEN: botToken },
      clock: Date.now,
      reporter: silentReporter,
      replaceSteps: (steps) => {
        const wrapStep = (name: StepName) => async (event: unknown) => {
          if (isBroken(name, event)) throw Object.assign(new Error("it is broken"), { name: "Broken" });
          return steps[name](event);
        };
        return { ...steps, ...Object.fromEntries(stepNames.map((name) => [name, wrapStep(name)])) };
      },
    });
    const { url, modelsUrl, world, engine, openView, asked, ended, steps, runtime } = rehearsal;
    await recordPushes(world.pushes);
    const deliver = async (model: string, commit: string) => {
      const push = {
        repository: repositoryName,
        before: null,
        after: commit,
        pusher: "sam.carter@example.com",
        runtime,
      };
      const { deliveries } = await steps.startDelivery({ ...push, models: [model] });
      return deliveries[0]?.name ?? "";
    };
    const target = { url, modelsUrl, world, engine, openView, asked, ended, botToken, deliver };
    return playScenarios(
      { ...target, sweep: () => steps.sweepDeliveries({}) },
      repository.commits,
      logTime("embedded"),
    );
  };

  const playOnAws = async () => {
    const awsFolder = join(folder.path, "aws");
    const broken = join(awsFolder, "broken");
    await mkdir(broken, { recursive: true });
    await writeFile(
      join(broken, "index.mjs"),
      'export const handler = async () => { throw Object.assign(new Error("it is broken"), { name: "Broken" }); };',
    );
    await cp(repository.path, join(awsFolder, "repository"), { recursive: true });
    aws = await startMotoWorld({
      folder: awsFolder,
      checkout: repositoryRoot,
      timeScale: 1_800,
      traffic: 0,
      reporter: silentReporter,
      log: (line) => {
        printed.push(line);
        if (process.env.VERBOSE) console.info(line.slice(0, 600));
      },
      otherwise: (name, event) => {
        const approval = ApprovalEvent.safeParse(event);
        if (approval.success) tokens.add(approval.data.taskToken);
        if (name === "deploy-model" && DeliveryEvent.safeParse(event).data?.delivery === deliveryWithWrongId)
          return { variables: { STAGE_EXTERNAL_ID: "of somebody else" } };
        return isBroken(name, event) ? { code: broken } : undefined;
      },
    });
    await recordPushes(aws.pushes);
    return playScenarios({ ...aws, botToken: aws.secrets.bot }, repository.commits, logTime("moto"));
  };

  beforeAll(async () => {
    folder = await createTemporaryFolder();
    repository = await commitScenarios();
    [embedded, onAws] = await Promise.all([playEmbedded(), playOnAws()]);
  }, mlflowStartLimitMs + limitMs);
  afterAll(async () => {
    await rehearsal?.stop();
    await aws?.stop();
    await repository?.remove();
    await folder?.remove();
  });

  describe.each(Object.keys(scenarios))("%s", (model) => {
    const listOutcomes = (result: typeof embedded) =>
      result.transcripts[model]?.map(({ outcome }) =>
        [outcome?.outcome, ...(outcome?.error ? [outcome.error.name] : [])].join(" "),
      );
    test("each delivery has the expected outcome on both engines", () => {
      const expected = scenarios[model]?.map(({ ends }) => ends);
      expect({ embedded: listOutcomes(embedded), onAws: listOutcomes(onAws) }).toEqual({
        embedded: expected,
        onAws: expected,
      });
    });
    test("outcomes and messages are the same", () => {
      expect(onAws.transcripts[model]).toEqual(embedded.transcripts[model]);
    });
    test("the ledgers are the same", () => {
      expect(onAws.ledgers[model]).toEqual(embedded.ledgers[model]);
    });
  });

  test("steps reach stage and prod only by their accounts' roles, in sessions named after the execution", async () => {
    const sessions = await aws.roleSessions();
    const [promoted] = onAws.transcripts.churn ?? [];
    const name = promoted?.outcome?.delivery ?? "";
    const [stage, prod] = [toDeliveryRoleArn("stage"), toDeliveryRoleArn("prod")];
    const listRoles = (list: typeof sessions) => new Set(list.map(({ role }) => role));
    expect(listRoles(sessions.filter(({ session }) => session === name))).toEqual(new Set([stage, prod]));
    expect(listRoles(sessions)).toEqual(new Set([stage, prod]));
    const deliveries = Object.values(onAws.transcripts).flatMap((transcripts) =>
      transcripts.map(({ outcome }) => outcome?.delivery),
    );
    expect(deliveries.concat("sweep-deliveries")).toEqual(
      expect.arrayContaining([...new Set(sessions.map(({ session }) => session))]),
    );
  });

  test(
    "`slipway rollback` creates a deleted function again, and prod and stage respond as before",
    async () => {
      const model = "churn";
      const versions = (await aws.world.ledger.entries("prod", model, 9)).filter(
        ({ status }) => status === "promoted",
      );
      const lambda = actInAccount(
        environmentAccounts.prod,
        new LambdaClient(motoClientConfig(aws.variables.AWS_ENDPOINT_URL)),
      );
      await lambda.send(new DeleteFunctionCommand({ FunctionName: toFunctionName("prod", model) }));
      lambda.destroy();
      const outputs = join(folder.path, "slipway.aws.json");
      await writeFile(
        outputs,
        JSON.stringify({
          ...aws.variables,
          ACCOUNTS: { tooling: toolingAccount, ...environmentAccounts },
          BUILD_PROJECT: "slipway-images",
          BUILD_IMAGE: buildEnvironmentImage,
        }),
      );
      const { AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL } = aws.variables;
      const rollback = await runCommand(
        ["rollback", model, "--world", "aws", "--outputs", outputs, "--reason", "it was deleted", "--json"],
        { AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL },
      );
      expect(rollback).toMatchObject({ code: 0, stderr: "" });
      const [newer, older] = versions;
      expect(JSON.parse(rollback.stdout)).toMatchObject({ from: newer?.version, to: older?.version });
      const rows = await readCommittedRows(aws.world)(model, older?.commit ?? "");
      for (const environment of environments) {
        const address = `${aws.url}/${environment}/models/${model}/v1/predict`;
        const headers = { "content-type": "application/json" };
        const body = JSON.stringify({ rows: rows.slice(0, 1) });
        const response = await fetch(address, { method: "POST", headers, body });
        expect([response.status, await response.json()]).toMatchObject([200, { predictions: [{}] }]);
      }
      expect(await aws.world.ledger.serving("prod", model)).toMatchObject({ version: older?.version });
    },
    limitMs,
  );

  test("the functions' output does not contain a secret, a task token or an input row", async () => {
    const text = printed.join("\n");
    expect(
      printed.filter((line) => line.includes(onAws.transcripts.churn?.[0]?.outcome?.delivery ?? "?")).length,
    ).toBeGreaterThan(10);
    expect(tokens.size).toBeGreaterThan(5);
    const rows = await readCommittedRows(aws.world)("churn", repository.commits.churn?.[0] ?? "");
    const hidden = [
      ...Object.values(aws.secrets),
      ...tokens,
      ...rows.map((row) => JSON.stringify(row).slice(1, -1)),
    ];
    expect(hidden.filter((value) => text.includes(value))).toEqual([]);
  });

  test(
    "a step with another external id is refused, and the delivery is rolled back",
    async () => {
      // Its approval expired: its image exists, and a person may deliver it again.
      const again = createDeliveryName({
        repository: repositoryName,
        model: "expiring",
        commit: repository.commits.expiring?.[0] ?? "",
        attempt: 2,
      });
      deliveryWithWrongId = again;
      expect(await aws.deliver("expiring", repository.commits.expiring?.[0] ?? "")).toBe(again);
      await aws.ended(again);
      expect(await aws.world.outcomes.read(again)).toMatchObject({
        outcome: "failed",
        error: {
          name: "RoleNotAssumed",
          cause: expect.stringContaining(toDeliveryRoleArn("stage")),
        },
      });
    },
    limitMs,
  );

  test("the stacks' policies allow every AWS call of the bundles, and their proof covers every kind of call", async () => {
    const written = await synthRecordedStacks();
    try {
      const inForce = simulateStackPolicies(written);
      const recorded = await readRecording();
      const format = ({ role, action, resource }: RecordedRequest) => `${role}: ${action} on ${resource}`;
      const isRefused = ({ operation, status }: RecordedCall) => operation === "AssumeRole" && status !== 200;
      const requests = toPolicyRequests(
        written,
        aws.calls.filter((call) => !isRefused(call)),
        aws.variables,
      );
      console.info(`policies: ${aws.calls.length} calls of the rehearsal, ${requests.length} requests`);
      expect(requests.length).toBeGreaterThan(100);
      expect(requests.filter((each) => !inForce.allows(toAccessRequest(each))).map(format)).toEqual([]);
      expect(requests.filter((each) => !hasSimilarRequest(recorded, each)).map(format)).toEqual([]);
      const refusedRequests = toPolicyRequests(written, aws.calls.filter(isRefused), aws.variables);
      expect(refusedRequests.map(({ context }) => context["sts:ExternalId"])).toEqual(["of somebody else"]);
      expect(refusedRequests.filter((each) => inForce.allows(toAccessRequest(each)))).toEqual([]);
    } finally {
      await written.remove();
    }
  });
});
