import { rmSync } from "node:fs";

const folders = new Set<string>();
let isListening = false;

/**
 * Removes a folder when the process ends before its work does, for instance by Ctrl-C. Not at a SIGKILL, and not where a
 * signal ends the process without `process.exit`.
 * @returns call it when the folder is removed or has its place
 */
export const removeAtExit = (folder: string): (() => void) => {
  if (!isListening)
    process.once("exit", () => {
      for (const each of folders) rmSync(each, { recursive: true, force: true });
    });
  isListening = true;
  folders.add(folder);
  return () => void folders.delete(folder);
};
