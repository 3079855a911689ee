import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Where builds are kept, each in a folder of its own: a process that runs loads files of its build late. */
export const serveBundleCache = join(root, "node_modules", ".cache", "slipway", "serve");
const latestFile = join(serveBundleCache, "latest.json");

/** Size and time of a file's last change: a file of which both are the same is taken as unchanged. */
const FileState = z.tuple([z.number(), z.number()]);
/** What the last build was made of, by path from the root. */
const LatestBuild = z.object({
  root: z.string(),
  node: z.string(),
  folder: z.string(),
  inputs: z.record(z.string(), FileState),
});
type LatestBuild = z.infer<typeof LatestBuild>;

const readState = (path: string): z.infer<typeof FileState> | undefined => {
  const stat = statSync(join(root, path), { throwIfNoEntry: false });
  return stat && [stat.size, stat.mtimeMs];
};

/** Describes a build for `latest.json`. */
export const describeBuild = (folder: string, inputs: readonly string[]): LatestBuild => ({
  root,
  node: process.version,
  folder,
  inputs: Object.fromEntries(
    inputs.flatMap((path) => {
      const state = readState(path);
      return state ? [[path, state] as const] : [];
    }),
  ),
});

/** Whether a build is that of this installation and Node, and nothing that it was made of has changed. */
export const isFreshBuild = (build: LatestBuild): boolean =>
  // A copied installation has the paths of the first one in its files.
  build.root === root &&
  build.node === process.version &&
  statSync(build.folder, { throwIfNoEntry: false }) !== undefined &&
  Object.entries(build.inputs).every(([path, [size, changedAt]]) => {
    const state = readState(path);
    return state?.[0] === size && state[1] === changedAt;
  });

const findFreshFolder = (): string | undefined => {
  try {
    const build = LatestBuild.parse(JSON.parse(readFileSync(latestFile, "utf8")));
    return isFreshBuild(build) ? build.folder : undefined;
  } catch {
    return undefined;
  }
};

/** In a process of its own: esbuild's would stay a child of the process that becomes the server. */
const runBuild = async (): Promise<void> => {
  const program = fileURLToPath(new URL("serve-bundle-process.ts", import.meta.url));
  await once(spawn(process.execPath, [program, latestFile], { stdio: "ignore" }), "close");
};

/**
 * The programs of `slipway serve` as one bundle in the installation's cache; it is built again when a source has changed.
 * From the sources, each of their 500 modules costs 30 to 80 KB of memory in each process, and stripping their types 20 MB.
 * @returns the path of the program that serves; undefined where the bundle cannot be built, as in an installation that is
 * read only
 */
export const openServeBundle = async (): Promise<string | undefined> => {
  if (findFreshFolder() === undefined) await runBuild().catch(() => undefined);
  const folder = findFreshFolder();
  return folder && join(folder, "serve-process.mjs");
};
