import { randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { Hono } from "hono";
import { lowerV8WorkerPriority } from "#inference/http/lower-v8-worker-priority.ts";
import { openLocalImages } from "#packaging/local-images.ts";
import { createBlobRoute } from "#platform/blobs/blob-route.ts";
import type { Images } from "#platform/images/images.ts";
import { parseEmf } from "#platform/metrics/parse-emf.ts";
import type { Functions } from "#platform/serving/functions.ts";
import type { Json } from "#platform/store/store.ts";
import { createControlRoute } from "./control-route.ts";
import type { DataFolder } from "./data/data-folder.ts";
import { createDataLimiter } from "./data/data-limiter.ts";
import { openLog } from "./data/open-log.ts";
import { createDesk } from "./desk/desk.ts";
import { createDeskClient } from "./desk/desk-client.ts";
import { type DeskState, openDeskState } from "./desk/desk-state.ts";
import { requireLocalHost } from "./desk/origin-guards.ts";
import { callbackPath, createSlackCallbackRoute } from "./desk/slack-callback-route.ts";
import { slackWorkspace } from "./desk/slack-workspace.ts";
import { type Engine, startEngine } from "./engine/engine.ts";
import { overlayOutcomes } from "./engine/overlay-outcomes.ts";
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
import { assembleWorld, type CapabilitiesOptions, type Instrument, openCapabilities } from "./world.ts";

export type EmbeddedWorldOptions = {
  readonly folder: DataFolder;
  /** Slipway's own folder: models, their trained versions, the runtime's code. */
  readonly checkout: string;
  /** The desk's; 0: any free port. */
  readonly port: number;
  /** The models': an origin of its own for browsers, so that no page of a model acts on the desk. 0: any free port. */
  readonly modelsPort: number;
  /** Milliseconds of each bake; undefined: as the manifest says. */
  readonly bakeMs: number | undefined;
  /** Requests a second of the synthetic application; 0: none. */
  readonly traffic: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Another registry than the data folder's own; `stepsThread` then opens the same one. */
  readonly registry?: CapabilitiesOptions["registry"];
  /** The module of the thread that steps run in. Default: one with the data folder's own registry. */
  readonly stepsThread?: URL;
  readonly clock: () => number;
  readonly voice: Reporter;
  /** Bytes that the folder may take; absent: traffic is kept for as long as it does by itself. */
  readonly dataLimitBytes?: number;
  /** Told where the rehearsal answers, for other processes of the same folder. */
  readonly announce?: (url: string, modelsUrl: string) => void;
  /** Tests put their own between the steps and each capability here; the steps then run in this thread. */
  readonly instrument?: Instrument;
  /** Tests put their own in the place of steps that the machine calls; the sweep's are as they are. */
  readonly inPlaceOf?: (steps: Steps["machine"]) => Steps["machine"];
  /**
   * Images and functions that are there already; whoever made them stops them. Tests share them between rehearsals, whose
   * steps then run in this thread.
   */
  readonly machine?: Compute;
};

/** Where images are built and functions run. */
export type Compute = {
  readonly images: Images;
  /** Content hash of the runtime layer that images get. */
  readonly runtime: string;
  readonly functions: Functions;
};

/** A version that nobody calls and `live` does not name makes room after this long: what stage served before is asked only while the next version is verified. */
const versionIdleMs = 2_000;

const defaultStepsThread = new URL("./engine/steps-thread.ts", import.meta.url);

const openDeskFile = async (path: string): Promise<DeskState> => openDeskState(path);

/** How often the sweep looks on its own; an execution that ends calls it at once. */
const sweepIntervalMs = 60_000;

/**
 * The whole of Slipway on this machine: the engine, the functions' host, the gateway, the desk, a watched repository
 * and an application that calls prod. `begin` sweeps, or asks again, what an earlier process left unfinished.
 */
export const startEmbeddedWorld = async (options: EmbeddedWorldOptions) => {
  const { folder, clock, voice, env } = options;
  lowerV8WorkerPriority();
  const log = openLog({ path: folder.log, clock });
  const server = await startHttpServer(options.port, log);
  const models = await startHttpServer(options.modelsPort, log, "127.0.0.1", {
    option: "--models-port",
  }).catch(async (fault) => {
    await server.close();
    throw fault;
  });
  const closeServers = async () => void (await Promise.all([server.close(), models.close()]));
  const { url } = server;
  const capabilities = await openCapabilities({
    folder,
    url,
    modelsUrl: models.url,
    clock,
    log,
    env,
    registry: options.registry,
  }).catch(async (fault) => {
    await closeServers();
    throw fault;
  });
  const { secrets, metrics, store, source, records, policy, policyChanges } = capabilities;
  await writeFirstPolicy({
    policy,
    changes: policyChanges,
    checkout: options.checkout,
    say: voice.say,
  }).catch(async (fault) => {
    capabilities.database.close();
    await closeServers();
    throw fault;
  });
  const desk = await openDeskFile(folder.desk).catch(async (fault) => {
    capabilities.database.close();
    await closeServers();
    throw fault;
  });
  const botToken = await secrets.read("SLACK_BOT_TOKEN");
  const controlToken = await secrets.read("CONTROL_TOKEN");
  options.announce?.(url, models.url);

  const ownMachine = async () => {
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
  const givenMachine = (machine: Compute) => ({
    ...machine,
    runtime: async () => machine.runtime,
    stop: async () => undefined,
  });
  const machine = options.machine ? givenMachine(options.machine) : await ownMachine();
  const { images, functions } = machine;
  const slack = createDeskClient(url, botToken);

  const toldOutcomes = new Set<string>();
  /** Emits the name of a delivery that has ended; any number of callers may wait for one. */
  const endEvents = new EventEmitter().setMaxListeners(0);
  const tellOutcome = async (name: string) => {
    const ended = await world.outcomes.read(name);
    if (!ended) return;
    endEvents.emit(name);
    const says = `${name} ${ended.outcome} ${ended.error?.name ?? ""}`;
    if (toldOutcomes.has(says)) return;
    toldOutcomes.add(says);
    await tellServed();
    voice.event({
      event: "outcome",
      delivery: name,
      outcome: ended.outcome,
      ...(ended.error ? { error: ended.error.name, cause: ended.error.cause } : {}),
    });
  };
  const asked = new Set<string>();
  /** Emits the name of a delivery that has sent its question. */
  const questionEvents = new EventEmitter().setMaxListeners(0);
  const background = new Set<Promise<unknown>>();
  const inBackground = (what: string, work: Promise<unknown>) => {
    const watched = work
      .catch((fault) => log(`${what} failed`, fault))
      .finally(() => background.delete(watched));
    background.add(watched);
  };
  const sweepOnce = async () => {
    const { deliveries: swept } = await steps.sweepDeliveries({});
    for (const { delivery, result } of swept) {
      voice.say(`  ${delivery}: ${result}`);
      if (result !== "failed") await tellOutcome(delivery);
    }
  };
  let sweeping: Promise<void> = Promise.resolve();
  /** One after another: two at once would both post the message that is missing. */
  const sweep = () => {
    const next = sweeping.then(sweepOnce);
    sweeping = next.catch(() => undefined);
    return next;
  };

  const engine: Engine = startEngine({
    capabilities,
    build: (event) => tasks.build(event),
    steps: () => {
      const machine = { ...steps.machine, "request-approval": askAndTell };
      return options.inPlaceOf?.(machine) ?? machine;
    },
    pace: { bakeMs: options.bakeMs },
    onEvent: (delivery, { state, status, ms }) => {
      voice.event({ event: "state", delivery, state, status, ms });
      if (status === "succeeded" && /^(DeployStage|PromoteModel|RollBack)$/.test(state))
        inBackground("telling what is served", tellServed());
    },
    onFault: log,
    onEnd: (name, status) =>
      inBackground(
        `the end of ${name}`,
        status === "SUCCEEDED" ? tellOutcome(name) : sweep().then(() => tellOutcome(name)),
      ),
  });
  const world = assembleWorld(
    capabilities,
    { images, functions, deliveries: engine, slack },
    options.instrument,
  );
  const tasks =
    options.machine || options.instrument
      ? createLocalTasks(world, machine.runtime)
      : createThreadTasks(
          world,
          createStepsThreadClient({
            module: options.stepsThread ?? defaultStepsThread,
            data: { folder, url, modelsUrl: models.url, env: { ...env } },
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
  const tellServed = reportServing({
    world,
    url: models.url,
    voice,
    application,
    rowsToAsk: tasks.rowsToAsk,
  });
  const askAndTell = async (event: unknown) => {
    await steps.machine["request-approval"](event);
    for (const { delivery, state } of await world.approvals.open()) {
      if (state.status !== "pending" || !isForDelivery(event, delivery)) continue;
      voice.event({ event: "question", delivery, desk: `${url}/`, callbackUrl: `${url}${callbackPath}` });
      asked.add(delivery);
      questionEvents.emit(delivery);
    }
  };

  const stopping = new AbortController();
  const app = new Hono()
    .use(requireLocalHost)
    .route("/", createInvokeRoute({ servings: world.serving, token: controlToken, requestId: randomUUID }))
    .route("/", createControlRoute({ deliveries: engine, token: controlToken }))
    .route("/", createSlackCallbackRoute(steps.answerApproval, clock))
    .route("/", createBlobRoute({ folder: folder.blobs, key: capabilities.blobKey, clock }))
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
        deliveries: overlayOutcomes(engine, world.outcomes),
        stop: stopping.signal,
      }),
    );
  server.serve(app);
  models.serve(
    createGateway({
      servings: world.serving,
      clock,
      requestId: randomUUID,
      gate: createKeyAuthorizer({ keys: world.keys, store, token: controlToken, clock, log }),
    }),
  );

  const repository = createWatchedRepository({ folder: folder.repository, checkout: options.checkout });
  await repository.prepare();
  const look = deliverCommits({
    repository,
    store,
    startDelivery: steps.startDelivery,
    runtime,
    voice,
    log,
  });

  const keeping =
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

  /** Takes up what an earlier process, or a disk that was full, left unfinished, and looks after broken ends. */
  const takeUp = async (): Promise<void> => {
    const { resumed, interrupted } = await engine.resume();
    for (const name of resumed) voice.say(`Going on with ${name}: its approval is asked again.`);
    for (const name of interrupted) voice.say(`${name} was interrupted: it is swept now.`);
    await sweep();
  };
  let watcher: ReturnType<typeof repository.watch> | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** Takes up what is unfinished, and from then on looks after commits and broken ends. */
  const begin = async (): Promise<void> => {
    keeping?.start();
    await takeUp();
    await tellServed();
    watcher = repository.watch(() => inBackground("looking for commits", look()));
    timer = setInterval(() => {
      inBackground("the sweep", takeUp());
      inBackground("looking for commits", look());
    }, sweepIntervalMs);
    timer.unref();
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
    /** Looks for commits now. */
    look,
    /** The dialog that stands open for a user of the desk. */
    openView: (user: string) => desk.viewOf(user)?.id,
    /** Resolves when a delivery has put its question. */
    asked: async (name: string) => {
      if (!asked.has(name)) await once(questionEvents, name);
    },
    /** Resolves when a delivery has ended and been reported. */
    ended: async (name: string) => {
      const end = once(endEvents, name);
      // Looked up after waiting has begun, so that no end falls between the two.
      const [outcome, execution] = [await world.outcomes.read(name), await engine.describe(name)];
      if (outcome && execution?.status !== "RUNNING") return;
      await end;
    },
    stop: async () => {
      watcher?.close();
      clearInterval(timer);
      await application?.stop();
      stopping.abort();
      await closeServers();
      engine.close();
      await tasks.stop();
      await machine.stop();
      await Promise.all(background);
      await keeping?.stop();
      metrics.close();
      desk.close();
      capabilities.database.close();
    },
  };
};
export type EmbeddedWorld = Awaited<ReturnType<typeof startEmbeddedWorld>>;

const isForDelivery = (event: unknown, delivery: string): boolean =>
  typeof event === "object" && event !== null && "delivery" in event && (event.delivery as Json) === delivery;
