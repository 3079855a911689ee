import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { LogLevel, WebClient } from "@slack/web-api";
import { parseEmf } from "../inference/emf.ts";
import { slackClientOptions } from "../platform/slack/slack-channel.ts";
import { remoteDeliveries } from "../rehearsal/control.ts";
import { dataFolder } from "../rehearsal/data-folder.ts";
import { functionHost } from "../rehearsal/functions.ts";
import { localImages } from "../rehearsal/local-images.ts";
import { remoteFunctions } from "../rehearsal/remote-functions.ts";
import { runningOn } from "../rehearsal/running.ts";
import { openCapabilities, type World, worldOf } from "../rehearsal/world.ts";
import { UsageMistake } from "./exit-code.ts";
import { printError } from "./print.ts";

/** Slipway's own folder. */
export const checkout = fileURLToPath(new URL("..", import.meta.url));

/** The data folder: `--data`, or `.slipway` in Slipway's folder. */
export const folderOf = (data: string | undefined) =>
  dataFolder(data === undefined ? resolve(checkout, ".slipway") : resolve(data));

export type Opened = { readonly world: World; readonly running: boolean; readonly runtime: string };

/**
 * Runs `work` on a data folder's world from a process of its own. Where a rehearsal runs there, functions and the
 * engine are that process's; where none does, functions are started here and end with the command.
 */
export const withWorld = async <T>(
  data: string | undefined,
  work: (opened: Opened) => Promise<T>,
): Promise<T> => {
  const folder = folderOf(data);
  if (!existsSync(folder.database))
    throw new UsageMistake(
      `${folder.root} holds no deliveries yet: run \`npm start\` first, or name another folder with --data.`,
    );
  const running = runningOn(folder);
  const url = running?.url ?? "http://127.0.0.1:0";
  const log = (sentence: string, fault?: unknown) =>
    printError(
      `${sentence}${fault === undefined ? "" : `: ${fault instanceof Error ? fault.message : String(fault)}`}`,
    );
  const capabilities = await openCapabilities({ folder, url, clock: Date.now, log, env: process.env });
  const { secrets, database, source, metrics, records } = capabilities;
  const token = await secrets.read("CONTROL_TOKEN");
  const { images, imageRoot, runtime } = await localImages({ folder, source, clock: Date.now });
  const host = running
    ? undefined
    : functionHost({
        imageRoot,
        metrics,
        records,
        parseEmf,
        onLine: () => undefined,
        staysWarm: async () => false,
        clock: Date.now,
        requestId: randomUUID,
      });
  const world = worldOf(capabilities, {
    images,
    functions: host ?? remoteFunctions({ url, token }),
    deliveries: remoteDeliveries({ database, url: running?.url, token }),
    slack: new WebClient(await secrets.read("SLACK_BOT_TOKEN"), {
      ...slackClientOptions,
      slackApiUrl: `${url}/api/`,
      logLevel: LogLevel.ERROR,
    }),
  });
  try {
    return await work({ world, running: running !== undefined, runtime });
  } finally {
    await host?.stop();
    metrics.close();
    database.close();
  }
};
