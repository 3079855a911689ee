import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { listChildren, readPeakBytes } from "#test/support/process-tree.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

export type ServeProcess = {
  readonly child: ChildProcess;
  readonly url: string;
  readonly port: number;
  /** The most memory that the server's process ever had, MB; undefined where there is no /proc. */
  peakMb(): number | undefined;
  /** Process ids of its children; undefined where there is no /proc. */
  children(): readonly number[] | undefined;
  stop(): Promise<void>;
};

/** Starts `slipway serve` of churn in a separate process. */
export const startServeProcess = (data: string, ...options: readonly string[]): Promise<ServeProcess> =>
  startModelServeProcess("churn", data, ...options);

/** The same for one of the models. */
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
  const stderr: string[] = [];
  child.stderr?.setEncoding("utf8").on("data", (text: string) => stderr.push(text));
  let url = "";
  for await (const line of createInterface({ input: child.stdout })) {
    url = /https?:\/\/[\d.]+:\d+/.exec(line)?.[0] ?? "";
    if (url !== "") break;
  }
  if (url === "") throw new Error(`slipway serve did not start: ${stderr.join("")}`);
  child.stdout?.resume();
  return {
    child,
    url,
    port: Number(new URL(url).port),
    peakMb() {
      const bytes = readPeakBytes(child.pid ?? 0);
      return bytes === undefined ? undefined : bytes / 1_024 / 1_024;
    },
    children: () => listChildren(child.pid ?? 0),
    async stop() {
      const closed = once(child, "close");
      child.kill("SIGKILL");
      await closed;
    },
  };
};
