import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { type RuntimeResult, startRuntimeApi } from "./runtime-api/runtime-api.ts";
import type { NextHeaders } from "./runtime-api/schemas.ts";
import { installRuntimeClient } from "./runtime-client.ts";

type Needs = {
  /** The folder that holds `index.mjs`. */
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

/** What Lambda's own errors are called; Step Functions' Catch matches these names. */
const createFailedResult = (errorType: string, requestId: string, what: string): RuntimeResult => ({
  status: "failed",
  error: { errorType, errorMessage: `RequestId: ${requestId} Error: ${what}` },
});

/**
 * One process under AWS's runtime client with a Runtime API of its own: what Lambda calls an execution environment.
 * It ends when this process does, in whatever way, since its runtime then loses the API.
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
  const begun = performance.now();
  let alive = true;
  const exited = once(child, "exit").then(([code, signal]) => {
    alive = false;
    return signal === null ? `exit status ${code}` : "signal: killed";
  });
  await output.close();
  let seen = 0;
  let events = 0;

  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  const gone = async (requestId: string): Promise<RuntimeResult> =>
    createFailedResult("Runtime.ExitError", requestId, `Runtime exited with error: ${await exited}`);
  const start = async (requestId: string): Promise<RuntimeResult | undefined> => {
    const how = await Promise.race([api.started, gone(requestId)]);
    if (how.status === "ready") return undefined;
    // It exits by itself, after it has printed why.
    await exited;
    return how;
  };

  const run = async ({ payload, headers, timeoutSeconds }: InvocationEvent): Promise<RuntimeResult> => {
    const requestId = headers["lambda-runtime-aws-request-id"];
    const late = createFailedResult(
      "Sandbox.Timedout",
      requestId,
      `Task timed out after ${timeoutSeconds.toFixed(2)} seconds`,
    );
    let isLate = false;
    const limit = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, timeoutSeconds * 1_000);
    const ended = await Promise.race([api.invoke({ payload, headers }), gone(requestId)]);
    clearTimeout(limit);
    return isLate && !alive ? late : ended;
  };

  return {
    alive: () => alive,

    /** Starts the process for the first event. `headers` is called when the function is ready: its timeout starts then. */
    async serve(
      event: Omit<InvocationEvent, "headers"> & { readonly requestId: string; headers(): NextHeaders },
    ) {
      const notStarted = events++ === 0 ? await start(event.requestId) : undefined;
      const ready = performance.now();
      const ended = notStarted ?? (await run({ ...event, headers: event.headers() }));
      const whole = await readFile(logFile, "utf8");
      const log = whole.slice(seen);
      seen = whole.length;
      const initMs = events === 1 ? { initMs: ready - begun } : {};
      return { ended, log, durationMs: performance.now() - ready, ...initMs };
    },

    async stop(): Promise<void> {
      await kill();
      await api.stop();
    },
  };
};
export type ExecutionEnvironment = Awaited<ReturnType<typeof startExecutionEnvironment>>;
