import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { UsageMistake } from "#cli/errors.ts";
import { useCompleteFolder } from "#cli/folder-artifact.ts";
import { dataLimitOption, jsonOption, parseHostNames, parsePort } from "#cli/options.ts";
import { showProgress } from "#cli/progress.ts";
import { assertModelFolder } from "#cli/read-model-folder.ts";
import { handOver } from "#cli/serve/hand-over.ts";
import type { ServeOptions } from "#cli/serve/serve-folder.ts";
import { prepareFolder } from "#inference/prepare-folder.ts";
import type { PreparedFolder } from "#inference/prepared-folder.ts";
import { runModelTrial } from "#model-check/run-model-trial.ts";

const maxWorkers = 64;

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

const prepare = async (folder: string, { trial }: ServeOptions): Promise<PreparedFolder> => {
  showProgress(`Loading ${folder}`);
  if (trial) await runModelTrial(folder);
  return prepareFolder(folder);
};

const serveHere = async (folder: string, prepared: PreparedFolder, options: ServeOptions): Promise<void> => {
  const { serveFolder } = await import("#cli/serve/serve-folder.ts");
  await serveFolder(folder, prepared, options);
};

const serve = async (folder: string, options: ServeOptions): Promise<void> => {
  await assertModelFolder(folder);
  if (!existsSync(join(folder, "model.yaml")))
    throw new UsageMistake(`${folder} is not a model's folder: it has no model.yaml.`);
  const prepared = await useCompleteFolder(folder, undefined, async (complete) => {
    if (complete === folder) return prepare(folder, options);
    // A folder with an artefact from elsewhere is temporary, and this process removes it.
    await serveHere(complete, await prepare(complete, options), options);
    return undefined;
  });
  if (!prepared) return;
  // Only what serves needs it, and no other command's start.
  const { openServeBundle } = await import("#packaging/serve-bundle.ts");
  const program = await openServeBundle();
  if (program !== undefined) handOver(program, { folder, prepared, options });
  await serveHere(folder, prepared, options);
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
