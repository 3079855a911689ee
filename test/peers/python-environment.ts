import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { peer } from "../peer.ts";

const run = promisify(execFile);
const python = process.env.PYTHON ?? "python3";
const requirements = fileURLToPath(new URL("requirements.txt", import.meta.url));

/** Where the interpreter lies and which it is: an environment made with one does not run with another. */
const identify = (): string | undefined => {
  const { status, stdout } = spawnSync(
    python,
    ["-c", "import ensurepip, sys, venv; print(sys.version, sys.base_prefix)"],
    { encoding: "utf8" },
  );
  return status === 0 ? stdout.trim() : undefined;
};

/** Whether tests that need Python's packages are skipped (see `peer`). */
export const pythonPeer = (tests: string): { readonly skip: boolean } =>
  peer(
    tests,
    identify() === undefined
      ? `${python} with venv does not run here (set PYTHON, or apt-get install python3-venv)`
      : undefined,
  );

/** For a file that names all packages there are: nothing else is looked for, and nothing compiled that is never loaded. */
export const complete: readonly string[] = ["--no-deps", "--no-compile"];

/**
 * The interpreter of a virtual environment that holds `requirementsFile` (default: test/peers/requirements.txt),
 * installed with pip's `options`.
 * It is made once per content of that file and interpreter, in the user's cache (`SLIPWAY_PEERS`, else
 * `XDG_CACHE_HOME`, else ~/.cache): built beside its place and renamed into it, so that nobody ever runs half of one.
 * It is started as `python -m` or with a script: the scripts in its `bin` name the folder it was built in.
 */
export const pythonEnvironment = async (
  requirementsFile = requirements,
  options: readonly string[] = [],
): Promise<{ readonly python: string }> => {
  const identity = identify();
  if (identity === undefined) throw new Error(`${python} with venv does not run here.`);
  const hash = createHash("sha256")
    .update([identity, ...options].join(" "))
    .update(await readFile(requirementsFile));
  const cache =
    process.env.SLIPWAY_PEERS ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "slipway-peers");
  const folder = join(cache, hash.digest("hex").slice(0, 16));
  const made = { python: join(folder, "bin", "python") };
  if (existsSync(made.python)) return made;

  await mkdir(cache, { recursive: true });
  const building = await mkdtemp(`${folder}.`);
  try {
    await run(python, ["-m", "venv", building]);
    const install = [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      ...options,
      "-r",
      requirementsFile,
    ];
    await run(join(building, "bin", "python"), install);
    // Another process may have been first: its environment is as good, and ours is taken away.
    await rename(building, folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return made;
};
