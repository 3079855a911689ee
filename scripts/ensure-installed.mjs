// Installs what package-lock.json names where it is missing, and nothing else. Runs on Node 20, before anything is installed.
import { spawnSync } from "node:child_process";
import { lstatSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
/** Node 24, as npm installs it. */
export const nodePath = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));
/** Where Node keeps compiled code between starts, types stripped: it halves the time to load ours. */
export const compileCache = fileURLToPath(new URL("../node_modules/.cache/slipway", import.meta.url));

const readPackages = (file) => {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined;
  }
};

/** Every package of the lock file is there in that very version; what is optional may be for another platform. */
const isComplete = (folder) => {
  const wanted = readPackages(`${folder}package-lock.json`);
  const there = readPackages(`${folder}node_modules/.package-lock.json`);
  if (!wanted || !there) return false;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === "" || optional || there[path]?.version === version,
  );
};

/** `folder`: the repository's root, or one in it with a lock file of its own, each with a slash at its end. */
export const ensureInstalled = (folder = root) => {
  if (isComplete(folder)) return;
  const there = `${folder}node_modules`;
  if (lstatSync(there, { throwIfNoEntry: false })?.isSymbolicLink()) {
    // npm would empty the folder behind the link, for everybody who uses it.
    console.error(
      `${there} is a link to packages that are not those of package-lock.json: npm ci where it leads.`,
    );
    process.exit(3);
  }
  const whose = folder === root ? "Slipway's packages" : "Terraform's packages, 480 MB of them";
  console.error(`Installing ${whose} (once; a minute or less where the registry is near) …`);
  const npm = process.env.npm_execpath;
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  // onnxruntime-node's own word for its install script (scripts/install-scripts.test.ts), whatever npm makes of it.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" };
  const options = { cwd: folder, env, stdio: ["ignore", 2, 2] };
  const { status } = npm
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync("npm", args, options);
  if (status !== 0) {
    console.error("The packages could not be installed: see npm's words above, then start again.");
    process.exit(3);
  }
};
