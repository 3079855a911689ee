import { existsSync, mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { admitKey } from "#api-keys/admit-key.ts";
import { createApiKeyStore } from "#api-keys/api-key-store.ts";
import { createRateLimiter } from "#api-keys/rate-limiter.ts";
import { UsageMistake } from "#cli/errors.ts";
import { exitCode } from "#cli/exit-code.ts";
import { useCompleteFolder } from "#cli/folder-artifact.ts";
import { checkoutFolder } from "#cli/folders.ts";
import { dataLimitOption, jsonOption, parseHostNames, parsePort } from "#cli/options.ts";
import { paint, print, printError } from "#cli/print.ts";
import { showProgress } from "#cli/progress.ts";
import { assertModelFolder } from "#cli/read-model-folder.ts";
import { lowerV8WorkerPriority } from "#inference/http/lower-v8-worker-priority.ts";
import type { RecordStorage } from "#inference/records/records.ts";
import { runModelTrial } from "#model-check/run-model-trial.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { toDataFolderError } from "#platform/errors/data-folder-unusable.ts";
import { createJournaledStore } from "#platform/store/journaled-store.ts";
import { openWriteJournal } from "#platform/store/write-journal.ts";
import { openCapabilities } from "#worlds/embedded/capabilities.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { acquireDataFolder } from "#worlds/embedded/data/data-folder-ownership.ts";
import { createDataLimiter } from "#worlds/embedded/data/data-limiter.ts";
import { startHttpServer } from "#worlds/embedded/gateway/http-server.ts";
import { openService } from "#worlds/embedded/workers/open-service.ts";
import { startWorkers } from "#worlds/embedded/workers/start-workers.ts";

const maxWorkers = 64;
/** Shorter than the 30 s after which Kubernetes kills a container. */
const drainMs = 25_000;

const parseVersion = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("write a whole number, 0 or more");
  return Number(text);
};

const parseWorkers = (text: string): number => {
  if (text === "auto") return Math.min(maxWorkers, availableParallelism());
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > maxWorkers)
    throw new InvalidArgumentError(`write a whole number from 1 to ${maxWorkers}, or auto`);
  return count;
};

type Options = {
  readonly port: number;
  readonly workers: number;
  readonly host: string;
  readonly hostName: readonly string[];
  readonly data?: string;
  readonly environment: "stage" | "prod";
  readonly modelVersion: number;
  readonly keys?: boolean;
  readonly records: boolean;
  readonly dataLimit: number;
  readonly trial: boolean;
  readonly emf?: boolean;
  readonly json?: boolean;
};

/** Ctrl-C, or SIGTERM as from a container's runtime. A second one ends the process at once. */
const waitForEnd = (): Promise<"SIGINT" | "SIGTERM"> =>
  new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve(signal));
  });

const log = (sentence: string, error?: unknown): void =>
  printError(
    error === undefined ? sentence : `${sentence}: ${error instanceof Error ? error.message : String(error)}`,
  );

const isAnyAddress = (host: string): boolean => host === "0.0.0.0" || host === "::";
/** A host as URLs write it: IPv6 in brackets. */
const urlHost = (host: string): string => (host.includes(":") ? `[${host}]` : host);

/** Locks a data folder for this process, and opens its records and API keys. */
const openDataFolder = async (root: string, { environment, dataLimit }: Options) => {
  const clock = Date.now;
  const folder = resolveDataFolder(root);
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw toDataFolderError(root, error);
  }
  const ownership = acquireDataFolder(folder, { command: "serve", now: clock() });
  const { store, records, database, metrics, blobsWritten } = await openCapabilities({
    folder,
    // Nothing links to blobs here.
    url: "http://127.0.0.1",
    modelsUrl: "http://127.0.0.1",
    clock,
    log,
    env: process.env,
  });
  const journal = openWriteJournal({
    path: folder.recordsJournal,
    database,
    clock,
    log,
    // Records of several workers share a write: those of all pipes that have something to read.
  });
  const keys = createApiKeyStore({
    store,
    random: (size) => crypto.getRandomValues(new Uint8Array(size)),
    clock,
  });
  const dataLimiter = createDataLimiter({
    folder,
    database,
    blobsWritten,
    limitBytes: dataLimit,
    clock,
    log,
  });
  dataLimiter.start();
  const storage: RecordStorage = {
    store: createJournaledStore({ store, journal }),
    blobs: records.place.blobs,
    append: journal.append,
  };
  return {
    keys,
    records: { storage, hashKey: Buffer.from(records.hashKey, "base64") },
    admit: admitKey({
      keys,
      limiter: createRateLimiter({ store, clock, warn: log }),
      environment,
      warn: log,
      logRefusal: ({ reason, keyId }) =>
        log(`API key${keyId === undefined ? "" : ` ${keyId}`} refused: ${reason}`),
    }),
    close: async () => {
      await dataLimiter.stop();
      journal.close();
      metrics.close();
      database.close();
      ownership.release();
    },
  };
};

const serve = async (given: string, options: Options): Promise<void> => {
  await assertModelFolder(given);
  if (!existsSync(join(given, "model.yaml")))
    throw new UsageMistake(`${given} is not a model's folder: it has no model.yaml.`);
  await useCompleteFolder(given, undefined, (folder) => serveFolder(folder, options));
};

type DataFolder = Awaited<ReturnType<typeof openDataFolder>>;
type Serving = {
  readonly name: string;
  readonly url: string;
  /** Lets requests finish; returns how many were cut off. */
  end(): Promise<number>;
};

const serveInThisProcess = async (
  folder: string,
  hostNames: readonly string[],
  { keys, records, admit }: DataFolder,
  options: Options,
): Promise<Serving> => {
  const { app, name, offloadProcess, release } = await openService({
    folder,
    environment: options.environment,
    version: options.modelVersion,
    hostNames,
    needsKeys: options.keys ?? false,
    records: options.records ? records : undefined,
    admit,
    hasAnyKey: keys.hasAnyKey,
    printMetrics: options.emf ? print : undefined,
    log,
  });
  lowerV8WorkerPriority();
  const server = await startHttpServer(options.port, options.host);
  server.serve(app);
  return {
    name,
    url: server.url,
    async end() {
      const cut = await server.drain(drainMs);
      offloadProcess.stop();
      await release();
      return cut;
    },
  };
};

const serveInWorkers = async (
  folder: string,
  hostNames: readonly string[],
  { keys, records, admit }: DataFolder,
  options: Options,
): Promise<Serving> => {
  const { name } = readManifest(await readFile(join(folder, "model.yaml")));
  const { url, drain } = await startWorkers({
    count: options.workers,
    port: options.port,
    model: name,
    storage: options.records ? records.storage : undefined,
    admit,
    hasAnyKey: keys.hasAnyKey,
    printMetrics: print,
    log,
    start: {
      folder: resolve(folder),
      environment: options.environment,
      version: options.modelVersion,
      host: options.host,
      hostNames,
      needsKeys: options.keys ?? false,
      hasMetrics: options.emf ?? false,
      hashKey: options.records ? Buffer.from(records.hashKey).toString("base64") : null,
    },
  });
  return { name, url, end: () => drain(drainMs) };
};

const serveFolder = async (folder: string, options: Options): Promise<void> => {
  // Callers may use the address that it listens on; 0.0.0.0 and :: cannot be called.
  const hostNames = [...options.hostName, ...(isAnyAddress(options.host) ? [] : [urlHost(options.host)])];
  showProgress(`Loading ${folder}`);
  if (options.trial) await runModelTrial(folder);
  const root =
    options.data === undefined ? resolve(checkoutFolder, ".slipway", "serve") : resolve(options.data);
  const data = await openDataFolder(root, options);
  const serveHere = options.workers === 1 ? serveInThisProcess : serveInWorkers;
  const { name, url, end } = await serveHere(folder, hostNames, data, options);
  if (options.json) {
    const { records: isRecording, keys = false, workers } = options;
    const line = { model: name, url, hostNames, records: isRecording ? root : null, keys, workers };
    print(JSON.stringify(line));
  } else printStart(name, url, root, options);
  const signal = await waitForEnd();
  if (!options.json) print("Finishing the requests that have begun (a second Ctrl-C ends at once)");
  const cut = await end();
  if (cut > 0) log(`${cut} requests were cut off, because they took longer than ${drainMs / 1_000} s`);
  await data.close();
  if (signal === "SIGINT") process.exitCode = exitCode.interrupted;
};

const printStart = (name: string, url: string, root: string, options: Options): void => {
  print(`${paint("green", "✓")} ${name} is served at ${paint("bold", url)} (stop with Ctrl-C)`);
  if (options.workers > 1) print(`  Worker processes: ${options.workers}.`);
  print(`  How to call it: ${url}/docs. Its inputs: ${url}/v1/model.`);
  print(
    `  Host names: ${["localhost", ...options.hostName].join(", ")}${isAnyAddress(options.host) && options.hostName.length === 0 ? " (add the names that callers use with --host-name)" : ""}.`,
  );
  print(`  Prediction records: ${options.records ? root : "not kept"}.`);
  print(
    options.keys
      ? `  Each request needs an API key: create one with \`slipway keys create --data ${root}\`.`
      : "  No authentication (use --keys); records need an API key once one exists.",
  );
};

/** `slipway serve`: serves a model's folder over HTTP, with the service of the inference function. */
export const serveCommand = (): Command =>
  new Command("serve")
    .description("serve a model's folder over HTTP, as the inference function does")
    .argument("<folder>", "models/<name>")
    .addOption(new Option("--port <port>", "the port; 0: any free port").argParser(parsePort).default(8080))
    .addOption(
      new Option("--host <address>", "the address to listen on; in a container 0.0.0.0").default("127.0.0.1"),
    )
    .addOption(
      new Option(
        "--workers <number>",
        "processes that share the port; auto: one per available processor. From 2 on, one more owns the data folder",
      )
        .argParser(parseWorkers)
        .default(1),
    )
    .addOption(
      new Option(
        "--host-name <names>",
        "the names that callers use for this host, separated by commas; others are refused (DNS rebinding)",
      )
        .env("SLIPWAY_HOST_NAMES")
        .argParser(parseHostNames)
        .default([], "localhost"),
    )
    .addOption(new Option("--data <folder>", "the folder of records and API keys (default: .slipway/serve)"))
    .addOption(dataLimitOption())
    .option("--keys", "require an API key for each request")
    .option("--no-records", "keep no prediction records")
    .option("--no-trial", "skip the first run of the model in a process with limits")
    .addOption(
      new Option("--environment <name>", "the environment in responses, records and metrics")
        .choices(["stage", "prod"])
        .default("stage"),
    )
    .addOption(
      new Option("--model-version <number>", "the version in the registry; 0: a working copy")
        .argParser(parseVersion)
        .default(0),
    )
    .option("--emf", "print each request's metrics as a line of CloudWatch's embedded metric format")
    .addOption(jsonOption("one line with model, url and folder of records, once it listens"))
    .action(serve);
