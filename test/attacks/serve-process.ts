import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

export type ServeProcess = {
  readonly child: ChildProcess;
  readonly url: string;
  readonly port: number;
  /** The most memory that the server's process ever had, MB; undefined where the system does not tell. */
  peakMb(): number | undefined;
  /** Process ids of those that it started; undefined where the system does not tell. */
  children(): readonly number[] | undefined;
  stop(): Promise<void>;
};

/** `slipway serve` in a process of its own, as anyone starts it. */
export const startServeProcess = (data: string, ...options: readonly string[]): Promise<ServeProcess> =>
  startModelServeProcess("churn", data, ...options);

/** The same of another of the models. */
export const startModelServeProcess = async (
  model: "churn" | "review-sentiment",
  data: string,
  ...options: readonly string[]
): Promise<ServeProcess> => {
  const args = ["serve", `models/${model}`, "--port", "0", "--no-trial", "--data", data, ...options];
  const child = spawn(process.execPath, ["cli/slipway.mjs", ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said: string[] = [];
  child.stderr?.setEncoding("utf8").on("data", (text: string) => said.push(text));
  let url = "";
  for await (const line of createInterface({ input: child.stdout })) {
    url = /https?:\/\/[\d.]+:\d+/.exec(line)?.[0] ?? "";
    if (url !== "") break;
  }
  if (url === "") throw new Error(`slipway serve did not start: ${said.join("")}`);
  child.stdout?.resume();
  return {
    child,
    url,
    port: Number(new URL(url).port),
    peakMb() {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
        return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024;
      } catch {
        return undefined;
      }
    },
    children() {
      try {
        const pids = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
        return pids.trim().split(" ").filter(Boolean).map(Number);
      } catch {
        return undefined;
      }
    },
    async stop() {
      const closed = once(child, "close");
      child.kill("SIGKILL");
      await closed;
    },
  };
};
