import { readdirSync, readFileSync } from "node:fs";

export type TreeMemory = {
  /** Resident memory of all processes, summed: pages that they share count for each. Bytes. */
  readonly totalBytes: number;
  /** Proportional set size of all: shared pages count once. Bytes. */
  readonly proportionalBytes: number;
  readonly processes: number;
  /** The largest inference worker; 0 where none runs. Bytes. */
  readonly largestWorkerBytes: number;
};

const kilobytes = (text: string, field: string) =>
  1_024 * Number(text.match(new RegExp(`^${field}:\\s+(\\d+) kB`, "m"))?.[1] ?? 0);

const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process ended between listing and reading.
    return "";
  }
};

/** Memory of a process and of all that descend from it, by Linux' /proc; undefined where there is none. */
export const measureTreeMemory = (root: number): TreeMemory | undefined => {
  const pids = readPids();
  if (!pids) return undefined;
  const parents = new Map(
    pids.map((pid) => [pid, Number(read(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ")[1] ?? 0)]),
  );
  const isOurs = (pid: number): boolean => {
    for (let at = pid; at > 1; at = parents.get(at) ?? 0) if (at === root) return true;
    return false;
  };
  const ours = pids.filter(isOurs).map((pid) => ({
    resident: kilobytes(read(`/proc/${pid}/status`), "VmRSS"),
    proportional: kilobytes(read(`/proc/${pid}/smaps_rollup`), "Pss"),
    worker: read(`/proc/${pid}/cmdline`).includes("worlds/embedded/functions/worker.mjs"),
  }));
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    totalBytes: sum(ours.map(({ resident }) => resident)),
    proportionalBytes: sum(ours.map(({ proportional }) => proportional)),
    processes: ours.length,
    largestWorkerBytes: Math.max(0, ...ours.filter(({ worker }) => worker).map(({ resident }) => resident)),
  };
};

const readPids = (): readonly number[] | undefined => {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return undefined;
  }
};
