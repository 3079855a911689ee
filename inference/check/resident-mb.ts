import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** Resident megabytes of a process: from /proc on Linux, else as ps tells; 0 where neither says. */
export const residentMb = async (pid: number): Promise<number> => {
  if (process.platform === "linux") {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    return Number(status.match(/^VmRSS:\s+(\d+) kB$/m)?.[1] ?? 0) / 1_024;
  }
  const told = await promisify(execFile)("/bin/ps", ["-o", "rss=", "-p", String(pid)]).catch(() => undefined);
  return Number(told?.stdout.trim() ?? 0) / 1_024;
};
