import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync } from "node:fs";
import { copyFile, mkdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { removeAtExit } from "#platform/files/remove-at-exit.ts";
import { ClientNotWritten } from "./client-not-written.ts";

const run = promisify(execFile);
const generators = fileURLToPath(new URL("generators", import.meta.url));

export type ClientLanguage = "ts" | "python";
export type Generator = {
  readonly command: string;
  readonly options: readonly string[];
  /** The folder of programs that the generator calls. */
  readonly path: string;
};

/** Installs take a minute on a slow connection. */
const installLimitMs = 600_000;

const lastLines = (error: unknown): string => {
  const { stderr, message }: { stderr?: unknown; message?: unknown } =
    typeof error === "object" && error !== null ? error : {};
  const text = typeof stderr === "string" && stderr.trim() !== "" ? stderr : String(message);
  return text.trim().split("\n").slice(-3).join(" ").slice(0, 500);
};

const createFailure = (installer: string, remedy: string) => (error: unknown) => {
  throw new ClientNotWritten(`${installer} could not install the generator: ${lastLines(error)} ${remedy}`, {
    cause: error,
  });
};

/** A folder of the user's cache, made once for each `key`. A partial folder is never used, and of two writers one wins. */
const cacheFolder = async (
  key: readonly string[],
  make: (folder: string) => Promise<void>,
): Promise<string> => {
  const root = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "slipway", "generators");
  const folder = join(root, createHash("sha256").update(JSON.stringify(key)).digest("hex").slice(0, 16));
  if (existsSync(folder)) return folder;
  await mkdir(root, { recursive: true });
  const building = mkdtempSync(`${folder}.`);
  const keep = removeAtExit(building);
  try {
    await make(building);
    await rename(building, folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
    keep();
  }
  return folder;
};

/** @hey-api/openapi-ts (MIT), by npm from its lock file, which has the hash of each package. No install script runs. */
const openTypeScriptGenerator = async (): Promise<Generator> => {
  const source = join(generators, "typescript");
  const lock = await readFile(join(source, "package-lock.json"), "utf8");
  const folder = await cacheFolder([lock], async (building) => {
    for (const name of ["package.json", "package-lock.json"])
      await copyFile(join(source, name), join(building, name));
    await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
      cwd: building,
      timeout: installLimitMs,
    }).catch(createFailure("npm", "Check the connection to your npm registry, and repeat the command."));
  });
  return {
    command: process.execPath,
    options: [join(folder, "node_modules", "@hey-api", "openapi-ts", "bin", "run.js")],
    path: "",
  };
};

const pythonRemedy =
  "Install Python 3.11 or newer with venv (Debian: apt-get install python3-venv; macOS: brew install python), or name its interpreter in the variable PYTHON, and repeat the command.";

/** openapi-python-client (MIT), by pip from a complete list of versions. */
const openPythonGenerator = async (): Promise<Generator> => {
  const python = process.env.PYTHON ?? "python3";
  const identity = await run(python, [
    "-c",
    "import ensurepip, sys, venv; assert sys.version_info >= (3, 11), sys.version; print(sys.version, sys.base_prefix)",
  ]).catch((error: unknown) => {
    throw new ClientNotWritten(
      `The generator of Python clients does not run with ${python}. ${pythonRemedy}`,
      {
        cause: error,
      },
    );
  });
  const requirements = join(generators, "python", "requirements.txt");
  const list = await readFile(requirements, "utf8");
  // A virtual environment runs only with the interpreter that made it, but scripts in its bin contain its first path.
  const folder = await cacheFolder([identity.stdout, list], async (building) => {
    await run(python, ["-m", "venv", building], { timeout: installLimitMs }).catch(
      createFailure("venv", pythonRemedy),
    );
    const options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
    await run(join(building, "bin", "python"), ["-m", "pip", "install", ...options, "-r", requirements], {
      timeout: installLimitMs,
    }).catch(createFailure("pip", "Check the connection to your package index, and repeat the command."));
  });
  const bin = join(folder, "bin");
  return {
    command: join(bin, "python"),
    options: ["-m", "openapi_python_client"],
    path: `${bin}${delimiter}`,
  };
};

/**
 * The generator of a language, installed once into the user's cache in the versions of its lock file. Throws
 * ClientNotWritten with what to install.
 */
export const openGenerator = (language: ClientLanguage): Promise<Generator> => {
  switch (language) {
    case "ts":
      return openTypeScriptGenerator();
    case "python":
      return openPythonGenerator();
    default:
      return language satisfies never;
  }
};
