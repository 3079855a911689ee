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
import { readCommittedHoldout } from "#domain/delivery/read-committed-model.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createProvenanceStore } from "#domain/provenance/provenance-store.ts";
import { builderIds } from "#domain/provenance/statement.ts";
import { computeBuilderDigest } from "#packaging/builder-archive.ts";
import { openLocalImages } from "#packaging/local-images.ts";
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
  /** A folder of its own: repository, images, bundles, the desk's file. */
  readonly folder: string;
  /** Slipway's own folder. */
  readonly checkout: string;
  /** Divides the waits of the state machine. */
  readonly timeScale: number;
  /** Requests a second of the synthetic application; 0: none. */
  readonly traffic: number;
  readonly reporter: Reporter;
  readonly log: (sentence: string) => void;
  /** What tests break: steps, their variables. */
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
 * The whole of Slipway on AWS's own interfaces: moto interprets the state machine, its tasks are the bundles under
 * AWS's runtime client, and these call moto, a real MLflow and the desk. docs/peers.md says what is not as on AWS.
 */
export const startMotoWorld = async (options: MotoWorldOptions) => {
  const { folder, reporter, log } = options;
  const clock = Date.now;
  const stops: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  /** Stops everything that has started, also when a later part does not start. */
  const started = <Part extends { readonly stop: () => Promise<void> | void }>(part: Part): Part => {
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

    const steps = started(await startStepServer(log));
    const functions = started(
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
      }).then(started),
      startMlflow(`s3://${artifactBucket}/mlflow`).then(started),
      bundleFunctions(bundles),
    ]);
    const logs = started(createLogShipper(moto.endpoint));
    const recorder = started(await startRecordingProxy(moto.endpoint, { "execute-api": mlflow.uri }));
    const server = await startHttpServer(0, log);
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
    await writePolicy(store, await readFile(join(repository.folder, "policy.yaml"), "utf8"));
    const deliveries = createStepFunctionsDeliveries({
      client: new SFNClient(config),
      stateMachineArn: variables.STATE_MACHINE_ARN,
    });
    const cipher = createKmsCipher({ client: new KMSClient(config), key: variables.CIPHER_KEY });
    /** Records the functions' calls; those to MLflow are signed as on AWS. */
    const recorded = {
      AWS_ENDPOINT_URL: recorder.endpoint,
      MLFLOW_URI: recorder.endpoint,
      MLFLOW_AUTH: "iam",
    };
    const hosts = started(
      createStepHosts({
        folder: bundles,
        variables: { ...variables, ...recorded },
        otherwise: options.otherwise,
      }),
    );
    const asked = new Map<string, PromiseWithResolvers<void>>();
    const askedOf = (name: string) => {
      const found = asked.get(name) ?? Promise.withResolvers<void>();
      asked.set(name, found);
      return found;
    };
    const calling = {
      ...hosts,
      invoke: async (name: HostedFunctionName, event: unknown) => {
        const answer = await hosts.invoke(name, event);
        for (const line of answer.log.split("\n")) {
          log(`[${name}] ${line}`);
          if (isMetricsLine(line)) logs.line(toolingAccount, toStepFunctionName(name), line);
        }
        // The output so far counts for the next JudgeCanary.
        if (name === "shift-traffic") await logs.flush();
        const about = name === "request-approval" ? DeliveryEvent.safeParse(event) : undefined;
        if (about?.success && !answer.functionError) {
          const { delivery } = about.data;
          reporter.event({
            event: "question",
            delivery,
            desk: `${url}/`,
            callbackUrl: `${url}/slack/interactions`,
          });
          askedOf(delivery).resolve();
        }
        return answer;
      },
    };
    const images = motoImages({
      endpoint: moto.endpoint,
      repositoryName: variables.IMAGE_REPOSITORY,
      images: local.images,
      layerFiles: local.layerFiles,
    });
    steps.serve({
      hosts: calling,
      build: runBuildTask({
        images,
        provenance: createProvenanceStore({
          blobs: createS3Blobs({
            client: new S3Client({ ...config, forcePathStyle: true }),
            bucket: variables.PROVENANCE_BUCKET,
          }),
          signer: createKmsSigner({ client: new KMSClient(config), key: variables.SIGNER_KEY }),
        }),
        builder: computeBuilderDigest,
        builderId: builderIds.codebuild,
        clock,
      }),
    });

    const door = started(
      createHttpApis({
        url,
        variables,
        hosts: calling,
        functions,
        deliveries,
        secrets,
        deskFile: join(folder, "desk.sqlite"),
        clock,
      }),
    );
    server.serve(door.app);
    // Started now: a dialog may be opened for three seconds after the click, and a cold start here takes some.
    await hosts.invoke("answer-approval", { headers: {}, body: "" });

    const application = options.traffic
      ? started(
          createSyntheticApplication({
            requestsPerSecond: options.traffic,
            key: "none is asked for",
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
      serving: door.servings,
      /** Not in the Parameter Store: it is for the local control routes, which AWS does not have. */
      secrets: { read: async () => secrets.control },
    };
    const shown = new Map<string, string>();
    const tellServing = async (model: string) => {
      for (const environment of environments) {
        const live = await world.serving[environment].live(model);
        const config = live && (await world.serving[environment].version(model, live.version))?.config;
        if (!config) continue;
        const { digest } = config;
        const version = Number(config.variables.SLIPWAY_MODEL_VERSION);
        const says = `${version} ${digest}`;
        if (shown.get(`${environment}/${model}`) === says) continue;
        shown.set(`${environment}/${model}`, says);
        const at = `${url}/${environment}/models/${model}`;
        reporter.event({ event: "serving", environment, model, version, digest, url: at });
      }
    };
    const follow = async (model: string) => {
      const serving = await world.ledger.serving("prod", model);
      if (!application || !serving) return;
      const { rows } = await readCommittedHoldout({ source })(model, serving.commit);
      application.follow(model, `${url}/prod/models/${model}`, rows);
    };
    const must = async (name: HostedFunctionName, event: unknown): Promise<unknown> => {
      const { payload, functionError } = await calling.invoke(name, event);
      if (functionError) throw new Error(`${name} failed: ${JSON.stringify(payload)}`);
      return payload;
    };
    let sweeping: Promise<unknown> = Promise.resolve();
    const sweep = () => {
      sweeping = sweeping.then(() => must("sweep-deliveries", {}));
      return sweeping;
    };
    const executions = started(
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
          await tellServing(input.model);
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
      const begun = StartedDeliveries.parse(await must("start-delivery", event));
      for (const { name } of begun.deliveries)
        void executions.ended(name).catch((error) => log(`${name}: ${String(error)}`));
      return begun;
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
      /** All that functions read from their variables, and that the `slipway` command finds in the outputs. */
      variables,
      world,
      repository,
      /** Who moved the branch, as start-delivery keeps it. */
      pushes: createPushLog({ store, clock: Date.now }),
      application,
      secrets,
      openView: (user: string) => door.desk.viewOf(user)?.id,
      engine: { describe: deliveries.describe },
      /** Runs start-delivery's bundle: a start by hand, or CodeCommit's push event. */
      steps: { startDelivery },
      /** Starts a delivery of one model at a commit by hand; returns the execution's name. */
      deliver: async (model: string, commit: string): Promise<string> => {
        const wish = {
          repository: repositoryName,
          before: null,
          after: commit,
          pusher: "sam.carter@example.com",
        };
        const { deliveries: begun } = await startDelivery({
          ...wish,
          runtime,
          models: [model],
        });
        const [only] = begun;
        if (!only) throw new Error(`${model} is not there at ${commit}`);
        return only.name;
      },
      /** Resolves when a delivery has requested its approval. */
      asked: (name: string) => askedOf(name).promise,
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
