import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

/** Empty for a process that has ended. */
const readStatus = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "";
  }
};

/** Resident megabytes of a process, from /proc on Linux and from ps elsewhere; 0 if unknown. */
const readResidentMb = async (pid: number): Promise<number> => {
  if (process.platform === "linux") {
    // The kernel answers from memory; a read by Node's thread pool takes ten times the processor time.
    return Number(readStatus(pid).match(/^VmRSS:\s+(\d+) kB$/m)?.[1] ?? 0) / 1_024;
  }
  const output = await promisify(execFile)("/bin/ps", ["-o", "rss=", "-p", String(pid)]).catch(
    () => undefined,
  );
  return Number(output?.stdout.trim() ?? 0) / 1_024;
};

/** The smallest memory limit for a process that runs models: Node and onnxruntime alone need 150 MB. */
export const minResidentMb = 512;

/** Without /proc, each reading starts a process. */
const watchMs = process.platform === "linux" ? 50 : 500;

/**
 * Polls a process's resident memory, which includes native memory, and calls `onExceeded` once if it is above `limitMb`.
 * Returns a function that ends the watch. The first reading comes after `everyMs`, so a short process costs none.
 */
export const watchMemory = (
  {
    pid,
    limitMb,
    everyMs = watchMs,
  }: { readonly pid: number | undefined; readonly limitMb: number; readonly everyMs?: number },
  onExceeded: () => void,
): (() => void) => {
  let stopped = pid === undefined;
  let timer: NodeJS.Timeout | undefined;
  const check = async (watchedPid: number): Promise<void> => {
    const isExceeded = (await readResidentMb(watchedPid)) > limitMb;
    if (stopped) return;
    if (isExceeded) {
      stopped = true;
      onExceeded();
    } else scheduleCheck(watchedPid);
  };
  const scheduleCheck = (watchedPid: number): void => {
    timer = setTimeout(() => void check(watchedPid), everyMs);
  };
  if (pid !== undefined) scheduleCheck(pid);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
};
