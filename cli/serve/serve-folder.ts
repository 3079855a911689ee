import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { admitKey } from "#api-keys/admit-key.ts";
import { createApiKeyStore } from "#api-keys/api-key-store.ts";
import { createRateLimiter } from "#api-keys/rate-limiter.ts";
import { exitCode } from "#cli/exit-code.ts";
import { checkoutFolder } from "#cli/folders.ts";
import { paint, print, printError } from "#cli/print.ts";
import { lowerV8WorkerPriority } from "#inference/http/lower-v8-worker-priority.ts";
import type { PreparedFolder } from "#inference/prepared-folder.ts";
import type { RecordStorage } from "#inference/records/records.ts";
import { toDataFolderError } from "#platform/errors/data-folder-unusable.ts";
import { createBackgroundCheckpoints } from "#platform/store/background-checkpoints.ts";
import { createJournaledStore } from "#platform/store/journaled-store.ts";
import { openWriteJournal } from "#platform/store/write-journal.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { acquireDataFolder } from "#worlds/embedded/data/data-folder-ownership.ts";
import { createDataLimiter } from "#worlds/embedded/data/data-limiter.ts";
import { openStorage } from "#worlds/embedded/data/open-storage.ts";
import { startHttpServer } from "#worlds/embedded/gateway/http-server.ts";
import { openService } from "#worlds/embedded/workers/open-service.ts";
import { startWorkers } from "#worlds/embedded/workers/start-workers.ts";

/** Shorter than the 30 s after which Kubernetes kills a container. */
const drainMs = 25_000;

/** The options of `slipway serve`. */
export type ServeOptions = {
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
const openDataFolder = async (root: string, { environment, dataLimit }: ServeOptions) => {
  const clock = Date.now;
  const folder = resolveDataFolder(root);
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw toDataFolderError(root, error);
  }
  const ownership = acquireDataFolder(folder, { command: "serve", now: clock() });
  const { store, records, database, blobsWritten } = await openStorage({ folder, clock, env: process.env });
  const checkpoints = createBackgroundCheckpoints({ database, log });
  const journal = openWriteJournal({ path: folder.recordsJournal, database, clock, log, checkpoints });
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
    checkpoint: checkpoints.start,
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
      await checkpoints.close();
      database.close();
      ownership.release();
    },
  };
};

type Served = {
  readonly folder: string;
  readonly prepared: PreparedFolder;
  /** The names that callers use for this host. */
  readonly hostNames: readonly string[];
};
type DataFolder = Awaited<ReturnType<typeof openDataFolder>>;
type Serving = {
  readonly name: string;
  readonly url: string;
  /** Lets requests finish; returns how many were cut off. */
  end(): Promise<number>;
};

const serveInThisProcess = async (
  { folder, prepared, hostNames }: Served,
  { keys, records, admit }: DataFolder,
  options: ServeOptions,
): Promise<Serving> => {
  const { app, name, offloadProcess, release } = await openService({
    folder,
    prepared,
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
  { folder, prepared, hostNames }: Served,
  { keys, records, admit }: DataFolder,
  options: ServeOptions,
): Promise<Serving> => {
  const { url, drain } = await startWorkers({
    count: options.workers,
    port: options.port,
    model: prepared.manifest.name,
    storage: options.records ? records.storage : undefined,
    admit,
    hasAnyKey: keys.hasAnyKey,
    printMetrics: print,
    log,
    start: {
      folder: resolve(folder),
      prepared,
      environment: options.environment,
      version: options.modelVersion,
      host: options.host,
      hostNames,
      needsKeys: options.keys ?? false,
      hasMetrics: options.emf ?? false,
      hashKey: options.records ? Buffer.from(records.hashKey).toString("base64") : null,
    },
  });
  return { name: prepared.manifest.name, url, end: () => drain(drainMs) };
};

const printStart = (name: string, url: string, root: string, options: ServeOptions): void => {
  print(`${paint("green", "✓")} ${name} is served at ${paint("bold", url)} (stop with Ctrl-C)`);
  if (options.workers > 1) print(`  Worker processes: ${options.workers}.`);
  print(`  How to call it: ${url}/docs. Its inputs: ${url}/v1/model.`);
  print(
    `  Host names: ${["localhost", ...options.hostName].join(", ")}${isAnyAddress(options.host) && options.hostName.length === 0 ? " (add the names that callers use with --host-name)" : ""}.`,
  );
  print(`  Prediction records: ${options.records ? root : "not kept"}.`);
  print(
    options.keys
      ? `  Each request needs an API key: create one with \`slipway keys create --name my-app --models ${name} --environment ${options.environment} --data ${root}\`.`
      : "  No authentication (use --keys); records need an API key once one exists.",
  );
};

/** Serves a prepared folder until a signal ends it. */
export const serveFolder = async (
  folder: string,
  prepared: PreparedFolder,
  options: ServeOptions,
): Promise<void> => {
  // Callers may use the address that it listens on; 0.0.0.0 and :: cannot be called.
  const hostNames = [...options.hostName, ...(isAnyAddress(options.host) ? [] : [urlHost(options.host)])];
  const root =
    options.data === undefined ? resolve(checkoutFolder, ".slipway", "serve") : resolve(options.data);
  const data = await openDataFolder(root, options);
  const serveHere = options.workers === 1 ? serveInThisProcess : serveInWorkers;
  const { name, url, end } = await serveHere({ folder, prepared, hostNames }, data, options);
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
