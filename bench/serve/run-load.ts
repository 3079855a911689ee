import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { measureTreeUsage, resetPeaks } from "#test/support/process-tree.ts";
import { endWithProcess } from "./end-with-process.ts";

const generator = fileURLToPath(new URL("load.mjs", import.meta.url));

export type LoadOptions = {
  readonly url: string;
  /** Sent in turn. */
  readonly bodies: readonly string[];
  readonly connections: number;
} & ({ readonly seconds: number } | { readonly requests: number });

export type LoadResult = {
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly maxMs: number;
  readonly answered: number;
  readonly failed: number;
  /** Processor time of the server for each response; undefined where there is no /proc. */
  readonly cpuMs: number | undefined;
  /** The most resident memory of the server's processes meanwhile, summed; undefined where there is no /proc. */
  readonly peakBytes: number | undefined;
  /** The share of its processor that the load generator used, 0 to 1: near 1 it limits the figures, not the server. */
  readonly generatorShare: number;
};

/** Puts load on a server (process `pid`) from a separate process; `wrap` is a command prefix. */
export const runLoad = async (
  load: LoadOptions,
  pid: number,
  wrap: readonly string[],
): Promise<LoadResult> => {
  resetPeaks(pid);
  const before = measureTreeUsage(pid);
  const [command = process.execPath, ...args] = [...wrap, process.execPath, generator];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const forget = endWithProcess(() => child.kill());
  child.stdin.end(JSON.stringify(load));
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  forget();
  if (code !== 0) throw new Error(`the load generator ended with ${code}`);
  const after = measureTreeUsage(pid);
  const measured: Omit<LoadResult, "cpuMs" | "peakBytes"> = JSON.parse(printed);
  if (measured.failed > 0 || measured.answered === 0)
    throw new Error(`requests to ${load.url}: ${measured.failed} failed, ${measured.answered} succeeded`);
  return {
    ...measured,
    cpuMs: before && after && (after.cpuMs - before.cpuMs) / measured.answered,
    peakBytes: after?.peakBytes,
  };
};
