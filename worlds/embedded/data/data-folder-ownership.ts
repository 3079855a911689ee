import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { toDataFolderError } from "#platform/store/data-folder-unusable.ts";
import { isLocked, lockFile } from "#platform/store/lock-file.ts";
import type { DataFolder } from "./data-folder.ts";

/** Who owns a data folder; `url`: where it answers, once it does. */
const Owner = z.object({
  pid: z.int().positive(),
  command: z.string(),
  since: z.iso.datetime(),
  url: z.url().optional(),
  /** Where its models answer. */
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

/** The rehearsal that runs on a data folder; undefined where none does, or not yet. */
export const findRunningWorld = (folder: DataFolder): RunningWorld | undefined => {
  // What is written there may be of a process that was killed: whether one runs, the lock alone knows.
  if (!existsSync(folder.lock) || !isLocked(folder.lock)) return undefined;
  const { pid, command, url, modelsUrl = url } = readOwner(folder) ?? {};
  return pid !== undefined && url !== undefined && modelsUrl !== undefined && command === "rehearse"
    ? { pid, url, modelsUrl }
    : undefined;
};

export type Ownership = {
  /** Tells other processes where this one answers, and where its models do. */
  readonly announce: (url: string, modelsUrl?: string) => void;
  /** Gives the folder back; a second call does nothing. */
  readonly release: () => void;
};

/**
 * Makes this process the one owner of a data folder, which is there: of two that start at once one gets it. Throws
 * AlreadyRunning that says who has it and since when; DataFolderUnusable where the folder cannot be written.
 * `now`: epoch milliseconds.
 */
export const acquireDataFolder = (
  folder: DataFolder,
  { command, now }: { readonly command: string; readonly now: number },
): Ownership => {
  // The folder may have been there with rights for all: what this process and those that it starts write is its user's.
  process.umask(0o077);
  const unlock = lockFile(folder.lock);
  if (!unlock) {
    const owner = readOwner(folder);
    const who = owner
      ? ` (slipway ${owner.command}, process ${owner.pid}, since ${owner.since}${owner.url === undefined ? "" : `, ${owner.url}`})`
      : "";
    throw new AlreadyRunning(
      `a process runs on ${folder.root} already${who}: stop it, or choose another folder with --data.`,
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
