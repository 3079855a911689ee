import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** Resident megabytes of a process: from /proc on Linux, else as ps tells; 0 where neither says. */
const readResidentMb = async (pid: number): Promise<number> => {
  if (process.platform === "linux") {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    return Number(status.match(/^VmRSS:\s+(\d+) kB$/m)?.[1] ?? 0) / 1_024;
  }
  const told = await promisify(execFile)("/bin/ps", ["-o", "rss=", "-p", String(pid)]).catch(() => undefined);
  return Number(told?.stdout.trim() ?? 0) / 1_024;
};

/** The least that a process which runs models may take: Node and onnxruntime alone take 150 MB. */
export const minResidentMb = 512;

/** Without /proc a process is started for each look. */
const watchMs = process.platform === "linux" ? 50 : 500;

/**
 * Looks at a process's resident memory, native memory with it, again and again; calls `exceeded` once, where it is more
 * than `limitMb`. Gives what ends the watch. The first look comes after `everyMs`: what ends before costs none.
 */
export const watchMemory = (
  {
    pid,
    limitMb,
    everyMs = watchMs,
  }: { readonly pid: number | undefined; readonly limitMb: number; readonly everyMs?: number },
  exceeded: () => void,
): (() => void) => {
  let over = pid === undefined;
  let timer: NodeJS.Timeout | undefined;
  const look = async (of: number): Promise<void> => {
    const isExceeded = (await readResidentMb(of)) > limitMb;
    if (over) return;
    if (isExceeded) {
      over = true;
      exceeded();
    } else lookLater(of);
  };
  const lookLater = (of: number): void => {
    timer = setTimeout(() => void look(of), everyMs);
  };
  if (pid !== undefined) lookLater(pid);
  return () => {
    over = true;
    clearTimeout(timer);
  };
};
