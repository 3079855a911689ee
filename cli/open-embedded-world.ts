import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { openLocalImages } from "#packaging/local-images.ts";
import { parseEmf } from "#platform/metrics/parse-emf.ts";
import type { Environment } from "#platform/serving/serving.ts";
import { openCapabilities } from "#worlds/embedded/capabilities.ts";
import { consoleBase } from "#worlds/embedded/console-route.ts";
import { findRunningWorld } from "#worlds/embedded/data/data-folder-ownership.ts";
import { createDeskClient } from "#worlds/embedded/desk/desk-client.ts";
import { callbackPath } from "#worlds/embedded/desk/slack-callback-route.ts";
import { slackWorkspace } from "#worlds/embedded/desk/slack-workspace.ts";
import { createFunctionHost } from "#worlds/embedded/functions/function-host.ts";
import { remoteFunctions } from "#worlds/embedded/functions/remote-functions.ts";
import {
  readMachineAccount,
  readMachineCaller,
  readMachineOperator,
} from "#worlds/embedded/operator/machine-identity.ts";
import { remoteDeliveries } from "#worlds/embedded/remote-deliveries.ts";
import { repositoryName } from "#worlds/embedded/scenario/watched-repository.ts";
import { assembleWorld, type World } from "#worlds/embedded/world.ts";
import type { CommandContext } from "./command-world.ts";
import { UsageMistake } from "./errors.ts";
import { openFolderRegistry } from "./folder-registry.ts";
import { selectDataFolder } from "./folders.ts";
import { printError } from "./print.ts";

export type EmbeddedCommandContext = CommandContext & { readonly world: World };

/**
 * Runs `work` on a data folder from the command's process. While a rehearsal runs on the folder, its process runs
 * functions and engine. Otherwise functions start in this process and end with the command.
 */
export const withEmbeddedWorld = async <T>(
  data: string | undefined,
  work: (context: EmbeddedCommandContext) => Promise<T>,
): Promise<T> => {
  const folder = selectDataFolder(data);
  if (!existsSync(folder.database))
    throw new UsageMistake(
      `${folder.root} holds no deliveries yet: run \`npm start\` first, or choose another folder with --data.`,
    );
  const running = findRunningWorld(folder);
  const url = running?.url ?? "http://127.0.0.1:0";
  const modelsUrl = running?.modelsUrl ?? url;
  const log = (sentence: string, error?: unknown) =>
    printError(
      `${sentence}${error === undefined ? "" : `: ${error instanceof Error ? error.message : String(error)}`}`,
    );
  const capabilities = await openCapabilities({
    folder,
    url,
    modelsUrl,
    clock: Date.now,
    log,
    env: process.env,
    registry: openFolderRegistry(folder),
  });
  const { secrets, database, source, metrics, records } = capabilities;
  const token = await secrets.read("CONTROL_TOKEN");
  const { images, imageRoot, runtime } = await openLocalImages({ folder, source, clock: Date.now });
  const host = running
    ? undefined
    : createFunctionHost({
        imageRoot,
        metrics,
        records,
        parseEmf,
        onLine: () => undefined,
        staysWarm: async () => false,
        clock: Date.now,
        requestId: randomUUID,
      });
  const world = assembleWorld(capabilities, {
    images,
    functions: host ?? remoteFunctions({ url, token }),
    deliveries: remoteDeliveries({ database, url: running?.url, token }),
    slack: createDeskClient(url, await secrets.read("SLACK_BOT_TOKEN")),
  });
  const modelUrl = (environment: Environment, model: string) => `${modelsUrl}/${environment}/models/${model}`;
  try {
    return await work({
      world,
      running: running !== undefined,
      where: running
        ? `A rehearsal runs on ${folder.root}.`
        : `No rehearsal runs on ${folder.root}: start one with \`npm start\`.`,
      repository: repositoryName,
      head: "HEAD",
      runtime,
      deliveryUrl: (delivery) => `${url}${consoleBase}/deliveries/${delivery}`,
      modelUrl,
      predict: async (model, rows) => {
        const response = await fetch(`${modelUrl("prod", model)}/v1/predict`, {
          method: "POST",
          headers: { "content-type": "application/json", "x-api-key": token },
          body: JSON.stringify({ rows }),
        });
        return { ok: response.ok, body: await response.json() };
      },
      slackConnection: {
        isDesk: true,
        secrets,
        apiUrl: `${url}/api/`,
        teamId: slackWorkspace.teamId,
        appId: slackWorkspace.appId,
        channel: slackWorkspace.channel.id,
        callbackUrl: `${url}${callbackPath}`,
      },
      caller: () => readMachineCaller(folder.repository),
      voter: async (as) => ({ id: as, via: "command", account: readMachineAccount().username }),
      person: async () => readMachineAccount().username,
      operator: readMachineOperator,
    });
  } finally {
    await host?.stop();
    metrics.close();
    database.close();
  }
};
