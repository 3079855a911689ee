import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stop } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { simulateStackPolicies, toAccessRequest } from "#test/infrastructure/prove-least-privilege.ts";
import {
  findUnrecordedRequests,
  readRecording,
  toRecordedRequests,
} from "#test/infrastructure/recorded-requests.ts";
import { synthStacks } from "#test/infrastructure/synth-stacks.ts";
import { type Moto, startMoto } from "#test/peers/moto.ts";
import { prepareDeliveryAccount } from "#test/peers/prepare-delivery-account.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { type RecordingProxy, startRecordingProxy } from "#test/peers/recording-proxy.ts";
import { signBuild } from "#test/peers/sign-build.ts";
import { startEchoServer } from "#test/support/echo-server.ts";
import { createGitRepository } from "#test/support/git-repository.ts";
import { handlerEnvironment } from "#test/support/handler-environment.ts";
import { runBundle } from "#test/support/run-bundle.ts";
import { sentinelSecrets } from "#test/support/sentinel-secrets.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { writeBundle } from "#test/support/write-bundle.ts";
import { signSlackRequest } from "#worlds/embedded/desk/sign-slack-request.ts";

const { skip } = requirePython("tests of handlers' logs on moto");
const root = join(import.meta.dirname, "..", "..");

/** The churn model, with a category that marks its rows. */
const markedModel = () =>
  Object.fromEntries(
    readdirSync(join(root, "models/churn")).map((name) => {
      const bytes = readFileSync(join(root, "models/churn", name));
      return [
        `models/churn/${name}`,
        name === "model.onnx"
          ? new Uint8Array(bytes)
          : bytes.toString("utf8").replaceAll("One year", sentinelSecrets.inputRow),
      ];
    }),
  );

const build = [
  { Name: "SLIPWAY_DIGEST", Value: `sha256:${"d".repeat(64)}` },
  { Name: "SLIPWAY_SIZE_BYTES", Value: "1000" },
  { Name: "SLIPWAY_BUILD_ID", Value: "build:1" },
  { Name: "SLIPWAY_BUILT_AT", Value: "1000" },
];

/** For each step an event that it understands, with secrets in every field that can carry one. */
const events = (commit: string): Readonly<Record<string, readonly unknown[]>> => {
  const subject = { delivery: "churn-1", model: "churn", commit };
  const image = { digest: `sha256:${"d".repeat(64)}`, version: 1 };
  const versions = { championVersion: "1", functionVersion: "2" };
  const callback = `payload=${encodeURIComponent(
    JSON.stringify({
      type: "block_actions",
      user: { id: "U024BE7LH" },
      team: { id: handlerEnvironment.SLACK_TEAM_ID },
      api_app_id: handlerEnvironment.SLACK_APP_ID,
      trigger_id: "1.2",
      channel: { id: handlerEnvironment.SLACK_CHANNEL },
      actions: [{ action_id: "approve", value: "churn~0" }],
    }),
  )}`;
  const now = Math.floor(Date.now() / 1_000);
  return {
    "claim-environment": [
      { ...subject, delivery: "churn-0", environment: "stage", requestedAt: 1 },
      { ...subject, environment: "stage", requestedAt: 2 },
    ],
    "scan-image": [{ ...subject, build }],
    "register-model": [{ ...subject, fence: 2, build, runtime: image.digest }],
    "deploy-model": [{ ...subject, ...image, environment: "stage", fence: 2 }],
    "verify-model": [{ ...subject, ...image, fence: 2, functionVersion: "1" }],
    "request-approval": [
      {
        ...subject,
        ...image,
        taskToken: sentinelSecrets.taskToken,
        fence: 2,
        author: { name: "Ada", email: "ada@example.com" },
        pusher: null,
        scanChecks: [],
        checks: [],
        omitted: [],
        timeoutSeconds: 3_600,
      },
    ],
    "shift-traffic": [{ ...subject, ...versions, fence: 2, step: 0 }],
    "judge-canary": [{ ...subject, ...versions, step: 0, since: 1 }],
    "promote-model": [
      { ...subject, ...image, fence: 1, stageFence: 2, functionVersion: "2", approvedBy: [] },
    ],
    "move-champion": [subject],
    "report-outcome": [{ ...subject, outcome: "failed", error: { name: "GateFailed", cause: "auc" } }],
    "roll-back": [{ ...subject, error: null }],
    "sweep-deliveries": [{}],
    "watch-models": [{ task: "wake" }, { task: "find-silence" }],
    "publish-events": [{}],
    "start-delivery": [
      { repository: "models", before: null, after: commit, pusher: null, runtime: image.digest },
    ],
    "show-console": ["/", "/sign-in", "/sign-in/callback"].map((rawPath) => ({
      version: "2.0",
      rawPath,
      rawQueryString: `code=${sentinelSecrets.inputRow}&state=${sentinelSecrets.inputRow}`,
      headers: {},
      cookies: [`__Host-slipway-session=${sentinelSecrets.inputRow}`],
      requestContext: { http: { method: "GET" } },
    })),
    "answer-approval": [
      {
        followUp: "finish-approval",
        approval: "churn~0",
        explainTo: { user: "U024BE7LH", channel: handlerEnvironment.SLACK_CHANNEL },
      },
      {
        body: callback,
        headers: {
          "x-slack-request-timestamp": String(now),
          "x-slack-signature": signSlackRequest(sentinelSecrets.signingSecret, now, callback),
        },
      },
    ],
  };
};

describe.skipIf(skip)("the log of a step", () => {
  let moto: Moto;
  /** Records calls with the sources on CodeCommit, and with those on GitHub. */
  let recorder: RecordingProxy;
  let onGitHub: RecordingProxy;
  let repository: Awaited<ReturnType<typeof createGitRepository>>;
  let commit: string;
  let signerKey: string;
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let slack: Awaited<ReturnType<typeof startEchoServer>>;
  let other: Awaited<ReturnType<typeof startEchoServer>>;
  const steps = Object.keys(events(""));

  beforeAll(async () => {
    folder = await createTemporaryFolder();
    repository = await createGitRepository();
    commit = await repository.commit(
      { ...markedModel(), "policy.yaml": readFileSync(join(root, "policy.yaml"), "utf8") },
      "A model",
    );
    moto = await startMoto({ CODECOMMIT_REPOSITORY: repository.path });
    const { signer } = await prepareDeliveryAccount(moto.endpoint);
    signerKey = signer;
    const digest = `sha256:${"d".repeat(64)}`;
    await signBuild({
      endpoint: moto.endpoint,
      region: handlerEnvironment.AWS_REGION,
      bucket: handlerEnvironment.PROVENANCE_BUCKET,
      key: signer,
    })({
      digest,
      model: "churn",
      commit,
      runtime: digest,
      files: new Map(
        Object.entries(markedModel()).map(([path, content]) => [
          path.replace("models/churn/", ""),
          Buffer.from(content),
        ]),
      ),
    });
    recorder = await startRecordingProxy(moto.endpoint);
    onGitHub = await startRecordingProxy(moto.endpoint);
    slack = await startEchoServer((text) => ({ status: 200, body: { ok: false, error: text } }));
    other = await startEchoServer((text) => ({
      status: 403,
      body: { error_code: "PERMISSION_DENIED", message: text },
    }));
    for (const name of steps) await writeBundle(name, { folder: folder.path });
    await stop();
  });
  afterAll(async () => {
    await slack?.stop();
    await other?.stop();
    await recorder?.stop();
    await onGitHub?.stop();
    await moto?.stop();
    await repository?.remove();
    await folder?.remove();
  });

  const run = (name: string, variables: Readonly<Record<string, string>> = {}) =>
    runBundle(
      join(folder.path, `${name}.mjs`),
      {
        ...handlerEnvironment,
        AWS_ENDPOINT_URL: recorder.endpoint,
        AWS_ACCESS_KEY_ID: name,
        SLACK_API_URL: `${slack.url}/`,
        CONSOLE_ISSUER: other.url,
        MLFLOW_URI: other.url,
        GITHUB_API: other.url,
        SIGNER_KEY: signerKey,
        ...variables,
      },
      events(commit)[name],
    );

  // runBundle itself fails if a marked secret is in a line, or in the error that leaves.
  test.each(steps)("%s: each line is our JSON, about its delivery, without a secret", async (name) => {
    const { lines, error } = await run(name);
    expect(error).not.toMatch(/^(TypeError|ReferenceError|ZodError)/);
    const logs = lines.map((line): Record<string, unknown> => JSON.parse(line)).filter((line) => !line._aws);
    expect(logs.length).toBeGreaterThan(0);
    for (const line of logs) expect(line).toMatchObject({ service: "slipway", step: name });
    const several = [
      "sweep-deliveries",
      "publish-events",
      "start-delivery",
      "answer-approval",
      "watch-models",
      "show-console",
    ].includes(name);
    if (!several) for (const line of logs) expect(line.delivery).toMatch(/^churn-[01]$/);
  });

  test.each(["scan-image", "register-model", "start-delivery"])(
    "%s: no secret is logged if the repository's host returns the request that it refuses",
    async (name) => {
      const { error, lines } = await run(name, {
        SOURCE_HOST: "github",
        SOURCE_REPOSITORY: "acme/models",
        AWS_ENDPOINT_URL: onGitHub.endpoint,
      });
      expect(error).not.toBe("");
      expect(lines.length).toBeGreaterThan(0);
    },
  );

  test("every call is in the recording of permissions", async () => {
    expect(recorder.calls.length).toBeGreaterThan(20);
    expect(findUnrecordedRequests(recorder.calls, await readRecording())).toEqual([]);
  });

  test("with sources on GitHub, the stacks that are written for it allow every call", async () => {
    const stacks = await synthStacks(({ tooling, ...shipped }) => ({
      ...shipped,
      tooling: {
        ...tooling,
        account: "123456789012",
        source: { host: "github", repository: "acme/models", branch: "main" },
      },
    }));
    try {
      const requests = toRecordedRequests(
        stacks,
        onGitHub.calls,
        new Map([
          [handlerEnvironment.AWS_REGION, stacks.accounts.tooling.region],
          [`table/${handlerEnvironment.DELIVERY_TABLE}`, "table/slipway-deliveries"],
        ]),
      );
      expect(requests.map(({ function: name, action }) => `${name} ${action}`)).toContain(
        "start-delivery ssm:GetParameter",
      );
      const policies = simulateStackPolicies(stacks);
      expect(requests.filter((request) => !policies.allows(toAccessRequest(request)))).toEqual([]);
    } finally {
      await stacks.remove();
    }
  });
});
