import { readdirSync, readFileSync } from "node:fs";

export type Used = {
  /** The most resident memory that each of the processes ever had, together; bytes. */
  readonly peakBytes: number;
  /** Processor time of all of them so far, milliseconds. */
  readonly cpuMs: number;
};

/** Linux counts in hundredths of a second wherever Node runs (sysconf(_SC_CLK_TCK)). */
const tickMs = 10;

const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process ended between listing and reading.
    return "";
  }
};

const pids = (): readonly number[] | undefined => {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return undefined;
  }
};

/** What a process and those below it use, by Linux' /proc; undefined where there is none. */
export const processTree = (root: number): Used | undefined => {
  const all = pids();
  if (!all) return undefined;
  // After the command's name, which may hold spaces: state, parent, … and as the 12th and 13th user and system time.
  const stats = new Map(
    all.map((pid) => [pid, read(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? []]),
  );
  const isOurs = (pid: number): boolean => {
    for (let at = pid; at > 1; at = Number(stats.get(at)?.[1] ?? 0)) if (at === root) return true;
    return false;
  };
  let peakBytes = 0;
  let cpuMs = 0;
  for (const pid of all.filter(isOurs)) {
    const peak = read(`/proc/${pid}/status`).match(/^VmHWM:\s+(\d+) kB/m)?.[1] ?? 0;
    const [user = 0, system = 0] = stats.get(pid)?.slice(11, 13).map(Number) ?? [];
    peakBytes += Number(peak) * 1_024;
    cpuMs += (user + system) * tickMs;
  }
  return { peakBytes, cpuMs };
};
