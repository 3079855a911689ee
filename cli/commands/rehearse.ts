import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command, Option } from "commander";
import { UsageMistake } from "#cli/errors.ts";
import { exitCode } from "#cli/exit-code.ts";
import { chooseMlflow, openFolderRegistry } from "#cli/folder-registry.ts";
import { checkoutFolder, selectDataFolder } from "#cli/folders.ts";
import { formatCurlCommand } from "#cli/format-curl-command.ts";
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
import { DataFolderUnusable, toDataFolderError } from "#platform/store/data-folder-unusable.ts";
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
  readonly bake?: number;
  readonly traffic: number;
  readonly mlflow?: string;
  readonly dataLimit: number;
};

const defaults = { port: 4747, model: "churn", bakeMs: 3_000, traffic: 250 } as const;

/** `slipway rehearse`: what `npm start` runs; with `--change` a commit for a rehearsal that runs already. */
export const rehearseCommand = (): Command =>
  new Command("rehearse")
    .description(
      "deliver a model twice on this machine, then watch its repository (npm start); or commit a change to it",
    )
    .addOption(
      new Option(
        "--change <version>",
        "commit this version to the watched repository, and leave the delivery to the rehearsal that runs",
      ).choices(modelChanges),
    )
    .addOption(
      new Option("--approve", "answer both questions as an allowed approver, and exit").conflicts([
        "reject",
        "change",
      ]),
    )
    .addOption(
      new Option("--reject", "approve the first version, reject the second, and exit").conflicts(["change"]),
    )
    .addOption(new Option("--json", "one JSON object a line on stdout; sentences on stderr"))
    .addOption(new Option("--fresh", "start over: remove the data folder first").conflicts("change"))
    .addOption(
      new Option("--port <port>", "where the desk listens on 127.0.0.1")
        .default(defaults.port)
        .argParser(parsePort),
    )
    .addOption(
      new Option(
        "--models-port <port>",
        "where stage and prod listen on 127.0.0.1 (default: the port after the desk's; 0: any free port)",
      ).argParser(parsePort),
    )
    .addOption(
      new Option("--model <name>", "the model to deliver").default(defaults.model).argParser(parseModelName),
    )
    .addOption(
      new Option("--bake <time>", "how long the engine waits in each bake; `manifest`: as on AWS")
        .default(defaults.bakeMs, "3s")
        .argParser(parseBake),
    )
    .addOption(
      new Option("--traffic <rate>", "requests a second of the synthetic application")
        .default(defaults.traffic)
        .argParser(parseTrafficRate),
    )
    .addOption(
      new Option("--mlflow <uri>", "an MLflow server as the registry, such as http://127.0.0.1:5000")
        .argParser(parseServerUrl)
        .conflicts("change"),
    )
    .addOption(dataOption())
    .addOption(dataLimitOption())
    .action((options: Options) =>
      options.change ? commitChange(options, options.change) : rehearse(options),
    );

const commitChange = async ({ data, model }: Options, change: ModelChange): Promise<void> => {
  const folder = selectDataFolder(data);
  if (!existsSync(folder.repository))
    throw new UsageMistake(
      `${folder.root} has no watched repository yet: run \`npm start\` first, or name another folder with --data.`,
    );
  const repository = createWatchedRepository({ folder: folder.repository, checkout: checkoutFolder });
  const commit = await repository.commitChange(model, change);
  if (!commit) {
    print(
      `The repository already holds the version "${change}" of ${model}: nothing to commit. Try another --change.`,
    );
    return;
  }
  print(`Committed ${commit.slice(0, 12)} (${change}) to ${folder.repository}.`);
  print(
    findRunningWorld(folder)
      ? "The running rehearsal delivers it now: its terminal and its desk show how it goes."
      : "No rehearsal runs on this folder: the next `npm start` delivers it.",
  );
};

/**
 * Makes a folder and those above it that are missing. Node's own `recursive` never returns where a folder that is
 * there takes none in it and answers ENOENT, as /proc does.
 */
const makeFolder = (path: string): void => {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const above = dirname(path);
  if (!existsSync(above)) makeFolder(above);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (fault) {
    if (!(fault instanceof Error && "code" in fault && fault.code === "ENOENT")) throw fault;
    throw new DataFolderUnusable(`no folder can be made at ${path}: choose another with --data.`);
  }
};

/** All that the folder holds but the lock: whoever removed that would leave the folder to a second owner. */
const emptyFolder = ({ root, lock }: DataFolder): void => {
  for (const name of readdirSync(root))
    if (join(root, name) !== lock) rmSync(join(root, name), { recursive: true, force: true });
};

/** A folder that can be written, and that is this process's alone from here on. */
const prepareDataFolder = (folder: DataFolder, fresh: boolean): Ownership => {
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (fault) {
      throw toDataFolderError(folder.root, fault);
    }
  };
  guarded(() => {
    const ours = [folder.database, folder.log, folder.lock].some((path) => existsSync(path));
    if (fresh && existsSync(folder.root) && !ours)
      throw new DataFolderUnusable(
        `${folder.root} is no data folder of Slipway's, so --fresh does not remove it: name another with --data.`,
      );
    makeFolder(folder.root);
    accessSync(folder.root, constants.W_OK);
  });
  const ownership = acquireDataFolder(folder, { command: "rehearse", now: Date.now() });
  try {
    if (fresh) guarded(() => emptyFolder(folder));
    return ownership;
  } catch (fault) {
    ownership.release();
    throw fault;
  }
};

const rehearse = async (options: Options): Promise<void> => {
  const folder = selectDataFolder(options.data);
  if (!existsSync(`${checkoutFolder}/models/${options.model}/model.yaml`))
    throw new UsageMistake(
      `there is no model ${options.model}: models/${options.model}/model.yaml is not there.`,
    );
  const ownership = prepareDataFolder(folder, options.fresh ?? false);
  try {
    await runEmbeddedWorld(folder, ownership, options);
  } finally {
    ownership.release();
  }
};

const runEmbeddedWorld = async (
  folder: DataFolder,
  ownership: Ownership,
  options: Options,
): Promise<void> => {
  const continued = existsSync(folder.database);
  if (options.mlflow !== undefined) chooseMlflow(folder, options.mlflow);
  const voice: Reporter = options.json ? createJsonReporter() : createTerminalReporter();

  const interrupted = Promise.withResolvers<"interrupted">();
  const onSignal = () => interrupted.resolve("interrupted");
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);

  // The engine brings an AWS client along, which no other command should wait for.
  const [{ startEmbeddedWorld }, { runScenario }] = await Promise.all([
    import("#worlds/embedded/start-embedded-world.ts"),
    import("#worlds/embedded/scenario/scenario.ts"),
  ]);
  const rehearsal = await startEmbeddedWorld({
    folder,
    checkout: checkoutFolder,
    port: options.port,
    modelsPort: options.modelsPort ?? nextPort(options.port),
    bakeMs: options.bake,
    traffic: options.traffic,
    env: process.env,
    registry: openFolderRegistry(folder),
    stepsThread: new URL("../steps-thread.ts", import.meta.url),
    clock: Date.now,
    voice,
    announce: ownership.announce,
    dataLimitBytes: options.dataLimit,
  });
  try {
    const { url, modelsUrl } = rehearsal;
    reportStart(voice, { url, modelsUrl, folder, continued, bakeMs: options.bake });
    await rehearsal.begin();
    const answers = options.approve ? "approve" : options.reject ? "reject" : "person";
    const played = runScenario(rehearsal, { model: options.model, answers, voice });
    // An interruption wins the race; what the scenario then says of a stopped world is of no interest.
    played.catch(() => undefined);
    /** What cannot be written ends what was under way, and not prod, which somebody may call. */
    const stayUp = (fault: unknown): void => {
      if (answers !== "person" || !(fault instanceof DataFolderUnusable)) throw fault;
      voice.say(`What was under way stopped, prod goes on: ${fault.message}`);
    };
    const first = await Promise.race([played.catch(stayUp), interrupted.promise]);
    if (first === "interrupted") return reportInterrupted(voice);
    await reportExampleRequest(voice, rehearsal, options.model);
    if (answers !== "person")
      return voice.say("\nThis run ends here: `npm start` goes on from it, and stays up to be called.");
    voice.say(`\nStill here: commit to ${folder.repository}, or try in a second terminal`);
    voice.say(
      `  npx slipway rehearse --change better     ${paint("dim", "(or worse, or broken: watch the gates hold)")}`,
    );
    voice.say("Ctrl-C ends it; the next `npm start` goes on from here.");
    await interrupted.promise;
    reportInterrupted(voice);
  } finally {
    await rehearsal.stop();
  }
};

const reportInterrupted = (voice: Reporter): void => {
  voice.say("\nStopped. What was under way is put right, or asked again, by the next `npm start`.");
  process.exitCode = exitCode.interrupted;
};

/** A port of its own for the models; where the desk takes any that is free, or there is none after it, any too. */
const nextPort = (port: number): number => (port === 0 || port === 65_535 ? 0 : port + 1);

const reportStart = (
  voice: Reporter,
  {
    url,
    modelsUrl,
    folder,
    continued,
    bakeMs,
  }: {
    url: string;
    modelsUrl: string;
    folder: DataFolder;
    continued: boolean;
    bakeMs: number | undefined;
  },
): void => {
  voice.say(
    `${paint("bold", "Slipway")} on this machine. The desk, where approvals are asked: ${paint("cyan", `${url}/`)}`,
  );
  voice.say(
    `The models, an origin of their own for browsers: ${paint("cyan", `${modelsUrl}/prod/models/<name>/`)}`,
  );
  voice.say(
    continued
      ? `Going on from what ${folder.root} holds (--fresh starts over).`
      : `Its data lies in ${folder.root}.`,
  );
  if (bakeMs !== undefined)
    voice.say(
      paint(
        "dim",
        `The engine's waits are shortened (each bake ${bakeMs / 1_000} s); manifest, policy and state machine are as on AWS.`,
      ),
    );
  voice.say("");
};

const reportExampleRequest = async (
  voice: Reporter,
  rehearsal: EmbeddedWorld,
  model: string,
): Promise<void> => {
  const serving = await rehearsal.world.ledger.serving("prod", model);
  if (!serving) return voice.say(`Prod serves no version of ${model}.`);
  const { createExampleRequest } = await import("#worlds/embedded/scenario/scenario.ts");
  const example = await createExampleRequest(rehearsal.world, model);
  voice.say(`Prod serves ${model} version ${serving.version} (${serving.digest.slice(0, 19)}…). Call it:`);
  const keyed = await rehearsal.world.keys.coversModel("prod", model);
  voice.say(`  ${formatCurlCommand(example, { keyed })}`);
  voice.say(
    paint(
      "dim",
      keyed
        ? `Prod asks for an API key of ${model}: \`npx slipway keys list\` shows them.`
        : `It is open to whoever calls from this machine, until a key for it is made: npx slipway keys create --name my-app --models ${model}`,
    ),
  );
  const { application } = rehearsal;
  if (application) {
    const { answered, failed } = application.calls();
    voice.say(`The application's calls to prod so far: ${answered} answered, ${failed} failed.`);
  }
  voice.say(`The watched repository: ${rehearsal.repository.folder}`);
};
