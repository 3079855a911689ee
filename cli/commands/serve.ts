import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { admitKey } from "#api-keys/admit-key.ts";
import { createApiKeyStore } from "#api-keys/api-key-store.ts";
import { createRateLimiter } from "#api-keys/rate-limiter.ts";
import { UsageMistake } from "#cli/errors.ts";
import { checkoutFolder } from "#cli/folders.ts";
import { dataLimitOption, parseHostNames, parsePort } from "#cli/options.ts";
import { paint, print, printError } from "#cli/print.ts";
import { lowerV8WorkerPriority } from "#inference/http/lower-v8-worker-priority.ts";
import { isRecordsPath } from "#inference/records/is-records-path.ts";
import { createUuidV7 } from "#inference/records/uuid-v7.ts";
import { serveModel } from "#inference/serve-model.ts";
import { runModelTrial } from "#model-check/run-model-trial.ts";
import { formatEmf } from "#platform/metrics/format-emf.ts";
import { toDataFolderError } from "#platform/store/data-folder-unusable.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { acquireDataFolder } from "#worlds/embedded/data/data-folder-ownership.ts";
import { createDataLimiter } from "#worlds/embedded/data/data-limiter.ts";
import { startHttpServer } from "#worlds/embedded/gateway/http-server.ts";
import { openCapabilities } from "#worlds/embedded/world.ts";

const parseVersion = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("a version is a whole number from 0");
  return Number(text);
};

type Options = {
  readonly port: number;
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
};

const waitForInterrupt = (): Promise<void> =>
  new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });

const log = (sentence: string, fault?: unknown): void =>
  printError(
    fault === undefined ? sentence : `${sentence}: ${fault instanceof Error ? fault.message : String(fault)}`,
  );

const isAnyAddress = (host: string): boolean => host === "0.0.0.0" || host === "::";
/** An address as it stands in a URL. */
const urlHost = (host: string): string => (host.includes(":") ? `[${host}]` : host);

/** What a data folder gives to the service: a place for records, and the check of API keys. The folder is this process's alone. */
const openDataFolder = async (root: string, { environment, dataLimit }: Options) => {
  const clock = Date.now;
  const folder = resolveDataFolder(root);
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
  } catch (fault) {
    throw toDataFolderError(root, fault);
  }
  const ownership = acquireDataFolder(folder, { command: "serve", now: clock() });
  const { store, records, database, metrics, blobsWritten } = await openCapabilities({
    folder,
    // Links to blobs are of no use here: nobody is sent any.
    url: "http://127.0.0.1",
    modelsUrl: "http://127.0.0.1",
    clock,
    log,
    env: process.env,
  });
  const keys = createApiKeyStore({
    store,
    random: (size) => crypto.getRandomValues(new Uint8Array(size)),
    clock,
  });
  const keeping = createDataLimiter({ folder, database, blobsWritten, limitBytes: dataLimit, clock, log });
  keeping.start();
  return {
    keys,
    records: { place: records.place, hashKey: Buffer.from(records.hashKey, "base64") },
    admit: admitKey({
      keys,
      limiter: createRateLimiter({ store, clock, warn: log }),
      environment,
      warn: log,
      refused: ({ reason, keyId }) =>
        log(`API key${keyId === undefined ? "" : ` ${keyId}`} refused: ${reason}`),
    }),
    close: async () => {
      await keeping.stop();
      metrics.close();
      database.close();
      ownership.release();
    },
  };
};

const serve = async (folder: string, options: Options): Promise<void> => {
  if (!existsSync(join(folder, "model.yaml")))
    throw new UsageMistake(`${folder} is no model's folder: there is no model.yaml in it.`);
  const { environment, modelVersion: version } = options;
  // An address that it listens on by name is one by which it is meant to be called; 0.0.0.0 and :: are none.
  const hostNames = [...options.hostName, ...(isAnyAddress(options.host) ? [] : [urlHost(options.host)])];
  if (options.trial) await runModelTrial(folder);
  const root =
    options.data === undefined ? resolve(checkoutFolder, ".slipway", "serve") : resolve(options.data);
  const opened = await openDataFolder(root, options);
  const { app, name, elsewhere, release } = await serveModel({
    folder,
    identity: { environment, version },
    records: options.records ? opened.records : undefined,
    admit: opened.admit,
    // Without --keys predictions are open; records are so until there is a key that can be asked for.
    needsKey: options.keys
      ? undefined
      : async ({ path }) => isRecordsPath(path) && (await opened.keys.anyMade()),
    hostNames,
    now: Date.now,
    tick: () => performance.now(),
    newId: () => createUuidV7(Date.now(), randomUUID()),
    report: (metrics) => {
      if (options.emf) print(formatEmf(metrics));
    },
    log,
  });
  lowerV8WorkerPriority();
  const server = await startHttpServer(options.port, log, options.host);
  server.serve(app);
  print(`${paint("green", "✓")} ${name} is served at ${paint("bold", server.url)} (Ctrl-C ends it)`);
  print(`  ${server.url}/docs shows how to call it, ${server.url}/v1/model what it takes.`);
  print(
    `  It answers to ${["localhost", ...options.hostName].join(", ")}${isAnyAddress(options.host) && options.hostName.length === 0 ? ": name the host that callers use with --host-name" : ""}.`,
  );
  print(`  Records of predictions: ${options.records ? root : "not kept"}.`);
  print(
    options.keys
      ? `  Each request needs an API key: slipway keys create --data ${root} makes one.`
      : "  Everyone who reaches it may ask: --keys asks for API keys. Records need one as soon as there is one.",
  );
  await waitForInterrupt();
  await server.close();
  elsewhere.stop();
  await release();
  await opened.close();
};

/** `slipway serve`: the inference function's service as an HTTP server, from a model's folder. */
export const serveCommand = (): Command =>
  new Command("serve")
    .description("serve a model's folder over HTTP, as its inference function does")
    .argument("<folder>", "models/<name>")
    .addOption(new Option("--port <port>", "0: any free port").argParser(parsePort).default(8080))
    .addOption(new Option("--host <address>", "0.0.0.0 in a container").default("127.0.0.1"))
    .addOption(
      new Option(
        "--host-name <names>",
        "names that callers use for this host, with commas between; others are refused (DNS rebinding)",
      )
        .env("SLIPWAY_HOST_NAMES")
        .argParser(parseHostNames)
        .default([], "localhost"),
    )
    .addOption(new Option("--data <folder>", "where records and API keys lie (default: .slipway/serve)"))
    .addOption(dataLimitOption())
    .option("--keys", "ask each request for an API key")
    .option("--no-records", "keep no records of predictions")
    .option("--no-trial", "open the model without a first run in a process with limits")
    .addOption(
      new Option("--environment <name>", "what answers, records and metrics say")
        .choices(["stage", "prod"])
        .default("stage"),
    )
    .addOption(
      new Option("--model-version <number>", "the registry's version; 0: a working copy")
        .argParser(parseVersion)
        .default(0),
    )
    .option("--emf", "print a line of CloudWatch's embedded metric format for each request")
    .action(serve);
