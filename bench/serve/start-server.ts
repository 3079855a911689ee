import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { endWithProcess } from "./end-with-process.ts";
import { type ServerKind, servers } from "./servers.ts";

export type RunningServer = {
  readonly kind: ServerKind;
  /** The address that takes rows by POST. */
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
};

type Options = Omit<Parameters<(typeof servers)[ServerKind]["command"]>[0], "port"> & {
  readonly wrap: readonly string[];
  /** Variables of its environment, besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** With a channel to this process `slipway serve` does not become its bundle, and profiles name its sources. */
  readonly hasChannel?: true;
};

/** A port that was free a moment ago: Python's servers do not accept 0. */
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
};

/** Starts a server and waits until it responds to `body`, which is in its own protocol, at most five minutes. */
export const startServer = async (
  kind: ServerKind,
  body: string,
  { wrap, env, hasChannel, ...options }: Options,
): Promise<RunningServer> => {
  const port = await freePort();
  const [command = "", ...args] = [...wrap, ...servers[kind].command({ ...options, port })];
  // A process group: LitServe starts processes that have to end with it.
  const child = spawn(command, args, {
    stdio: ["ignore", "ignore", "pipe", ...(hasChannel ? (["ipc"] as const) : [])],
    detached: true,
    env: { ...process.env, OMP_NUM_THREADS: "1", TOKENIZERS_PARALLELISM: "false", ...env },
  });
  let errorOutput = "";
  child.stderr?.on("data", (chunk) => {
    errorOutput = `${errorOutput}${chunk}`.slice(-2_000);
  });
  const closed = once(child, "close");
  /** Ends the whole group: processes that the server started may outlive it. */
  const signal = (name: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // The group has ended already.
    }
  };
  // The servers end with the benchmark, however it ends.
  const forget = endWithProcess(() => signal("SIGKILL"));
  const stop = async () => {
    const limit = setTimeout(() => signal("SIGKILL"), 10_000);
    forget();
    signal("SIGTERM");
    await closed.finally(() => clearTimeout(limit));
    signal("SIGKILL");
  };
  const url = `http://127.0.0.1:${port}${servers[kind].protocol.path}`;
  const until = performance.now() + 300_000;
  for (;;) {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    }).catch(() => undefined);
    if (response?.ok) return { kind, url, pid: child.pid ?? 0, stop };
    const refused = response && response.status < 500 ? `: ${await response.text()}` : "";
    if (child.exitCode !== null || refused || performance.now() > until) {
      await stop();
      throw new Error(`${kind} does not respond${refused}${errorOutput ? `: ${errorOutput.trim()}` : ""}`);
    }
    await wait(100);
  }
};
