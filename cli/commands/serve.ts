import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { emfLine } from "../../inference/emf.ts";
import { serveModel } from "../../inference/serve-model.ts";
import { listen } from "../../rehearsal/server.ts";
import { UsageMistake } from "../exit-code.ts";
import { portArgument } from "../options.ts";
import { paint, print, printError } from "../print.ts";

const versionArgument = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("a version is a whole number from 0");
  return Number(text);
};

type Options = {
  port: number;
  host: string;
  environment: "stage" | "prod";
  modelVersion: number;
  emf?: boolean;
};

const interrupted = (): Promise<void> =>
  new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });

const serve = async (folder: string, options: Options): Promise<void> => {
  if (!existsSync(join(folder, "model.yaml")))
    throw new UsageMistake(`${folder} is no model's folder: there is no model.yaml in it.`);
  const { app, name } = await serveModel({
    folder,
    identity: { environment: options.environment, version: options.modelVersion },
    now: Date.now,
    tick: () => performance.now(),
    newId: randomUUID,
    report: (metrics) => {
      if (options.emf) print(emfLine(metrics));
    },
    log: printError,
  });
  const server = await listen(options.port, (text) => printError(text), options.host);
  server.serve(app);
  print(`${paint("green", "✓")} ${name} is served at ${paint("bold", server.url)} (Ctrl-C ends it)`);
  print(`  ${server.url}/docs shows how to call it; ${server.url}/v1/model what it takes.`);
  await interrupted();
  await server.close();
};

/** `slipway serve`: the inference function's service as an HTTP server, from a model's folder. */
export const serveCommand = (): Command =>
  new Command("serve")
    .description("serve a model's folder over HTTP, as its inference function does")
    .argument("<folder>", "models/<name>")
    .addOption(new Option("--port <port>", "0: any free port").argParser(portArgument).default(8080))
    .addOption(new Option("--host <address>", "0.0.0.0 in a container").default("127.0.0.1"))
    .addOption(
      new Option("--environment <name>", "what the answers and metrics say")
        .choices(["stage", "prod"])
        .default("stage"),
    )
    .addOption(
      new Option("--model-version <number>", "the registry's version; 0: a working copy")
        .argParser(versionArgument)
        .default(0),
    )
    .option("--emf", "print a line of CloudWatch's embedded metric format for each request")
    .action(serve);
