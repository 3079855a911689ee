import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { stop } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApiKeyStore } from "#api-keys/api-key-store.ts";
import { createPushLog } from "#domain/approval/push-log.ts";
import { bundleHandler } from "#packaging/bundle-handler.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { findUnrecordedRequests, readRecording } from "#test/infrastructure/recorded-requests.ts";
import { createTable } from "#test/peers/create-table.ts";
import { type Moto, motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { prepareDeliveryAccount } from "#test/peers/prepare-delivery-account.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { type RecordingProxy, startRecordingProxy } from "#test/peers/recording-proxy.ts";
import { createGitRepository } from "#test/support/git-repository.ts";
import { handlerEnvironment } from "#test/support/handler-environment.ts";
import { runBundle } from "#test/support/run-bundle.ts";
import { startSlackUserServer } from "#test/support/slack-user-server.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { buildModelYaml } from "#test/support/toy-model.ts";

const { skip } = requirePython("tests of handlers on moto");

describe.skipIf(skip)("functions as Lambda runs them", () => {
  let moto: Moto;
  let client: DynamoDBClient;
  let repository: Awaited<ReturnType<typeof createGitRepository>>;
  let slack: Awaited<ReturnType<typeof startSlackUserServer>>;
  let commit: string;
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  const toPath = (name: string) => join(folder.path, `${name}.mjs`);
  let recorder: RecordingProxy;
  const variables = (name: string) => ({
    ...handlerEnvironment,
    AWS_ENDPOINT_URL: recorder.endpoint,
    AWS_ACCESS_KEY_ID: name,
    SLACK_API_URL: `${slack.url}/`,
  });
  beforeAll(async () => {
    folder = await createTemporaryFolder();
    repository = await createGitRepository();
    commit = await repository.commit({ "models/churn/model.yaml": buildModelYaml() }, "A model");
    moto = await startMoto({ CODECOMMIT_REPOSITORY: repository.path });
    slack = await startSlackUserServer({ U024BE7LH: "ann@example.com", U0SECOND1: "bob@example.com" });
    recorder = await startRecordingProxy(moto.endpoint);
    client = new DynamoDBClient(motoClientConfig(moto.endpoint));
    await prepareDeliveryAccount(moto.endpoint);
    const store = createDynamoDbStore({ client, table: handlerEnvironment.DELIVERY_TABLE, clock: Date.now });
    await createPushLog({ store, clock: Date.now }).record({
      before: null,
      after: commit,
      by: "ada@example.com",
    });
    await createTable(client, handlerEnvironment.KEYS_TABLE);
    for (const name of ["claim-environment", "authorize-key"])
      await writeFile(toPath(name), await bundleHandler(name).then(({ code }) => code));
    await stop();
  });
  afterAll(async () => {
    client?.destroy();
    await recorder?.stop();
    await moto?.stop();
    await slack?.stop();
    await repository?.remove();
    await folder?.remove();
  });

  test("claim-environment: a repeated claim keeps its fence, and a later delivery takes stage under a higher one", async () => {
    const claim = (delivery: string, requestedAt: number) => ({
      delivery,
      model: "churn",
      commit,
      environment: "stage",
      requestedAt,
      pusher: "ada@example.com",
    });
    const earlier = claim("churn-1", 1_000);
    const { answers, error } = await runBundle(toPath("claim-environment"), variables("claim-environment"), [
      earlier,
      earlier,
      claim("churn-2", 2_000),
    ]);
    expect(error).toBe("");
    expect(answers).toEqual([
      { status: "granted", fence: 1 },
      { status: "granted", fence: 1 },
      { status: "granted", fence: 2 },
    ]);
    const late = await runBundle(toPath("claim-environment"), variables("claim-environment"), [earlier]);
    expect(late.error).toMatch(/^Superseded: /);
  });

  describe("authorize-key", () => {
    const keys = () =>
      createApiKeyStore({
        store: createDynamoDbStore({ client, table: handlerEnvironment.KEYS_TABLE, clock: Date.now }),
        random: randomBytes,
        clock: Date.now,
      });
    const keyRequest = {
      name: "billing",
      environment: "prod",
      models: ["churn"],
      rate: { perMinute: 3, burst: 3 },
      expiresAt: null,
      by: "sam",
    } as const;
    const createEvent = (key: string, model = "churn") => ({
      version: "2.0",
      type: "REQUEST",
      routeKey: `ANY /models/${model}/{proxy+}`,
      headers: { "x-api-key": key },
    });
    const authorize = (...events: readonly object[]) =>
      runBundle(toPath("authorize-key"), variables("authorize-key"), events);

    test("admits a key as often as its rate says, then returns the seconds to wait, and admits no other model", async () => {
      const { key, record } = await keys().create(keyRequest);
      const { answers, lines } = await authorize(
        ...Array.from({ length: 4 }, () => createEvent(key)),
        createEvent(key, "other"),
      );
      expect(answers.map((answer) => JSON.stringify(answer))).toEqual([
        ...[2, 1, 0].map((remaining) =>
          expect.stringContaining(`"ratelimit":"\\"key\\";r=${remaining};t=60"`),
        ),
        expect.stringMatching(/"isAuthorized":true.*"retryAfter":6[01]\b/),
        '{"isAuthorized":false}',
      ]);
      expect(lines.map((line) => JSON.parse(line))).toEqual([
        expect.objectContaining({ reason: "wrong-model", keyId: record.id, model: "other" }),
      ]);
    });

    test("admits a key that the command created in the environment's table", async () => {
      const args = [
        "create",
        "--name",
        "billing",
        "--models",
        "churn",
        "--table",
        handlerEnvironment.KEYS_TABLE,
      ];
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ["--no-warnings", join(import.meta.dirname, "../../cli/slipway.ts"), "keys", ...args, "--json"],
        { env: variables("command") },
      );
      const { answers } = await authorize(createEvent(JSON.parse(stdout).key));
      expect(answers).toMatchObject([{ isAuthorized: true }]);
    });

    test("counts the requests of all its instances together", async () => {
      const { key } = await keys().create(keyRequest);
      const instances = await Promise.all([1, 2].map(() => authorize(createEvent(key), createEvent(key))));
      const answers = instances.flatMap(({ answers }) => answers).map((answer) => JSON.stringify(answer));
      expect(answers.filter((answer) => !answer.includes("retryAfter"))).toHaveLength(3);
    });

    test("refuses a revoked key from the next request on", async () => {
      const { key, record } = await keys().create(keyRequest);
      await keys().revoke("prod", record.id, "sam");
      const { error, lines } = await authorize(createEvent(key));
      expect(lines.join("\n")).toContain('"reason":"revoked"');
      expect(error).toMatch(/Unauthorized: Unauthorized$/);
      expect(`${error}${lines.join("\n")}`).not.toContain(key);
    });

    test("admits no key if the table is missing", async () => {
      const { key } = await keys().create(keyRequest);
      const { error, code } = await runBundle(
        toPath("authorize-key"),
        { ...variables("authorize-key"), KEYS_TABLE: "another" },
        [createEvent(key)],
      );
      expect(code).toBe(1);
      expect(error).not.toMatch(/Unauthorized: Unauthorized$/);
    });
  });

  test("make only calls that are in the recording of permissions", async () => {
    expect(recorder.calls.length).toBeGreaterThan(10);
    expect(findUnrecordedRequests(recorder.calls, await readRecording())).toEqual([]);
  });
});
