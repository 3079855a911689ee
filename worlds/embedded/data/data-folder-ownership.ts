import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import * as z from "zod";
import { toDataFolderError } from "#platform/errors/data-folder-unusable.ts";
import { isLocked, lockFile } from "#platform/store/lock-file.ts";
import type { DataFolder } from "./data-folder.ts";

/** The process that owns a data folder; `url`: set once it listens. */
const Owner = z.object({
  pid: z.int().positive(),
  command: z.string(),
  since: z.iso.datetime(),
  url: z.url().optional(),
  /** URL of its models. */
  modelsUrl: z.url().optional(),
});
type Owner = z.infer<typeof Owner>;

/** Another process owns the data folder. */
export class AlreadyRunning extends Error {
  override readonly name = "AlreadyRunning";
}

const readOwner = ({ running }: DataFolder): Owner | undefined => {
  try {
    return Owner.parse(JSON.parse(readFileSync(running, "utf8")));
  } catch {
    return undefined;
  }
};

const writeOwner = ({ running }: DataFolder, owner: Owner): void => {
  writeFileSync(`${running}.new`, JSON.stringify(owner), { mode: 0o600 });
  renameSync(`${running}.new`, running);
};

type RunningWorld = { readonly pid: number; readonly url: string; readonly modelsUrl: string };

/** Finds the rehearsal that runs on a data folder; undefined: none, or it does not listen yet. */
export const findRunningWorld = (folder: DataFolder): RunningWorld | undefined => {
  // running.json may be of a killed process; only the lock shows whether one runs.
  if (!existsSync(folder.lock) || !isLocked(folder.lock)) return undefined;
  const { pid, command, url, modelsUrl = url } = readOwner(folder) ?? {};
  return pid !== undefined && url !== undefined && modelsUrl !== undefined && command === "rehearse"
    ? { pid, url, modelsUrl }
    : undefined;
};

export type Ownership = {
  /** Writes this process's URLs for other processes. */
  readonly announce: (url: string, modelsUrl?: string) => void;
  /** Releases the folder; a second call does nothing. */
  readonly release: () => void;
};

/**
 * Makes this process the only owner of an existing data folder; of two processes that start at once, one gets it. Throws
 * AlreadyRunning, which names the owner and its start; DataFolderUnusable where the folder is not writable.
 * `now`: epoch milliseconds.
 */
export const acquireDataFolder = (
  folder: DataFolder,
  { command, now }: { readonly command: string; readonly now: number },
): Ownership => {
  // The folder may be open to all users, but files that this process and its children write are its user's alone.
  process.umask(0o077);
  const unlock = lockFile(folder.lock);
  if (!unlock) {
    const owner = readOwner(folder);
    const ownerText = owner
      ? ` (slipway ${owner.command}, process ${owner.pid}, since ${owner.since}${owner.url === undefined ? "" : `, ${owner.url}`})`
      : "";
    throw new AlreadyRunning(
      `${folder.root} is in use${ownerText}: stop that process, or choose another folder with --data.`,
    );
  }
  const owner = { pid: process.pid, command, since: new Date(now).toISOString() };
  const write = (content: Owner) => {
    try {
      writeOwner(folder, content);
    } catch (error) {
      throw toDataFolderError(folder.root, error);
    }
  };
  try {
    write(owner);
  } catch (error) {
    unlock();
    throw error;
  }
  let released = false;
  return {
    announce: (url, modelsUrl = url) => write({ ...owner, url, modelsUrl }),
    release: () => {
      if (released) return;
      released = true;
      rmSync(folder.running, { force: true });
      unlock();
    },
  };
};
