import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createPythonEnvironment } from "./python-environment.ts";

const server = fileURLToPath(new URL("moto/server.py", import.meta.url));
const startLimitMs = 600_000;

export type Moto = {
  /** For the clients' `endpoint` and for AWS_ENDPOINT_URL. */
  readonly endpoint: string;
  stop(): Promise<void>;
};

/** The options of every client of moto; the account is 123456789012. */
export const motoClientConfig = (endpoint: string) => ({
  endpoint,
  region: "eu-central-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
});

/**
 * Starts moto with Slipway's additions (docs/peers.md) on a free port of 127.0.0.1. It ends with `stop`, and when
 * this process ends, because it watches its standard input.
 * `env`: variables of the additions, for example STEPS_URL.
 */
export const startMoto = async (env: Readonly<Record<string, string>> = {}): Promise<Moto> => {
  const { python } = await createPythonEnvironment();
  const start = performance.now();
  const child = spawn(python, [server], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: "1", PYTHONUNBUFFERED: "1", ...env },
  });
  const exited = once(child, "exit");
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = `${errors}${text}`.slice(-4_000);
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), startLimitMs);
  // moto prints its only line when the port is open and all services in use are loaded.
  const endpoint = await Promise.race([
    once(createInterface({ input: child.stdout }), "line").then(
      ([line]) => /^listening (http:\S+)$/.exec(line)?.[1],
    ),
    exited.then(() => undefined),
  ]);
  clearTimeout(limit);
  if (endpoint === undefined) throw new Error(`moto did not start: ${errors}`);
  console.info(`peer: moto started in ${((performance.now() - start) / 1_000).toFixed(1)} s`);
  return {
    endpoint,
    stop: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
};
