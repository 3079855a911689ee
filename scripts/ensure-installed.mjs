// Installs the packages of package-lock.json if they are missing. Must run on Node 20, before anything is installed.
import { spawnSync } from "node:child_process";
import { lstatSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
/** Node 24, which npm installs as a package. */
export const nodePath = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));
/** Node's cache of compiled code: it halves the time to load ours. */
export const compileCache = fileURLToPath(new URL("../node_modules/.cache/slipway", import.meta.url));

const readPackages = (file) => {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined;
  }
};

/** Every package of the lock file is installed in its version; an optional one may be for another platform. */
const isComplete = (folder) => {
  const locked = readPackages(`${folder}package-lock.json`);
  const installed = readPackages(`${folder}node_modules/.package-lock.json`);
  if (!locked || !installed) return false;
  return Object.entries(locked).every(
    ([path, { version, optional }]) => path === "" || optional || installed[path]?.version === version,
  );
};

/** `folder`: the repository's root or another folder with a lock file, with a trailing slash. */
export const ensureInstalled = (folder = root) => {
  if (isComplete(folder)) return;
  const modules = `${folder}node_modules`;
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) {
    // npm would empty the link's target, which others may use.
    console.error(
      `${modules} links to a folder with other packages than package-lock.json: run npm ci in that folder.`,
    );
    process.exit(3);
  }
  const packages = folder === root ? "Slipway's packages" : "Terraform's packages (480 MB)";
  console.error(`Installing ${packages}, once; this takes about a minute …`);
  const npm = process.env.npm_execpath;
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  // The variable of onnxruntime-node for its install script (scripts/install-scripts.integration.test.ts), with any npm.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" };
  const options = { cwd: folder, env, stdio: ["ignore", 2, 2] };
  const { status } = npm
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync("npm", args, options);
  if (status !== 0) {
    console.error("The packages could not be installed: see npm's output above, then start again.");
    process.exit(3);
  }
};
