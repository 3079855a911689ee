import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { z } from "zod";
import type { DataFolder } from "./data-folder.ts";

const Running = z.object({ pid: z.int().positive(), url: z.url() });
export type Running = z.infer<typeof Running>;

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (fault) {
    // EPERM: it is there, and another user's.
    return fault instanceof Error && "code" in fault && fault.code === "EPERM";
  }
};

/** The rehearsal that runs on a data folder; undefined where none does (or it was killed). */
export const runningOn = (folder: DataFolder): Running | undefined => {
  try {
    const running = Running.parse(JSON.parse(readFileSync(folder.running, "utf8")));
    return alive(running.pid) ? running : undefined;
  } catch {
    return undefined;
  }
};

/** Says that this process runs on the folder, until the returned function is called. */
export const announceRunning = (folder: DataFolder, running: Running): (() => void) => {
  writeFileSync(folder.running, JSON.stringify(running), { mode: 0o600 });
  return () => rmSync(folder.running, { force: true });
};
