import { execFile, spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { requirePeer } from "#test/support/require-peer.ts";
import { cachePeerFolder } from "./cache-peer-folder.ts";

const run = promisify(execFile);
const python = process.env.PYTHON ?? "python3";
const requirements = fileURLToPath(new URL("requirements.txt", import.meta.url));

/** Path and version of the interpreter: an environment runs only with the interpreter that created it. */
const identify = (): string | undefined => {
  const { status, stdout } = spawnSync(
    python,
    ["-c", "import ensurepip, sys, venv; print(sys.version, sys.base_prefix)"],
    { encoding: "utf8" },
  );
  return status === 0 ? stdout.trim() : undefined;
};

/** Whether tests that need Python's packages are skipped (see `peer`). */
export const requirePython = (tests: string): { readonly skip: boolean } =>
  requirePeer(
    tests,
    identify() === undefined
      ? `${python} with venv does not run here (set PYTHON, or apt-get install python3-venv)`
      : undefined,
  );

/** For a file that lists all packages: pip searches no others and compiles none. */
export const completeListOptions: readonly string[] = ["--no-deps", "--no-compile"];

/**
 * The interpreter of a virtual environment for the packages of `requirementsFile` (test/peers/requirements.txt),
 * installed with pip's `options`, built once per content of that file and interpreter. Start it as `python -m` or
 * with a script: the scripts in its `bin` contain the path of the folder where they were built.
 */
export const createPythonEnvironment = async (
  requirementsFile = requirements,
  options: readonly string[] = [],
): Promise<{ readonly python: string }> => {
  const identity = identify();
  if (identity === undefined) throw new Error(`${python} with venv does not run here.`);
  const parts = [[identity, ...options].join(" "), await readFile(requirementsFile)];
  const folder = await cachePeerFolder(parts, async (building) => {
    await run(python, ["-m", "venv", building]);
    const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...options];
    await run(join(building, "bin", "python"), [...install, "-r", requirementsFile]);
  });
  return { python: join(folder, "bin", "python") };
};
