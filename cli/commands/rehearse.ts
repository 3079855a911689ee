import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Command, Option } from "commander";
import { UsageMistake } from "#cli/errors.ts";
import { exitCode } from "#cli/exit-code.ts";
import { explainUnknownModel } from "#cli/explain-unknown-model.ts";
import { chooseMlflow, openFolderRegistry } from "#cli/folder-registry.ts";
import { checkoutFolder, selectDataFolder } from "#cli/folders.ts";
import { formatCurlCommand, maxShownBody } from "#cli/format-curl-command.ts";
import { formatNextCommit } from "#cli/format-next-commit.ts";
import { listModelFolders } from "#cli/list-model-folders.ts";
import {
  dataLimitOption,
  dataOption,
  parseBake,
  parseModelName,
  parsePort,
  parseServerUrl,
  parseTrafficRate,
} from "#cli/options.ts";
import { paint, print } from "#cli/print.ts";
import { endProgress, showProgress } from "#cli/progress.ts";
import { DataFolderUnusable, toDataFolderError } from "#platform/errors/data-folder-unusable.ts";
import type { DataFolder } from "#worlds/embedded/data/data-folder.ts";
import {
  acquireDataFolder,
  findRunningWorld,
  type Ownership,
} from "#worlds/embedded/data/data-folder-ownership.ts";
import { createJsonReporter, createTerminalReporter, type Reporter } from "#worlds/embedded/reporter.ts";
import {
  createWatchedRepository,
  type ModelChange,
  modelChanges,
} from "#worlds/embedded/scenario/watched-repository.ts";
import type { EmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";

type Options = {
  readonly change?: ModelChange;
  readonly approve?: boolean;
  readonly reject?: boolean;
  readonly json?: boolean;
  readonly fresh?: boolean;
  readonly port: number;
  readonly modelsPort?: number;
  readonly data?: string;
  readonly model: string;
  readonly bake: number | "manifest";
  readonly traffic: number;
  readonly mlflow?: string;
  readonly dataLimit: number;
};

/** Milliseconds of a bake; undefined: the manifest's. */
const readBake = ({ bake }: Pick<Options, "bake">): number | undefined =>
  bake === "manifest" ? undefined : bake;

const defaults = { port: 4747, model: "churn", bakeMs: 3_000, traffic: 250 } as const;

/** `slipway rehearse`: `npm start` runs it; with `--change` it commits a change for the running rehearsal. */
export const rehearseCommand = (): Command =>
  new Command("rehearse")
    .description(
      "deliver two versions of a model on this machine, then watch its repository (npm start); or commit a change",
    )
    .addOption(
      new Option(
        "--change <version>",
        "commit this version to the watched repository, and exit; the running rehearsal delivers it",
      ).choices(modelChanges),
    )
    .addOption(
      new Option("--approve", "approve both versions automatically, and exit").conflicts([
        "reject",
        "change",
      ]),
    )
    .addOption(
      new Option("--reject", "approve the first version, reject the second, and exit").conflicts(["change"]),
    )
    .addOption(
      new Option(
        "--json",
        "print events on stdout, one JSON object per line, and messages on stderr; with --change one line",
      ),
    )
    .addOption(new Option("--fresh", "start over: empty the data folder first").conflicts("change"))
    .addOption(
      new Option("--port <port>", "the desk's port on 127.0.0.1; 0: any free port")
        .default(defaults.port)
        .argParser(parsePort),
    )
    .addOption(
      new Option(
        "--models-port <port>",
        "the port of stage and prod on 127.0.0.1; 0: any free port (default: the desk's port + 1)",
      ).argParser(parsePort),
    )
    .addOption(
      new Option("--model <name>", "the model to deliver").default(defaults.model).argParser(parseModelName),
    )
    .addOption(
      new Option("--bake <time>", "the duration of each bake; `manifest`: as long as on AWS")
        .default(defaults.bakeMs, "3s")
        .argParser(parseBake),
    )
    .addOption(
      new Option("--traffic <rate>", "requests per second of the synthetic application")
        .default(defaults.traffic)
        .argParser(parseTrafficRate),
    )
    .addOption(
      new Option("--mlflow <uri>", "use an MLflow server as the registry: http://127.0.0.1:5000")
        .argParser(parseServerUrl)
        .conflicts("change"),
    )
    .addOption(dataOption())
    .addOption(dataLimitOption())
    .action((options: Options) =>
      options.change ? commitChange(options, options.change) : rehearse(options),
    );

const shippedModels = join(checkoutFolder, "models");

/** Throws ModelUnknown for a model that none of these folders has. */
const requireModelFolder = (model: string, ...folders: readonly string[]): void => {
  const known = folders.flatMap(listModelFolders);
  if (!known.includes(model)) throw explainUnknownModel(model, known);
};

const commitChange = async ({ data, model, json }: Options, change: ModelChange): Promise<void> => {
  const folder = selectDataFolder(data);
  if (!existsSync(folder.repository))
    throw new UsageMistake(
      `${folder.root} has no watched repository yet: run \`npm start\` first, or choose another folder with --data.`,
    );
  requireModelFolder(model, shippedModels, join(folder.repository, "models"));
  const repository = createWatchedRepository({ folder: folder.repository, checkout: checkoutFolder });
  const commit = await repository.commitChange(model, change);
  const isRunning = findRunningWorld(folder) !== undefined;
  if (json)
    return print(
      JSON.stringify({
        model,
        change,
        commit: commit ?? null,
        repository: folder.repository,
        running: isRunning,
      }),
    );
  if (!commit) {
    print(
      `Nothing to commit: the repository already has the version "${change}" of ${model}. Choose another --change.`,
    );
    return;
  }
  print(`Committed ${commit.slice(0, 12)} (${change}) to ${folder.repository}.`);
  print(
    isRunning
      ? "The running rehearsal delivers it now: see its terminal or its desk."
      : "No rehearsal runs on this folder: start one with `npm start` to deliver it.",
  );
};

/**
 * Makes a folder and its missing parents. Node's `recursive` loops for ever in a folder that answers ENOENT to mkdir, as
 * /proc does.
 */
const makeFolder = (path: string): void => {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(path);
  if (!existsSync(parent)) makeFolder(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    throw new DataFolderUnusable(`${path} cannot be created: choose another folder with --data.`);
  }
};

/** Removes everything except the lock, because a second process could take a folder without its lock. */
const emptyFolder = ({ root, lock }: DataFolder): void => {
  for (const name of readdirSync(root))
    if (join(root, name) !== lock) rmSync(join(root, name), { recursive: true, force: true });
};

/** Makes a writable data folder and locks it for this process. */
const prepareDataFolder = (folder: DataFolder, fresh: boolean): Ownership => {
  const translateErrors = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw toDataFolderError(folder.root, error);
    }
  };
  translateErrors(() => {
    const isDataFolder = [folder.database, folder.log, folder.lock].some((path) => existsSync(path));
    if (fresh && existsSync(folder.root) && !isDataFolder)
      throw new DataFolderUnusable(
        `${folder.root} is not a data folder of Slipway, so --fresh does not empty it: choose another with --data.`,
      );
    makeFolder(folder.root);
    accessSync(folder.root, constants.W_OK);
  });
  const ownership = acquireDataFolder(folder, { command: "rehearse", now: Date.now() });
  try {
    if (fresh) translateErrors(() => emptyFolder(folder));
    return ownership;
  } catch (error) {
    ownership.release();
    throw error;
  }
};

const rehearse = async (options: Options): Promise<void> => {
  const folder = selectDataFolder(options.data);
  requireModelFolder(options.model, shippedModels);
  const ownership = prepareDataFolder(folder, options.fresh ?? false);
  try {
    await runEmbeddedWorld(folder, ownership, options);
  } finally {
    ownership.release();
  }
};

/** Its lines replace the line of progress. */
const endProgressBefore = ({ event, say }: Reporter): Reporter => ({
  event: (each) => {
    endProgress();
    event(each);
  },
  say: (message) => {
    endProgress();
    say(message);
  },
});

const runEmbeddedWorld = async (
  folder: DataFolder,
  ownership: Ownership,
  options: Options,
): Promise<void> => {
  const isContinued = existsSync(folder.database);
  if (options.mlflow !== undefined) chooseMlflow(folder, options.mlflow);
  const reporter = endProgressBefore(options.json ? createJsonReporter() : createTerminalReporter());
  showProgress("Starting");

  const interrupted = Promise.withResolvers<"interrupted">();
  const onSignal = () => interrupted.resolve("interrupted");
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);

  // Loaded here, because the engine loads an AWS client and other commands should not wait for it.
  const [{ startEmbeddedWorld }, { runScenario }] = await Promise.all([
    import("#worlds/embedded/start-embedded-world.ts"),
    import("#worlds/embedded/scenario/scenario.ts"),
  ]);
  const rehearsal = await startEmbeddedWorld({
    folder,
    checkout: checkoutFolder,
    port: options.port,
    modelsPort: options.modelsPort ?? nextPort(options.port),
    bakeMs: readBake(options),
    traffic: options.traffic,
    env: process.env,
    registry: openFolderRegistry(folder),
    stepsThread: new URL("../steps-thread.ts", import.meta.url),
    clock: Date.now,
    reporter,
    announce: ownership.announce,
    ...(options.data === undefined
      ? {}
      : { toCommand: (command: string) => `npx ${command} --data ${options.data}` }),
    dataLimitBytes: options.dataLimit,
  });
  try {
    const { url, modelsUrl } = rehearsal;
    reportStart(reporter, { url, modelsUrl, folder, isContinued, bakeMs: readBake(options) });
    await rehearsal.begin();
    const decisions = options.approve ? "approve" : options.reject ? "reject" : "person";
    const scenario = runScenario(rehearsal, { model: options.model, decisions, reporter });
    // After Ctrl-C the scenario fails because its world has stopped; that error is not useful.
    scenario.catch(() => undefined);
    /** A full disk ends deliveries, but prod goes on, because applications may call it. */
    const stayUp = (error: unknown): void => {
      if (decisions !== "person" || !(error instanceof DataFolderUnusable)) throw error;
      reporter.say(`Deliveries stopped, prod still serves: ${error.message}`);
    };
    const first = await Promise.race([scenario.catch(stayUp), interrupted.promise]);
    if (first === "interrupted") return reportInterrupted(reporter);
    await reportExampleRequest(reporter, rehearsal, folder, options.model);
    if (decisions !== "person")
      return reporter.say("\nDone. `npm start` continues from here and keeps prod running.");
    const next = {
      model: options.model,
      repository: folder.repository,
      data: options.data === undefined ? "" : ` --data ${options.data}`,
    };
    const [headline = "", ...lines] = formatNextCommit(next, listSeedVersions(options.model));
    reporter.say(`\n${headline}`);
    for (const line of lines) reporter.say(line);
    reporter.say("Stop with Ctrl-C; the next `npm start` continues from here.");
    await interrupted.promise;
    reportInterrupted(reporter);
  } finally {
    await rehearsal.stop();
  }
};

const listSeedVersions = (model: string): readonly string[] => {
  const versions = join(checkoutFolder, "seed", model, "versions");
  return existsSync(versions) ? readdirSync(versions) : [];
};

const reportInterrupted = (reporter: Reporter): void => {
  reporter.say("\nStopped. Unfinished deliveries continue, or roll back, at the next `npm start`.");
  process.exitCode = exitCode.interrupted;
};

/** The models' default port; 0 (any free port) where the desk's is 0 or the last one. */
const nextPort = (port: number): number => (port === 0 || port === 65_535 ? 0 : port + 1);

const reportStart = (
  reporter: Reporter,
  {
    url,
    modelsUrl,
    folder,
    isContinued,
    bakeMs,
  }: {
    url: string;
    modelsUrl: string;
    folder: DataFolder;
    isContinued: boolean;
    bakeMs: number | undefined;
  },
): void => {
  reporter.say(
    `${paint("bold", "Slipway")} runs on this machine. Approve deliveries on the desk: ${paint("cyan", `${url}/`)}`,
  );
  reporter.say(`What serves, and every delivery: ${paint("cyan", `${url}/console/`)}`);
  reporter.say(`Models on prod: ${paint("cyan", `${modelsUrl}/prod/models/<name>/`)}`);
  reporter.say(
    isContinued
      ? `Continuing with the data in ${folder.root} (start over with --fresh).`
      : `Data folder: ${folder.root}`,
  );
  if (bakeMs !== undefined)
    reporter.say(
      paint(
        "dim",
        `Waits are shorter than on AWS (each bake ${bakeMs / 1_000} s); manifest, policy and state machine are the same.`,
      ),
    );
  reporter.say("");
};

const reportExampleRequest = async (
  reporter: Reporter,
  rehearsal: EmbeddedWorld,
  folder: DataFolder,
  model: string,
): Promise<void> => {
  const serving = await rehearsal.world.ledger.serving("prod", model);
  if (!serving) return reporter.say(`Prod serves no version of ${model}.`);
  const { createExampleRequest } = await import("#worlds/embedded/scenario/scenario.ts");
  const example = await createExampleRequest(rehearsal.world, model);
  reporter.say(`Prod serves ${model} v${serving.version} (${serving.digest.slice(0, 19)}…). Call it:`);
  const keyed = await rehearsal.world.keys.coversModel("prod", model);
  const file = join(dirname(folder.database), "example-request.json");
  const isLong = example.body.length > maxShownBody;
  if (isLong) writeFileSync(file, example.body);
  reporter.say(`  ${formatCurlCommand(example, { keyed, ...(isLong ? { file } : {}) })}`);
  reporter.say(
    paint(
      "dim",
      keyed
        ? `It needs an API key for ${model}: list them with \`npx slipway keys list\`.`
        : `No authentication: create an API key with \`npx slipway keys create --name my-app --models ${model}\`.`,
    ),
  );
  const { application } = rehearsal;
  if (application) {
    const { answered, failed } = application.calls();
    reporter.say(`The synthetic application's requests so far: ${answered} succeeded, ${failed} failed.`);
  }
  reporter.say(`Watched repository: ${rehearsal.repository.folder}`);
};
