import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createPythonEnvironment } from "./python-environment.ts";

const resolvePath = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const startLimitMs = 120_000;
/** The first test also installs MLflow: 90 s when the packages come over the net. */
export const mlflowStartLimitMs = 600_000;

const installMlflow = () => createPythonEnvironment(resolvePath("requirements-mlflow.txt"));

export type Mlflow = {
  readonly uri: string;
  /** Runs a Python script next to this file with MLFLOW_TRACKING_URI set; returns its output. */
  python(script: string, args: readonly string[]): Promise<string>;
  stop(): Promise<void>;
};

/**
 * Starts a real MLflow server on SQLite in a temporary folder. `artifacts`: `proxied` stores them in that folder, by
 * the server; clients write to an `s3://…` address themselves. `env`: variables to reach it.
 */
export const startMlflow = async (
  artifacts: "proxied" | `s3://${string}`,
  env: Readonly<Record<string, string>> = {},
): Promise<Mlflow> => {
  const { python } = await installMlflow();
  const folder = await createTemporaryFolder();
  const start = performance.now();
  const artifactFolder = join(folder.path, "artifacts");
  await mkdir(artifactFolder);
  const where =
    artifacts === "proxied"
      ? ["--artifacts-destination", artifactFolder]
      : ["--default-artifact-root", artifacts, "--no-serve-artifacts"];
  const variables = {
    PATH: process.env.PATH,
    HOME: folder.path,
    MLFLOW_DISABLE_TELEMETRY: "true",
    // Otherwise it starts seven processes for evaluation jobs, which the tests do not need.
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false",
    PYTHONDONTWRITEBYTECODE: "1",
    ...env,
  };
  const child = spawn(
    python,
    [
      resolvePath("mlflow/server.py"),
      "--backend-store-uri",
      `sqlite:///${join(folder.path, "mlflow.db")}`,
      ...where,
    ],
    { stdio: ["pipe", "pipe", "pipe"], cwd: folder.path, env: variables },
  );
  const exited = once(child, "exit");
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = `${errors}${text}`.slice(-4_000);
  });
  const stop = async () => {
    child.stdin.end();
    await exited;
    await folder.remove();
  };
  const limit = setTimeout(() => child.stdin.end(), startLimitMs);
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const uri = /^listening (http:\S+)$/.exec(line)?.[1];
      if (uri === undefined) continue;
      child.stdout.resume();
      console.info(`peer: MLflow started in ${((performance.now() - start) / 1_000).toFixed(1)} s`);
      return {
        uri,
        stop,
        python: async (script, args) => {
          const { stdout } = await promisify(execFile)(python, [resolvePath(script), ...args], {
            env: { ...variables, MLFLOW_TRACKING_URI: uri },
            maxBuffer: 16 * 1024 * 1024,
          });
          return stdout;
        },
      };
    }
  } finally {
    clearTimeout(limit);
  }
  await stop();
  throw new Error(`MLflow did not start: ${errors}`);
};
