import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SSMClient } from "@aws-sdk/client-ssm";
import * as z from "zod";
import { createApprovals } from "#domain/approval/approvals.ts";
import { createPushLog } from "#domain/approval/push-log.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { readCommittedRows } from "#domain/delivery/read-committed-model.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { loadArtifactRules } from "#domain/policy/load-artifact-rules.ts";
import { parsePolicy } from "#domain/policy/parse-policy.ts";
import { createProvenanceStore } from "#domain/provenance/provenance-store.ts";
import { builderIds } from "#domain/provenance/statement.ts";
import { computeBuilderDigest } from "#packaging/builder-archive.ts";
import { openLocalImages } from "#packaging/local-images.ts";
import { createHttpsReader, internet } from "#platform/artifacts/https-reader.ts";
import { refuseLfs } from "#platform/artifacts/lfs.ts";
import { openArtifacts } from "#platform/artifacts/open-artifacts.ts";
import { resolveModelFiles } from "#platform/artifacts/resolve-model-files.ts";
import { createS3ArtifactStore } from "#platform/artifacts/s3-artifact-store.ts";
import { createS3Blobs } from "#platform/blobs/s3.ts";
import { createKmsCipher } from "#platform/cipher/kms.ts";
import { createStepFunctionsDeliveries } from "#platform/deliveries/step-functions.ts";
import { createSsmSecrets } from "#platform/secrets/ssm.ts";
import { toFunctionName } from "#platform/serving/function-name.ts";
import { environments } from "#platform/serving/serving.ts";
import { createKmsSigner } from "#platform/signer/kms.ts";
import { createGitSource } from "#platform/source/git.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { startFunctionServer } from "#test/peers/function-server.ts";
import { startMlflow } from "#test/peers/mlflow.ts";
import { motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { startRecordingProxy } from "#test/peers/recording-proxy.ts";
import { writePolicy } from "#test/support/write-policy.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { runBuildTask } from "#worlds/embedded/engine/run-build-task.ts";
import { honoListener } from "#worlds/embedded/gateway/hono-listener.ts";
import { startHttpServer } from "#worlds/embedded/gateway/http-server.ts";
import type { Reporter } from "#worlds/embedded/reporter.ts";
import { createSyntheticApplication } from "#worlds/embedded/scenario/synthetic-application.ts";
import { createWatchedRepository, repositoryName } from "#worlds/embedded/scenario/watched-repository.ts";
import {
  artifactBucket,
  createAccounts,
  environmentAccounts,
  toolingAccount,
  toStepFunctionName,
} from "./create-accounts.ts";
import { createHttpApis } from "./http-apis.ts";
import { createLogShipper } from "./log-shipper.ts";
import { motoImages } from "./moto-images.ts";
import {
  bundleFunctions,
  createStepHosts,
  type HostedFunctionName,
  type OverrideFunction,
} from "./step-hosts.ts";
import { startStepServer } from "./step-server.ts";
import { watchExecutions } from "./watch-executions.ts";

export type MotoWorldOptions = {
  /** A separate folder for the repository, images, bundles and the desk's file. */
  readonly folder: string;
  /** Slipway's own folder. */
  readonly checkout: string;
  /** Divides the waits of the state machine. */
  readonly timeScale: number;
  /** Requests per second of the synthetic application; 0: none. */
  readonly traffic: number;
  readonly reporter: Reporter;
  readonly log: (sentence: string) => void;
  /** Breaks steps or their variables for tests. */
  readonly otherwise?: OverrideFunction;
};

const StartedDeliveries = z.object({
  deliveries: z.array(z.object({ name: z.string(), model: z.string(), started: z.boolean() })),
  removed: z.array(z.string()),
});
const RoleSession = z.object({ role: z.string(), session: z.string() });
const DeliveryEvent = z.object({ delivery: z.string() });
const MetricsLine = z.object({ _aws: z.unknown() });

/** Multiplies the tasks' timeouts: on AWS cold starts do not compete for two processors. */
const taskTimeoutFactor = 5;

/** An idle version ends after this time; the next call starts it again. */
const versionIdleMs = 5_000;

const isMetricsLine = (line: string): boolean => {
  if (!line.startsWith("{")) return false;
  return MetricsLine.safeParse(JSON.parse(line)).data?._aws !== undefined;
};

/**
 * Slipway on AWS's interfaces: moto interprets the state machine, its tasks are the bundles under AWS's runtime client,
 * and these call moto, a real MLflow and the desk. docs/peers.md lists the differences from AWS.
 */
export const startMotoWorld = async (options: MotoWorldOptions) => {
  const { folder, reporter, log } = options;
  const clock = Date.now;
  const stops: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const stopPart of stops.splice(0).reverse()) await stopPart();
  };
  /** Registers a part's stop, so that all parts stop even when a later part does not start. */
  const track = <Part extends { readonly stop: () => Promise<void> | void }>(part: Part): Part => {
    stops.push(() => part.stop());
    return part;
  };

  try {
    await mkdir(folder, { recursive: true });
    const repository = createWatchedRepository({
      folder: join(folder, "repository"),
      checkout: options.checkout,
    });
    await repository.prepare();
    const source = createGitSource({ repository: repository.folder });
    const local = await openLocalImages({ folder: { images: join(folder, "images") }, source, clock });
    const runtime = await local.runtime();

    const steps = track(await startStepServer(log));
    const functions = track(
      await startFunctionServer(local.imageRoot, {
        idleMs: versionIdleMs,
        onLine: ({ environment, model, line }) =>
          logs.line(environmentAccounts[environment], toFunctionName(environment, model), line),
      }),
    );
    const bundles = join(folder, "functions");
    const sessions = join(folder, "role-sessions");
    const [moto, mlflow] = await Promise.all([
      startMoto({
        STEPS_URL: steps.url,
        FUNCTIONS_URL: functions.url,
        CODECOMMIT_REPOSITORY: repository.folder,
        TIME_SCALE: String(options.timeScale),
        TASK_PATIENCE: String(taskTimeoutFactor),
        ROLE_SESSIONS: sessions,
      }).then(track),
      startMlflow(`s3://${artifactBucket}/mlflow`).then(track),
      bundleFunctions(bundles),
    ]);
    const logs = track(createLogShipper(moto.endpoint));
    const recorder = track(await startRecordingProxy(moto.endpoint, { "execute-api": mlflow.uri }));
    const server = await startHttpServer(0);
    stops.push(server.close);
    const { url } = server;

    const secret = () => randomBytes(24).toString("hex");
    const secrets = { signing: secret(), bot: `xoxb-${secret()}`, control: secret() };
    const variables = await createAccounts({
      endpoint: moto.endpoint,
      url,
      mlflow: mlflow.uri,
      runtime,
      builder: await computeBuilderDigest(),
      secrets: { SLACK_SIGNING_SECRET: secrets.signing, SLACK_BOT_TOKEN: secrets.bot },
    });

    const config = motoClientConfig(moto.endpoint);
    const store = createDynamoDbStore({
      client: new DynamoDBClient(config),
      table: variables.DELIVERY_TABLE,
      clock,
    });
    const policy = await readFile(join(repository.folder, "policy.yaml"));
    await writePolicy(store, policy.toString("utf8"));
    // The list that Terraform takes from the same file.
    const artifactRules = parsePolicy(policy, "policy.yaml").artifacts;
    const deliveries = createStepFunctionsDeliveries({
      client: new SFNClient(config),
      stateMachineArn: variables.STATE_MACHINE_ARN,
    });
    const cipher = createKmsCipher({ client: new KMSClient(config), key: variables.CIPHER_KEY });
    /** Sends the functions' calls to the recorder; calls to MLflow are signed as on AWS. */
    const recorderVariables = {
      AWS_ENDPOINT_URL: recorder.endpoint,
      MLFLOW_URI: recorder.endpoint,
      MLFLOW_AUTH: "iam",
    };
    const hosts = track(
      createStepHosts({
        folder: bundles,
        variables: { ...variables, ...recorderVariables },
        otherwise: options.otherwise,
      }),
    );
    const approvalSignals = new Map<string, PromiseWithResolvers<void>>();
    const getApprovalSignal = (name: string) => {
      const signal = approvalSignals.get(name) ?? Promise.withResolvers<void>();
      approvalSignals.set(name, signal);
      return signal;
    };
    const loggedHosts = {
      ...hosts,
      invoke: async (name: HostedFunctionName, event: unknown) => {
        const result = await hosts.invoke(name, event);
        for (const line of result.log.split("\n")) {
          log(`[${name}] ${line}`);
          if (isMetricsLine(line)) logs.line(toolingAccount, toStepFunctionName(name), line);
        }
        // The output so far counts for the next JudgeCanary.
        if (name === "shift-traffic") await logs.flush();
        const parsed = name === "request-approval" ? DeliveryEvent.safeParse(event) : undefined;
        if (parsed?.success && !result.functionError) {
          const { delivery } = parsed.data;
          reporter.event({
            event: "question",
            delivery,
            desk: `${url}/`,
            callbackUrl: `${url}/slack/interactions`,
          });
          getApprovalSignal(delivery).resolve();
        }
        return result;
      },
    };
    const images = motoImages({
      endpoint: moto.endpoint,
      repositoryName: variables.IMAGE_REPOSITORY,
      images: local.images,
      layerFiles: local.layerFiles,
    });
    const s3 = new S3Client({ ...config, forcePathStyle: true });
    steps.serve({
      hosts: loggedHosts,
      build: runBuildTask({
        images,
        artifacts: createS3ArtifactStore({ client: s3, bucket: variables.PROVENANCE_BUCKET }),
        resolveFiles: resolveModelFiles({
          artifacts: openArtifacts({
            https: createHttpsReader(internet),
            s3: async () => s3,
            lfs: refuseLfs("CodeCommit"),
          }),
          rules: loadArtifactRules({ source, platform: async () => artifactRules }),
        }),
        provenance: createProvenanceStore({
          blobs: createS3Blobs({ client: s3, bucket: variables.PROVENANCE_BUCKET }),
          signer: createKmsSigner({ client: new KMSClient(config), key: variables.SIGNER_KEY }),
        }),
        builder: computeBuilderDigest,
        builderId: builderIds.codebuild,
        clock,
      }),
    });

    const httpApis = track(
      createHttpApis({
        url,
        variables,
        hosts: loggedHosts,
        functions,
        secrets,
        deskFile: join(folder, "desk.sqlite"),
        clock,
      }),
    );
    server.serve(honoListener(httpApis.app, log));
    // Starts it now: Slack opens a dialog only within three seconds after the click, and a cold start is slow here.
    await hosts.invoke("answer-approval", { headers: {}, body: "" });

    const application = options.traffic
      ? track(
          createSyntheticApplication({
            requestsPerSecond: options.traffic,
            key: "not needed",
            random: Math.random,
            onFailure: log,
          }),
        )
      : undefined;

    const world = {
      url,
      modelsUrl: url,
      store,
      source,
      ledger: createLedger({ store }),
      outcomes: createOutcomes({ store }),
      approvals: createApprovals({ store, cipher, deliveries }),
      messages: createSlackMessages({
        env: variables,
        secrets: createSsmSecrets({ client: new SSMClient(config), prefix: variables.SECRETS_PREFIX }),
        store,
        clock,
      }),
      serving: httpApis.servings,
      /** Not in the Parameter Store: it is for the local control routes, which AWS does not have. */
      secrets: { read: async () => secrets.control },
    };
    const shown = new Map<string, string>();
    const reportServing = async (model: string) => {
      for (const environment of environments) {
        const live = await world.serving[environment].live(model);
        const config = live && (await world.serving[environment].version(model, live.version))?.config;
        if (!config) continue;
        const { digest } = config;
        const version = Number(config.variables.SLIPWAY_MODEL_VERSION);
        const served = `${version} ${digest}`;
        if (shown.get(`${environment}/${model}`) === served) continue;
        shown.set(`${environment}/${model}`, served);
        const at = `${url}/${environment}/models/${model}`;
        reporter.event({ event: "serving", environment, model, version, digest, url: at });
      }
    };
    const follow = async (model: string) => {
      const serving = await world.ledger.serving("prod", model);
      if (!application || !serving) return;
      const rows = await readCommittedRows({ source })(model, serving.commit);
      application.follow(model, `${url}/prod/models/${model}`, rows);
    };
    const runOrThrow = async (name: HostedFunctionName, event: unknown): Promise<unknown> => {
      const { payload, functionError } = await loggedHosts.invoke(name, event);
      if (functionError) throw new Error(`${name} failed: ${JSON.stringify(payload)}`);
      return payload;
    };
    let sweeping: Promise<unknown> = Promise.resolve();
    const sweep = () => {
      sweeping = sweeping.then(() => runOrThrow("sweep-deliveries", {}));
      return sweeping;
    };
    const executions = track(
      watchExecutions({
        deliveries,
        onEvent: (delivery, { state, status, ms }) =>
          reporter.event({ event: "state", delivery, state, status, ms }),
        onEnd: async (name, status) => {
          // On AWS EventBridge calls the sweep when an execution ends.
          if (status !== "SUCCEEDED") await sweep();
          const ended = await world.outcomes.read(name);
          if (!ended) return;
          const execution = await deliveries.describe(name);
          const input = z.object({ model: z.string() }).parse(execution?.input);
          if (ended.outcome === "promoted") await follow(input.model);
          await reportServing(input.model);
          reporter.event({
            event: "outcome",
            delivery: name,
            outcome: ended.outcome,
            ...(ended.error ? { error: ended.error.name, cause: ended.error.cause } : {}),
          });
        },
      }),
    );

    const startDelivery = async (event: unknown) => {
      const started = StartedDeliveries.parse(await runOrThrow("start-delivery", event));
      for (const { name } of started.deliveries)
        void executions.ended(name).catch((error) => log(`${name}: ${String(error)}`));
      return started;
    };

    return {
      url,
      modelsUrl: url,
      /** Every AssumeRole call with its session name. */
      roleSessions: async () =>
        (await readFile(sessions, "utf8"))
          .trim()
          .split("\n")
          .map((line) => RoleSession.parse(JSON.parse(line))),
      /** Every signed call of the functions' bundles. */
      calls: recorder.calls,
      runtime,
      /** All variables of the functions; the `slipway` command finds them in the outputs. */
      variables,
      world,
      repository,
      /** The branch's pushes, as start-delivery records them. */
      pushes: createPushLog({ store, clock: Date.now }),
      application,
      secrets,
      openView: (user: string) => httpApis.desk.viewOf(user)?.id,
      engine: { describe: deliveries.describe },
      /** Runs start-delivery's bundle: a start by hand, or CodeCommit's push event. */
      steps: { startDelivery },
      /** Starts a delivery of one model at a commit by hand; returns the execution's name. */
      deliver: async (model: string, commit: string): Promise<string> => {
        const push = {
          repository: repositoryName,
          before: null,
          after: commit,
          pusher: "sam.carter@example.com",
        };
        const { deliveries: started } = await startDelivery({
          ...push,
          runtime,
          models: [model],
        });
        const [delivery] = started;
        if (!delivery) throw new Error(`${model} does not exist at ${commit}`);
        return delivery.name;
      },
      /** Resolves when a delivery has requested its approval. */
      asked: (name: string) => getApprovalSignal(name).promise,
      /** Resolves when a delivery has ended and been reported or swept. */
      ended: executions.ended,
      sweep,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};
export type MotoWorld = Awaited<ReturnType<typeof startMotoWorld>>;
