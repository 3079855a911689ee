/** Reads processes from Linux's /proc (proc(5)). */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

type ProcessStat = {
  readonly pid: number;
  /** One letter; Z and X are processes that have ended. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  /** User and system time so far, milliseconds. */
  readonly cpuMs: number;
};

/** Linux counts in hundredths of a second wherever Node runs (sysconf(_SC_CLK_TCK)). */
const tickMs = 10;

/** The inference worker of the embedded world, as it appears in a command line. */
const workerProgram = "worlds/embedded/functions/worker.mjs";

/** Empty where the process has ended, or where there is no /proc. */
const readProcFile = (pid: number, name: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
};

/** A field of `status` or `smaps_rollup`, in bytes; undefined where it is missing. */
const readBytes = (text: string, field: string): number | undefined => {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1];
  return kilobytes === undefined ? undefined : 1_024 * Number(kilobytes);
};

const readStat = (pid: number): ProcessStat | undefined => {
  const text = readProcFile(pid, "stat");
  if (text === "") return undefined;
  // The command's name is in parentheses and may hold anything, so fields are counted from the last one.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    pid,
    state: fields[0] ?? "",
    parent: Number(fields[1]),
    group: Number(fields[2]),
    cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs,
  };
};

const listProcesses = (): readonly ProcessStat[] | undefined => {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => readStat(Number(name)) ?? []);
  } catch {
    return undefined;
  }
};

/** A process and its descendants; undefined without /proc. */
const listTree = (root: number): readonly ProcessStat[] | undefined => {
  const all = listProcesses();
  if (!all) return undefined;
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]));
  const isInTree = (pid: number): boolean => {
    for (let at = pid; at > 1; at = parents.get(at) ?? 0) if (at === root) return true;
    return false;
  };
  return all.filter(({ pid }) => isInTree(pid));
};

const hasEnded = ({ state }: ProcessStat): boolean => state === "Z" || state === "X";
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Process ids of all descendants of a process, or of those that run a program; empty without /proc. */
export const listDescendants = (root: number, program = ""): readonly number[] =>
  (listTree(root) ?? [])
    .map(({ pid }) => pid)
    .filter((pid) => pid !== root && readProcFile(pid, "cmdline").includes(program));

/** Process ids of a process's children; undefined without /proc. */
export const listChildren = (parent: number): readonly number[] | undefined =>
  listProcesses()
    ?.filter((process) => process.parent === parent)
    .map(({ pid }) => pid);

/** The live processes of a group with their command lines. Throws where there is no /proc. */
export const listGroupProcesses = (group: number): { readonly pid: number; readonly command: string }[] => {
  const all = listProcesses();
  if (!all) throw new Error("the processes of a group cannot be listed: there is no /proc");
  return all
    .filter((process) => process.group === group && !hasEnded(process))
    .map(({ pid }) => ({ pid, command: readProcFile(pid, "cmdline").replaceAll("\0", " ").trim() }));
};

/** Resolves when the whole group has ended; rejects with the processes that still live after `timeoutMs`. */
export const waitForGroupExit = async (group: number, timeoutMs = 120_000): Promise<void> => {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const alive = listGroupProcesses(group);
    if (alive.length === 0) return;
    if (Date.now() > deadline)
      throw new Error(`still alive: ${alive.map(({ pid, command }) => `${pid} ${command}`).join("; ")}`);
    // The kernel notifies only the parent of a process's end, so this has to poll.
    await pause(50);
  }
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A zombie whose parent has ended waits for init to collect it.
  const stat = readStat(pid);
  return stat !== undefined && !hasEnded(stat);
};

/** Waits until all have ended, at most 120 s; returns those that still live. */
export const waitForExits = async (pids: readonly number[]): Promise<readonly number[]> => {
  for (let waited = 0; waited < 120_000 && pids.some(isAlive); waited += 50) await pause(50);
  return pids.filter(isAlive);
};

/** The most resident memory that a process ever had, bytes; undefined where there is no /proc. */
export const readPeakBytes = (pid: number): number | undefined =>
  readBytes(readProcFile(pid, "status"), "VmHWM");

export type ProcessMemory = {
  readonly pid: number;
  /** The program's file without its folder and ending: "serve-process". */
  readonly program: string;
  /** Bytes; `fileBytes` is the part of them that comes from files, above all Node's own, which all processes share. */
  readonly residentBytes: number;
  readonly fileBytes: number;
  /** Pages that several processes share, also those of others, count in parts. Bytes. */
  readonly proportionalBytes: number;
};

const readProgram = (pid: number): string => {
  const words = readProcFile(pid, "cmdline").split("\0");
  return (words.slice(1).find((word) => /\.m?[jt]s$/.test(word)) ?? words[0] ?? "").replace(
    /^.*\/|\.m?[jt]s$/g,
    "",
  );
};

/** Memory of a process and of each of its descendants; undefined without /proc. */
export const listTreeMemory = (root: number): readonly ProcessMemory[] | undefined =>
  listTree(root)?.map(({ pid }) => {
    const status = readProcFile(pid, "status");
    return {
      pid,
      program: readProgram(pid),
      residentBytes: readBytes(status, "VmRSS") ?? 0,
      fileBytes: readBytes(status, "RssFile") ?? 0,
      proportionalBytes: readBytes(readProcFile(pid, "smaps_rollup"), "Pss") ?? 0,
    };
  });

export type TreeMemory = {
  /** Resident memory of all processes, summed: pages that they share count for each. Bytes. */
  readonly totalBytes: number;
  /** Proportional set size of all: shared pages count once. Bytes. */
  readonly proportionalBytes: number;
  readonly processes: number;
  /** The largest inference worker; 0 where none runs. Bytes. */
  readonly largestWorkerBytes: number;
};

/** Memory of a process and its descendants; undefined without /proc. */
export const measureTreeMemory = (root: number): TreeMemory | undefined => {
  const measured = listTree(root)?.map(({ pid }) => ({
    resident: readBytes(readProcFile(pid, "status"), "VmRSS") ?? 0,
    proportional: readBytes(readProcFile(pid, "smaps_rollup"), "Pss") ?? 0,
    isWorker: readProcFile(pid, "cmdline").includes(workerProgram),
  }));
  if (!measured) return undefined;
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    totalBytes: sum(measured.map(({ resident }) => resident)),
    proportionalBytes: sum(measured.map(({ proportional }) => proportional)),
    processes: measured.length,
    largestWorkerBytes: Math.max(
      0,
      ...measured.filter(({ isWorker }) => isWorker).map(({ resident }) => resident),
    ),
  };
};

export type TreeUsage = {
  /** The most resident memory that each of the processes ever had, summed; bytes. */
  readonly peakBytes: number;
  /** Processor time of all of them so far, milliseconds. */
  readonly cpuMs: number;
};

/** Peak memory and processor time of a process and its descendants; undefined without /proc. */
export const measureTreeUsage = (root: number): TreeUsage | undefined => {
  const tree = listTree(root);
  if (!tree) return undefined;
  let peakBytes = 0;
  let cpuMs = 0;
  for (const process of tree) {
    peakBytes += readPeakBytes(process.pid) ?? 0;
    cpuMs += process.cpuMs;
  }
  return { peakBytes, cpuMs };
};

/** Restarts the peaks of a process and of its descendants. https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html */
export const resetPeaks = (root: number): void => {
  for (const { pid } of listTree(root) ?? [])
    try {
      writeFileSync(`/proc/${pid}/clear_refs`, "5");
    } catch {
      // The process ended between listing and writing.
    }
};
