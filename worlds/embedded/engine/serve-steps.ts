import { parentPort, workerData } from "node:worker_threads";
import { normalizeError } from "#domain/delivery/normalize-error.ts";
import { openLocalImages } from "#packaging/local-images.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { type OpenRegistry, openCapabilities } from "#worlds/embedded/capabilities.ts";
import type { DataFolder } from "#worlds/embedded/data/data-folder.ts";
import { createDeskClient } from "#worlds/embedded/desk/desk-client.ts";
import { remoteFunctions } from "#worlds/embedded/functions/remote-functions.ts";
import { remoteDeliveries } from "#worlds/embedded/remote-deliveries.ts";
import { assembleWorld } from "#worlds/embedded/world.ts";
import { createLocalTasks } from "./tasks.ts";

/** The thread's `workerData`. */
export type ThreadData = {
  readonly folder: DataFolder;
  /** URL of the rehearsal's desk, engine and functions. */
  readonly url: string;
  readonly modelsUrl: string;
  readonly bakeMs?: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** A message to the thread: a call, or the request to close its files and end. */
export type ThreadCall =
  | { readonly kind: "call"; readonly id: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly kind: "stop" };

/** An error between threads; the state machine matches `name`. */
export type SerializedError = {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
};

/** A message from the thread. `blobBytes`: bytes of blobs that the call wrote, for the data folder's limit. */
export type ThreadMessage =
  | { readonly kind: "answered"; readonly id: number; readonly output: unknown; readonly blobBytes: number }
  | {
      readonly kind: "failed";
      readonly id: number;
      readonly fault: SerializedError;
      readonly blobBytes: number;
    }
  | { readonly kind: "log"; readonly sentence: string; readonly fault?: SerializedError }
  /** The thread could not open the data folder. */
  | { readonly kind: "broken"; readonly fault: SerializedError };

/** The functions that the thread runs. */
export type ThreadCalls = ReturnType<typeof createThreadCalls>;

const serializeError = (fault: unknown): SerializedError =>
  fault instanceof Error
    ? { name: fault.name, message: fault.message, stack: fault.stack }
    : { name: "Error", message: String(fault) };

const createThreadCalls = ({
  world,
  runtime,
}: {
  world: ReturnType<typeof assembleWorld>;
  runtime: () => Promise<string>;
}) => {
  const { steps, build, rowsToAsk } = createLocalTasks(world, runtime);
  const { machine, startDelivery, sweepDeliveries, watchModels } = steps;
  return {
    ...machine,
    "start-delivery": startDelivery,
    "sweep-deliveries": sweepDeliveries,
    "watch-models": watchModels,
    build,
    runtime,
    "rows-to-ask": rowsToAsk,
  };
};

/**
 * Runs the steps in this thread, with the world of another process of the data folder: it calls the rehearsal's functions
 * and engine over HTTP. A step may block this thread, for example with a commit's files, but not the thread that serves
 * prod.
 * @param registry opens another registry than the data folder's database
 */
export const serveSteps = async (registry?: (folder: DataFolder) => OpenRegistry): Promise<void> => {
  const port = parentPort;
  if (!port) throw new Error("this module runs as a thread");
  const { folder, url, modelsUrl, bakeMs, env }: ThreadData = workerData;
  const tell = (message: ThreadMessage) => port.postMessage(message);
  const log = (sentence: string, fault?: unknown) =>
    tell({ kind: "log", sentence, ...(fault === undefined ? {} : { fault: serializeError(fault) }) });
  const clock = Date.now;

  const open = async () => {
    const capabilities = await openCapabilities({
      folder,
      url,
      modelsUrl,
      clock,
      bakeMs,
      log,
      env,
      registry: registry?.(folder),
    });
    const { secrets, database, source } = capabilities;
    const token = await secrets.read("CONTROL_TOKEN");
    const { images, runtime } = await openLocalImages({ folder, source, clock });
    const world = assembleWorld(capabilities, {
      images,
      functions: remoteFunctions({
        url,
        token,
        // The server is in this process, so a retry may succeed.
        unreachable: (cause) =>
          new TemporaryFault("the rehearsal did not respond to its own step", { cause }),
      }),
      deliveries: remoteDeliveries({ database, url, token }),
      slack: createDeskClient(url, await secrets.read("SLACK_BOT_TOKEN")),
    });
    const calls: Readonly<Record<string, (...args: never[]) => Promise<unknown>>> = createThreadCalls({
      world,
      runtime,
    });
    return { capabilities, calls: new Map(Object.entries(calls)) };
  };
  const opened = open();
  opened.catch((fault) => tell({ kind: "broken", fault: serializeError(fault) }));

  let counted = 0;
  const blobBytesSince = async (): Promise<number> => {
    const written = (await opened.catch(() => undefined))?.capabilities.blobsWritten() ?? 0;
    const bytes = written - counted;
    counted = written;
    return bytes;
  };
  const answer = async ({ id, name, args }: Extract<ThreadCall, { kind: "call" }>): Promise<void> => {
    try {
      const call = (await opened).calls.get(name);
      if (!call) throw new Error(`there is no step ${name}`);
      const output = await call(...(args as never[]));
      tell({ kind: "answered", id, output, blobBytes: await blobBytesSince() });
    } catch (fault) {
      tell({
        kind: "failed",
        id,
        fault: serializeError(normalizeError(fault)),
        blobBytes: await blobBytesSince(),
      });
    }
  };
  const stop = async (): Promise<void> => {
    const { capabilities } = (await opened.catch(() => undefined)) ?? {};
    capabilities?.metrics.close();
    capabilities?.database.close();
    process.exit(0);
  };
  port.on("message", (message: ThreadCall) => void (message.kind === "stop" ? stop() : answer(message)));
};
