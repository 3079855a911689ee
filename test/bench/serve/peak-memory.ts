import { readdirSync, readFileSync } from "node:fs";

const field = (text: string, name: string) =>
  Number(text.match(new RegExp(`^${name}:\\s+(\\d+)`, "m"))?.[1] ?? 0);

const status = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "";
  }
};

/** The most resident memory that a process and those below it ever had, bytes; undefined without Linux' /proc. */
export const peakMemory = (root: number): number | undefined => {
  let pids: readonly string[];
  try {
    pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return undefined;
  }
  const all = new Map(pids.map((pid) => [Number(pid), status(pid)]));
  const isOurs = (pid: number): boolean => {
    for (let at = pid; at > 1; at = field(all.get(at) ?? "", "PPid")) if (at === root) return true;
    return false;
  };
  return [...all].reduce((sum, [pid, text]) => sum + (isOurs(pid) ? field(text, "VmHWM") * 1_024 : 0), 0);
};
