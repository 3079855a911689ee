import { readdirSync, readFileSync, writeFileSync } from "node:fs";

type ResourceUsage = {
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

const listPids = (): readonly number[] | undefined => {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return undefined;
  }
};

/** `stat` of each process: after the command's name, which may hold spaces, state, parent, … (proc(5)). */
const readStats = (all: readonly number[]) =>
  new Map(all.map((pid) => [pid, read(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? []]));

/** Those of all processes that are the root or below it. */
const findDescendants = (root: number, stats: ReturnType<typeof readStats>): readonly number[] => {
  const isOurs = (pid: number): boolean => {
    for (let at = pid; at > 1; at = Number(stats.get(at)?.[1] ?? 0)) if (at === root) return true;
    return false;
  };
  return [...stats.keys()].filter(isOurs);
};

/** What a process and those below it use, by Linux' /proc; undefined where there is none. */
export const measureProcessTree = (root: number): ResourceUsage | undefined => {
  const all = listPids();
  if (!all) return undefined;
  const stats = readStats(all);
  let peakBytes = 0;
  let cpuMs = 0;
  for (const pid of findDescendants(root, stats)) {
    const peak = read(`/proc/${pid}/status`).match(/^VmHWM:\s+(\d+) kB/m)?.[1] ?? 0;
    // The 12th and 13th: user and system time.
    const [user = 0, system = 0] = stats.get(pid)?.slice(11, 13).map(Number) ?? [];
    peakBytes += Number(peak) * 1_024;
    cpuMs += (user + system) * tickMs;
  }
  return { peakBytes, cpuMs };
};

/** Begins the peaks of a process and of those below it anew. https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html */
export const resetPeaks = (root: number): void => {
  for (const pid of findDescendants(root, readStats(listPids() ?? [])))
    try {
      writeFileSync(`/proc/${pid}/clear_refs`, "5");
    } catch {
      // The process ended between listing and writing.
    }
};
