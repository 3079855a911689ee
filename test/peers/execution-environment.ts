import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { readPeakBytes } from "#test/support/process-tree.ts";
import { type RuntimeResult, startRuntimeApi } from "./runtime-api/runtime-api.ts";
import type { NextHeaders } from "./runtime-api/schemas.ts";
import { installRuntimeClient } from "./runtime-client.ts";

type Needs = {
  /** The folder with `index.mjs`. */
  readonly root: string;
  /** The file for its output. Not a pipe: output before a response is in the file when the response arrives. */
  readonly logFile: string;
  readonly variables: Readonly<Record<string, string>>;
};

type InvocationEvent = {
  readonly payload: string;
  readonly headers: NextHeaders;
  readonly timeoutSeconds: number;
};

/** An error with one of Lambda's own names, because Step Functions' Catch matches them. */
const createFailedResult = (errorType: string, requestId: string, cause: string): RuntimeResult => ({
  status: "failed",
  error: { errorType, errorMessage: `RequestId: ${requestId} Error: ${cause}` },
});

/**
 * Starts an execution environment of Lambda: one process under AWS's runtime client with its own Runtime API.
 * It ends when this process ends, because its runtime then loses the API.
 */
export const startExecutionEnvironment = async ({ root, logFile, variables }: Needs) => {
  const client = await installRuntimeClient();
  const api = await startRuntimeApi();
  const output = await open(logFile, "a");
  const child = spawn(process.execPath, [client], {
    cwd: root,
    stdio: ["ignore", output.fd, output.fd],
    env: {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      LANG: "en_US.UTF-8",
      TZ: ":UTC",
      LAMBDA_TASK_ROOT: root,
      _HANDLER: "index.handler",
      AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
      AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
      ...variables,
      AWS_LAMBDA_RUNTIME_API: api.address,
    },
  });
  const startedAt = performance.now();
  let alive = true;
  const exited = once(child, "exit").then(([code, signal]) => {
    alive = false;
    return signal === null ? `exit status ${code}` : "signal: killed";
  });
  await output.close();
  let readLength = 0;
  let events = 0;

  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  const waitForExit = async (requestId: string): Promise<RuntimeResult> =>
    createFailedResult("Runtime.ExitError", requestId, `Runtime exited with error: ${await exited}`);
  const start = async (requestId: string): Promise<RuntimeResult | undefined> => {
    const result = await Promise.race([api.started, waitForExit(requestId)]);
    if (result.status === "ready") return undefined;
    // It prints the error and exits by itself.
    await exited;
    return result;
  };

  const run = async ({ payload, headers, timeoutSeconds }: InvocationEvent): Promise<RuntimeResult> => {
    const requestId = headers["lambda-runtime-aws-request-id"];
    const timedOut = createFailedResult(
      "Sandbox.Timedout",
      requestId,
      `Task timed out after ${timeoutSeconds.toFixed(2)} seconds`,
    );
    let isLate = false;
    const limit = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, timeoutSeconds * 1_000);
    const ended = await Promise.race([api.invoke({ payload, headers }), waitForExit(requestId)]);
    clearTimeout(limit);
    return isLate && !alive ? timedOut : ended;
  };

  return {
    alive: () => alive,
    pid: child.pid,

    /** Starts the process for the first event. Calls `headers` when the function is ready: its timeout starts then. */
    async serve(
      event: Omit<InvocationEvent, "headers"> & { readonly requestId: string; headers(): NextHeaders },
    ) {
      const notStarted = events++ === 0 ? await start(event.requestId) : undefined;
      const ready = performance.now();
      const ended = notStarted ?? (await run({ ...event, headers: event.headers() }));
      const text = await readFile(logFile, "utf8");
      const log = text.slice(readLength);
      readLength = text.length;
      const initMs = events === 1 ? { initMs: ready - startedAt } : {};
      // A process that has ended, or a machine without /proc, gives none.
      const peakBytes = child.pid === undefined ? undefined : readPeakBytes(child.pid);
      return {
        ended,
        log,
        durationMs: performance.now() - ready,
        ...initMs,
        ...(peakBytes !== undefined && { maxMemoryUsedMb: Math.ceil(peakBytes / 1_024 / 1_024) }),
      };
    },

    async stop(): Promise<void> {
      await kill();
      await api.stop();
    },
  };
};
export type ExecutionEnvironment = Awaited<ReturnType<typeof startExecutionEnvironment>>;
