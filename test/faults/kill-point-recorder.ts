import { copyFileSync, cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type DataFolder, resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import type { Instrument } from "#worlds/embedded/world.ts";

/** A moment of a rehearsal, and the data folder that a SIGKILL at that moment would leave. */
export type KillPoint = { readonly moment: string; readonly folder: DataFolder };

/** Copies a data folder's state. The copy shares repository and images, because these tests never write them. */
export const copyDataFolder = (from: DataFolder, root: string): DataFolder => {
  mkdirSync(root, { recursive: true });
  const to = { ...resolveDataFolder(root), repository: from.repository, images: from.images };
  for (const [source, target] of [
    [from.database, to.database],
    [`${from.database}-wal`, `${to.database}-wal`],
    [from.desk, to.desk],
    [`${from.desk}-wal`, `${to.desk}-wal`],
    [from.secrets, to.secrets],
    [from.cipherKey, to.cipherKey],
    [from.signerKey, to.signerKey],
  ] as const)
    if (existsSync(source)) copyFileSync(source, target);
  if (existsSync(from.blobs)) cpSync(from.blobs, to.blobs, { recursive: true });
  return to;
};

/**
 * Kills a rehearsal before and after every call of a capability, without ending it: after a SIGKILL only the disk
 * remains, so a copy of the data folder at that moment is what the next start would find.
 * (This one process writes everything durable synchronously, so a copy never contains half a write; SQLite's
 * log is copied with its file. sigkill.test.ts covers half-written files with real processes.)
 *
 * Moments without a durable change between them are the same kill: SQLite counts the commits of others
 * (`PRAGMA data_version`, https://sqlite.org/pragma.html#pragma_data_version), and only a moment at which that count
 * has changed is a kill point. So the hundreds of reads inside one state count once, and "after call i" is "before
 * call i+1" unless something was written between the two.
 */
export const createKillPointRecorder = (live: DataFolder, into: string) => {
  const points: KillPoint[] = [];
  const watchers: DatabaseSync[] = [];
  let state = "before the first state";
  let calls = 0;
  let lastVersions = "";
  let isRecording = false;

  const look = (moment: string): void => {
    if (!isRecording) return;
    const versions = watchers.map((watcher) => watcher.prepare("PRAGMA data_version").get()?.data_version);
    if (versions.join() === lastVersions) return;
    lastVersions = versions.join();
    const name = `${points.length}: ${state}, ${moment}`;
    points.push({ moment: name, folder: copyDataFolder(live, join(into, String(points.length))) });
  };

  const instrument: Instrument = (name, capability) =>
    new Proxy(capability, {
      get: (target, key, receiver) => {
        const method: unknown = Reflect.get(target, key, receiver);
        if (typeof method !== "function") return method;
        return (...args: unknown[]) => {
          const call = `call ${++calls} (${name}.${String(key)})`;
          look(`before ${call}`);
          const result: unknown = Reflect.apply(method, target, args);
          if (!(result instanceof Promise)) {
            look(`after ${call}`);
            return result;
          }
          return result.finally(() => look(`after ${call}`));
        };
      },
    });

  return {
    points: points as readonly KillPoint[],
    instrument,
    /** Starts the recording. */
    begin: () => {
      for (const path of [live.database, live.desk])
        watchers.push(new DatabaseSync(path, { readOnly: true }));
      isRecording = true;
      look("before any call");
    },
    /** The engine has stored that it entered or left a state: this is a moment, too. */
    entered: (name: string, status: string) => {
      state = name;
      look(status);
    },
    end: () => {
      look("at the end");
      isRecording = false;
      for (const watcher of watchers.splice(0)) watcher.close();
    },
    calls: () => calls,
  };
};
export type KillPointRecorder = ReturnType<typeof createKillPointRecorder>;
