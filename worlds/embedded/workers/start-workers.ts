import cluster from "node:cluster";
import { fileURLToPath } from "node:url";
import { createCircuitBreaker } from "#inference/model/circuit-breaker.ts";
import type { PreparedFolder } from "#inference/prepared-folder.ts";
import { youngGeneration } from "#platform/processes/young-generation.ts";
import { pipeDescriptor } from "./connect-primary.ts";
import { openWorker, type PrimaryServices, type ServeWorker } from "./open-worker.ts";
import type { StartMessage } from "./worker-messages.ts";

type Needs = PrimaryServices & {
  readonly count: number;
  /** 0: any free port. */
  readonly port: number;
  readonly start: Omit<StartMessage, "kind" | "prepared"> & { readonly prepared: PreparedFolder };
};

/** A worker that ends sooner after its start counts as one that cannot run. */
const settledMs = 10_000;
/** How long a worker may still take for its end after its last request. */
const exitMs = 5_000;

const assertSameModel = (folder: string, expected: string, fingerprint: string): void => {
  if (fingerprint !== expected)
    throw new Error(
      `${folder} has changed since its model was opened: restart \`slipway serve\` to serve what is there now`,
    );
};

/** Starts all workers on one port; if one cannot start, it ends all of them and throws that error. */
const startAll = async (
  workers: readonly ServeWorker[],
  { port, start: { folder } }: Pick<Needs, "port" | "start">,
): Promise<{ readonly url: string; readonly fingerprint: string }> => {
  try {
    const [fingerprint = "", ...others] = await Promise.all(workers.map(({ ready }) => ready));
    for (const other of others) assertSameModel(folder, fingerprint, other);
    const [first, ...rest] = workers;
    // Workers share the port that they name alike, so all of them name 0 for a free one.
    const url = (await first?.listen(port)) ?? "";
    await Promise.all(rest.map((worker) => worker.listen(port)));
    return { url, fingerprint };
  } catch (error) {
    for (const worker of workers) worker.kill();
    throw error;
  }
};

/**
 * Serves a model in several processes that share one port; this one, the primary, passes each new connection to the next of
 * them, and alone writes the data folder: a worker's records are calls. A worker that ends is replaced, unless the
 * folder's model has changed since; if workers keep ending, after a pause that grows to a minute.
 * Throws what the first start of a worker throws: PortUnusable, ModelUnreadable, ManifestInvalid.
 */
export const startWorkers = async (needs: Needs) => {
  const { count, log } = needs;
  const { plan, ...prepared } = needs.start.prepared;
  const message: StartMessage = { kind: "start", ...needs.start, prepared };
  cluster.schedulingPolicy = cluster.SCHED_RR;
  const stdio: ("ignore" | "inherit" | "ipc" | "pipe")[] = ["ignore", "inherit", "inherit", "ipc"];
  stdio[pipeDescriptor] = "pipe";
  cluster.setupPrimary({
    exec: fileURLToPath(new URL("serve-worker-process.ts", import.meta.url)),
    args: [],
    execArgv: [youngGeneration, ...process.execArgv.filter((flag) => flag !== youngGeneration)],
    stdio,
  });
  const breaker = createCircuitBreaker(() => performance.now());
  const alive = new Set<ServeWorker>();
  const listening = new Set<ServeWorker>();
  const pauses = new Set<NodeJS.Timeout>();
  let isStopping = false;

  const open = (): ServeWorker => {
    const worker = openWorker(message, plan, needs);
    alive.add(worker);
    void worker.ended.then(() => alive.delete(worker));
    return worker;
  };
  const first = Array.from({ length: count }, open);
  const { url, fingerprint } = await startAll(first, needs);
  for (const worker of first) listening.add(worker);
  /** A free port is given back with its last worker: from then on, workers name the one that callers know. */
  let port = needs.port;

  const replace = async (): Promise<void> => {
    if (isStopping) return;
    const worker = open();
    watch(worker);
    try {
      assertSameModel(message.folder, fingerprint, await worker.ready);
      const address = await worker.listen(port);
      if (address !== url) throw new Error(`it would listen on ${address} instead of ${url}`);
      listening.add(worker);
      log(`process ${worker.pid} serves in its place`);
    } catch (error) {
      if (isStopping) return;
      log(`a worker cannot start: ${error instanceof Error ? error.message : String(error)}`);
      worker.kill();
    }
  };
  /** Starts another worker when this one ends. */
  const watch = (worker: ServeWorker): void => {
    const startedAt = performance.now();
    void worker.ended.then(({ how }) => {
      listening.delete(worker);
      if (listening.size === 0) port = Number(new URL(url).port);
      if (isStopping) return;
      if (performance.now() - startedAt > settledMs) breaker.recordEnd();
      breaker.recordStop();
      const seconds = breaker.retryAfter();
      log(
        `worker process ${worker.pid} ended with ${how}: its requests have no response; another one starts ${seconds === undefined ? "now" : `in ${seconds} s`}`,
      );
      const pause = setTimeout(
        () => {
          pauses.delete(pause);
          void replace();
        },
        (seconds ?? 0) * 1_000,
      );
      pauses.add(pause);
    });
  };
  for (const worker of first) watch(worker);

  return {
    url,
    /** Lets all workers finish their requests and end, at most for this time; returns the number of those cut off. */
    async drain(limitMs: number): Promise<number> {
      isStopping = true;
      for (const pause of pauses) clearTimeout(pause);
      const workers = [...alive];
      for (const worker of workers) worker.drain(limitMs);
      const timer = setTimeout(() => {
        for (const worker of workers) worker.kill();
      }, limitMs + exitMs);
      const results = await Promise.all(workers.map(({ ended }) => ended));
      clearTimeout(timer);
      return results.reduce((sum, { cut }) => sum + cut, 0);
    },
  };
};
