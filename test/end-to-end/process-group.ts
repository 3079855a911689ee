import { readdirSync, readFileSync } from "node:fs";

/** The processes of a group that still live (a zombie has ended), by id, with their command lines. Linux' /proc. */
export const listGroupProcesses = (group: number): { readonly pid: number; readonly command: string }[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        // The command's name stands in parentheses and may hold anything: what follows is counted from the last one.
        const [state, , itsGroup] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        if (Number(itsGroup) !== group || state === "Z" || state === "X") return [];
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        return [{ pid: Number(name), command }];
      } catch {
        return [];
      }
    });

/** Resolves once the whole group has ended; rejects with what still lives after `requestTimeoutMs`. */
export const waitForGroupExit = async (group: number, timeoutMs = 120_000): Promise<void> => {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const living = listGroupProcesses(group);
    if (living.length === 0) return;
    if (Date.now() > until)
      throw new Error(`still living: ${living.map(({ pid, command }) => `${pid} ${command}`).join("; ")}`);
    // The kernel tells nobody but the parent that a process has ended: looking again is all there is.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
