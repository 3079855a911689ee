import { randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { Hono } from "hono";
import { readAuditTrail } from "#console/audit/read-audit-trail.ts";
import { consolePaths } from "#console/console-paths.ts";
import { createConsole } from "#console/create-console.ts";
import { submitCanaryOrder } from "#domain/canary/submit-canary-order.ts";
import { readStateVerdict } from "#domain/delivery/read-state-verdict.ts";
import { readStateWait } from "#domain/delivery/read-state-wait.ts";
import { createOverview } from "#domain/overview/create-overview.ts";
import { lowerV8WorkerPriority } from "#inference/http/lower-v8-worker-priority.ts";
import { openLocalImages } from "#packaging/local-images.ts";
import type { Images } from "#platform/images/images.ts";
import { parseEmf } from "#platform/metrics/parse-emf.ts";
import type { Functions } from "#platform/serving/functions.ts";
import type { Json } from "#platform/store/store.ts";
import { honoListener } from "#worlds/embedded/gateway/hono-listener.ts";
import { canaryOrderPath, createCanaryOrderRoute } from "./canary-order-route.ts";
import { type CapabilitiesOptions, openCapabilities } from "./capabilities.ts";
import { consoleBase, consoleEvents, createChangeBus, createConsoleRoute } from "./console-route.ts";
import { createControlRoute } from "./control-route.ts";
import type { DataFolder } from "./data/data-folder.ts";
import { createDataLimiter } from "./data/data-limiter.ts";
import { openLog } from "./data/open-log.ts";
import { createDesk } from "./desk/desk.ts";
import { createDeskClient } from "./desk/desk-client.ts";
import { type DeskState, openDeskState } from "./desk/desk-state.ts";
import { createEventBus } from "./desk/event-bus.ts";
import { requireLocalHost } from "./desk/origin-guards.ts";
import { callbackPath, createSlackCallbackRoute } from "./desk/slack-callback-route.ts";
import { slackWorkspace } from "./desk/slack-workspace.ts";
import { type Engine, startEngine } from "./engine/engine.ts";
import type { Steps } from "./engine/steps.ts";
import { createStepsThreadClient } from "./engine/steps-thread-client.ts";
import { createLocalTasks } from "./engine/tasks.ts";
import { createThreadTasks } from "./engine/tasks-in-thread.ts";
import { createFunctionHost } from "./functions/function-host.ts";
import { createGateway, createInvokeRoute } from "./gateway/gateway.ts";
import { startHttpServer } from "./gateway/http-server.ts";
import { createKeyAuthorizer } from "./gateway/key-authorizer.ts";
import { writeFirstPolicy } from "./operator/write-first-policy.ts";
import type { Reporter } from "./reporter.ts";
import { deliverCommits } from "./scenario/deliver-commits.ts";
import { reportServing } from "./scenario/report-serving.ts";
import { createSyntheticApplication, type SyntheticApplication } from "./scenario/synthetic-application.ts";
import { createWatchedRepository } from "./scenario/watched-repository.ts";
import { assembleWorld, type Instrument } from "./world.ts";

export type EmbeddedWorldOptions = {
  readonly folder: DataFolder;
  /** Slipway's folder, with models, their trained versions and the runtime's code. */
  readonly checkout: string;
  /** The desk's port; 0: any free port. */
  readonly port: number;
  /** The models' port; 0: any free port. For browsers it is another origin, so that a model's page cannot use the desk. */
  readonly modelsPort: number;
  /** Milliseconds of each bake; undefined: the manifest's. */
  readonly bakeMs: number | undefined;
  /** Requests per second of the synthetic application; 0: none. */
  readonly traffic: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Opens another registry than the data folder's database; `stepsThread` must open the same one. */
  readonly registry?: CapabilitiesOptions["registry"];
  /** The module of the steps' thread. Default: one with the data folder's own registry. */
  readonly stepsThread?: URL;
  readonly clock: () => number;
  readonly reporter: Reporter;
  /** The largest size of the data folder; absent: no limit. */
  readonly dataLimitBytes?: number;
  /** A `slipway` command as it is typed for this data folder. Default: `npx` and the command. */
  readonly toCommand?: (command: string) => string;
  /** Called with the rehearsal's URLs, to publish them to other processes of the folder. */
  readonly announce?: (url: string, modelsUrl: string) => void;
  /** Tests wrap the steps' capabilities; the steps then run in this thread. */
  readonly instrument?: Instrument;
  /** Tests replace steps of the state machine; the sweep keeps the real ones. */
  readonly replaceSteps?: (steps: Steps["machine"]) => Steps["machine"];
  /**
   * Existing images and functions, which their creator stops. Tests share them between rehearsals; the steps then run in
   * this thread.
   */
  readonly compute?: Compute;
};

/** Builds images and runs functions. */
export type Compute = {
  readonly images: Images;
  /** Content hash of the images' runtime layer. */
  readonly runtime: string;
  readonly functions: Functions;
};

/** The idle time after which a version without the alias `live` ends. Stage's previous version is called only during verification. */
const versionIdleMs = 2_000;

const defaultStepsThread = new URL("./engine/steps-thread.ts", import.meta.url);

const openDeskFile = async (path: string): Promise<DeskState> => openDeskState(path);

/** The interval of the sweep; in addition it runs when an execution fails. */
const sweepIntervalMs = 60_000;
/** How often models without their usual calls are looked for. */
const silenceIntervalMs = 3_600_000;

/**
 * Starts Slipway on this machine: engine, function host, gateway, desk, a watched repository and an application that calls
 * prod. `begin` continues, or sweeps, the unfinished deliveries of an earlier process.
 */
export const startEmbeddedWorld = async (options: EmbeddedWorldOptions) => {
  const { folder, clock, reporter, env } = options;
  lowerV8WorkerPriority();
  const log = openLog({ path: folder.log, clock });
  const server = await startHttpServer(options.port);
  const models = await startHttpServer(options.modelsPort, "127.0.0.1", {
    option: "--models-port",
  }).catch(async (error) => {
    await server.close();
    throw error;
  });
  const closeServers = async () => void (await Promise.all([server.close(), models.close()]));
  const { url } = server;
  const capabilities = await openCapabilities({
    folder,
    url,
    modelsUrl: models.url,
    clock,
    bakeMs: options.bakeMs,
    log,
    env,
    registry: options.registry,
  }).catch(async (error) => {
    await closeServers();
    throw error;
  });
  const { secrets, metrics, store, source, records, policy, policyChanges } = capabilities;
  await writeFirstPolicy({
    policy,
    changes: policyChanges,
    checkout: options.checkout,
    say: reporter.say,
  }).catch(async (error) => {
    capabilities.database.close();
    await closeServers();
    throw error;
  });
  const desk = await openDeskFile(folder.desk).catch(async (error) => {
    capabilities.database.close();
    await closeServers();
    throw error;
  });
  const botToken = await secrets.read("SLACK_BOT_TOKEN");
  const controlToken = await secrets.read("CONTROL_TOKEN");
  options.announce?.(url, models.url);

  const startCompute = async () => {
    const { images, imageRoot, runtime } = await openLocalImages({ folder, source, clock });
    const functions = createFunctionHost({
      imageRoot,
      metrics,
      records,
      parseEmf,
      onLine: ({ environment, model, version, line }) => log(`[${environment} ${model} ${version}] ${line}`),
      staysWarm: async ({ environment, model, version }) => {
        const live = await world.serving[environment].live(model);
        return live?.version === version || live?.canary?.version === version;
      },
      clock,
      requestId: randomUUID,
      idleMs: versionIdleMs,
    });
    return { images, runtime, functions, stop: functions.stop };
  };
  const shareCompute = (shared: Compute) => ({
    ...shared,
    runtime: async () => shared.runtime,
    stop: async () => undefined,
  });
  const compute = options.compute ? shareCompute(options.compute) : await startCompute();
  const { images, functions } = compute;
  const slack = createDeskClient(url, botToken);

  const reportedOutcomes = new Set<string>();
  /** Emits the name of a delivery that has ended; any number of callers may wait for one. */
  const endEvents = new EventEmitter().setMaxListeners(0);
  const reportOutcome = async (name: string) => {
    const outcome = await world.outcomes.read(name);
    if (!outcome) return;
    endEvents.emit(name);
    const key = `${name} ${outcome.outcome} ${outcome.error?.name ?? ""}`;
    if (reportedOutcomes.has(key)) return;
    reportedOutcomes.add(key);
    await reportServed();
    reporter.event({
      event: "outcome",
      delivery: name,
      outcome: outcome.outcome,
      ...(outcome.error ? { error: outcome.error.name, cause: outcome.error.cause } : {}),
      ...(outcome.rolledBackBy === undefined ? {} : { rolledBackBy: outcome.rolledBackBy }),
    });
  };
  const deliveriesWithQuestion = new Set<string>();
  /** Emits the name of a delivery that has sent its question. */
  const questionEvents = new EventEmitter().setMaxListeners(0);
  const background = new Set<Promise<unknown>>();
  const runInBackground = (description: string, work: Promise<unknown>) => {
    const logged = work
      .catch((error) => log(`${description} failed`, error))
      .finally(() => background.delete(logged));
    background.add(logged);
  };
  const sweepOnce = async () => {
    const { deliveries: swept } = await steps.sweepDeliveries({});
    for (const { delivery, result } of swept) {
      reporter.say(`  ${delivery}: ${result}`);
      if (result !== "failed") await reportOutcome(delivery);
    }
  };
  let sweeping: Promise<void> = Promise.resolve();
  /** One after the other, because two sweeps at once would both post a missing message. */
  const sweep = () => {
    const next = sweeping.then(sweepOnce);
    sweeping = next.catch(() => undefined);
    return next;
  };

  const changes = createChangeBus();
  const channelEvents = createEventBus();
  // A second terminal's rollback reaches the channel, but not this engine.
  channelEvents.listen(changes.emit);
  const engine: Engine = startEngine({
    capabilities,
    build: (event) => tasks.build(event),
    steps: () => {
      const machine = { ...steps.machine, "request-approval": requestApproval };
      return options.replaceSteps?.(machine) ?? machine;
    },
    pace: { bakeMs: options.bakeMs },
    onEvent: (delivery, { state, status, ms, output }) => {
      changes.emit();
      const verdict = status === "succeeded" ? readStateVerdict(state, output) : undefined;
      const waits = status === "succeeded" ? readStateWait(state, output) : undefined;
      reporter.event({ event: "state", delivery, state, status, ms, ...verdict, ...(waits && { waits }) });
      if (status === "succeeded" && /^(DeployStage|PromoteModel|RollBack)$/.test(state))
        runInBackground("reporting what is served", reportServed());
    },
    onError: log,
    onEnd: (name, status) =>
      runInBackground(
        `reporting the outcome of ${name}`,
        status === "SUCCEEDED" ? reportOutcome(name) : sweep().then(() => reportOutcome(name)),
      ),
  });
  const world = assembleWorld(
    capabilities,
    { images, functions, deliveries: engine, slack },
    options.instrument,
  );
  const tasks =
    options.compute || options.instrument
      ? createLocalTasks(world, compute.runtime)
      : createThreadTasks(
          world,
          createStepsThreadClient({
            module: options.stepsThread ?? defaultStepsThread,
            data: { folder, url, modelsUrl: models.url, bakeMs: options.bakeMs, env: { ...env } },
            log,
            wrote: capabilities.countBlob,
          }),
          metrics.flush,
        );
  const { steps } = tasks;
  const runtime = await tasks.runtime();
  const application: SyntheticApplication | undefined =
    options.traffic > 0
      ? createSyntheticApplication({
          requestsPerSecond: options.traffic,
          key: controlToken,
          random: Math.random,
          onFailure: log,
        })
      : undefined;
  const reportServed = reportServing({
    world,
    url: models.url,
    reporter,
    application,
    rowsToAsk: tasks.rowsToAsk,
  });
  const requestApproval = async (event: unknown) => {
    await steps.machine["request-approval"](event);
    for (const { delivery, state } of await world.approvals.open()) {
      if (state.status !== "pending" || !isForDelivery(event, delivery)) continue;
      reporter.event({ event: "question", delivery, desk: `${url}/`, callbackUrl: `${url}${callbackPath}` });
      deliveriesWithQuestion.add(delivery);
      questionEvents.emit(delivery);
    }
  };

  const openConsole = () =>
    createConsole({
      source: {
        ...createOverview({
          store: world.store,
          deliveries: engine,
          metrics,
          clock,
          keepMetricsMs: 2_000,
          ...(options.bakeMs === undefined ? {} : { bakeSeconds: options.bakeMs / 1_000 }),
        }),
        readAudit: readAuditTrail(world.auditReader, "compared"),
      },
      now: clock,
      links: {
        base: consoleBase,
        events: consoleEvents,
        channel: { label: `#${slackWorkspace.channel.name}`, href: "/" },
        message: (delivery) => {
          const ts = desk.messageAbout(delivery)?.ts;
          return ts === undefined ? undefined : `/#m-${ts}`;
        },
        apiDocs: (environment, model) => `${models.url}/${environment}/models/${model}/docs`,
        records: (model) => `${models.url}/prod/models/${model}/v1/predictions?limit=20`,
        command: options.toCommand ?? ((command) => `npx ${command}`),
        orders: {
          path: (delivery, order) => `${canaryOrderPath}/${encodeURIComponent(delivery)}/${order}`,
          people: slackWorkspace.users.map(({ id, name }) => ({ user: id, name })),
        },
        userName: (id) => slackWorkspace.users.find((user) => user.id === id)?.name,
      },
    });
  const stopping = new AbortController();
  const app = new Hono()
    .use(requireLocalHost)
    .route("/", createInvokeRoute({ servings: world.serving, token: controlToken, requestId: randomUUID }))
    .route("/", createControlRoute({ deliveries: engine, token: controlToken }))
    .route("/", createSlackCallbackRoute(steps.answerApproval, clock))
    .route(
      "/",
      createDesk({
        state: desk,
        clock,
        randomId: randomUUID,
        signingSecret: await secrets.read("SLACK_SIGNING_SECRET"),
        botToken,
        callbackUrl: () => `${url}${callbackPath}`,
        ...slackWorkspace,
        consoleUrl: `${consoleBase}/`,
        events: channelEvents,
        stop: stopping.signal,
      }),
    )
    .route(
      "/",
      createCanaryOrderRoute({
        people: slackWorkspace.users,
        findModel: async (delivery) => (await world.approvals.ofDelivery(delivery)).at(-1)?.model,
        order: submitCanaryOrder(world),
        page: consolePaths(consoleBase).canary,
        stylesheet: `${consoleBase}/console.css`,
      }),
    )
    .route("/", createConsoleRoute({ respond: openConsole(), changes, stop: stopping.signal }));
  server.serve(honoListener(app, log));
  const gateway = createGateway({
    servings: world.serving,
    clock,
    requestId: randomUUID,
    authorize: createKeyAuthorizer({ keys: world.keys, store, token: controlToken, clock, log }),
  });
  models.serve(honoListener(gateway, log));

  const repository = createWatchedRepository({ folder: folder.repository, checkout: options.checkout });
  await repository.prepare();
  const deliverNewCommits = deliverCommits({
    repository,
    store,
    startDelivery: steps.startDelivery,
    runtime,
    reporter,
    log,
  });

  const dataLimiter =
    options.dataLimitBytes === undefined
      ? undefined
      : createDataLimiter({
          folder,
          database: capabilities.database,
          blobsWritten: capabilities.blobsWritten,
          limitBytes: options.dataLimitBytes,
          clock,
          log,
        });

  /** Continues what an earlier process or a full disk left unfinished, and sweeps failed deliveries. */
  const recover = async (): Promise<void> => {
    const { resumed, interrupted } = await engine.resume();
    for (const name of resumed) reporter.say(`Continuing ${name}: requesting its approval again.`);
    for (const name of interrupted) reporter.say(`${name} was interrupted: cleaning up.`);
    await sweep();
  };
  let watcher: ReturnType<typeof repository.watch> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let silenceTimer: NodeJS.Timeout | undefined;
  const findSilence = async () => {
    const found = await steps.watchModels({ task: "find-silence" });
    for (const model of "silent" in found ? found.silent : [])
      reporter.say(`  ${model} is silent on prod: its usual calls do not come. The log has the numbers.`);
  };
  /** Recovers unfinished deliveries, then watches for commits and failed deliveries. */
  const begin = async (): Promise<void> => {
    dataLimiter?.start();
    await recover();
    await reportServed();
    watcher = repository.watch(() => runInBackground("delivering new commits", deliverNewCommits()));
    timer = setInterval(() => {
      runInBackground("the sweep", recover());
      runInBackground("delivering new commits", deliverNewCommits());
    }, sweepIntervalMs);
    timer.unref();
    silenceTimer = setInterval(
      () => runInBackground("the search for silent models", findSilence()),
      silenceIntervalMs,
    );
    silenceTimer.unref();
  };

  return {
    url,
    modelsUrl: models.url,
    begin,
    runtime,
    world,
    steps,
    engine,
    repository,
    application,
    /** Delivers new commits now. */
    look: deliverNewCommits,
    /** The open dialog of a user of the desk. */
    openView: (user: string) => desk.viewOf(user)?.id,
    /** Resolves when a delivery has requested its approval. */
    asked: async (name: string) => {
      if (!deliveriesWithQuestion.has(name)) await once(questionEvents, name);
    },
    /** Resolves when a delivery has ended and been reported. */
    ended: async (name: string) => {
      const end = once(endEvents, name);
      // Read after the listener exists, so that no end is missed in between.
      const [outcome, execution] = [await world.outcomes.read(name), await engine.describe(name)];
      if (outcome && execution?.status !== "RUNNING") return;
      await end;
    },
    stop: async () => {
      watcher?.close();
      clearInterval(timer);
      clearInterval(silenceTimer);
      await application?.stop();
      stopping.abort();
      await closeServers();
      engine.close();
      await tasks.stop();
      await compute.stop();
      await Promise.all(background);
      await dataLimiter?.stop();
      metrics.close();
      desk.close();
      capabilities.database.close();
    },
  };
};
export type EmbeddedWorld = Awaited<ReturnType<typeof startEmbeddedWorld>>;

const isForDelivery = (event: unknown, delivery: string): boolean =>
  typeof event === "object" && event !== null && "delivery" in event && (event.delivery as Json) === delivery;
