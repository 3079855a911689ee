import { execFile, spawnSync } from "node:child_process";
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { requirePeer } from "#test/support/require-peer.ts";
import { cachePeerFolder } from "./cache-peer-folder.ts";

const run = promisify(execFile);
const lock = join(import.meta.dirname, "ric");
const outputLimit = 64 * 1024 * 1024;

/** The package's install script builds its two native libraries from source with these. */
const tools = ["cmake", "make", "g++", "xz", "python3"];

/** Whether tests that need AWS's runtime client are skipped (see `peer`). */
export const requireRuntimeClient = (tests: string): { readonly skip: boolean } => {
  const missing = tools.filter((tool) => spawnSync(tool, ["--version"]).status !== 0);
  const reason =
    process.platform !== "linux"
      ? "AWS's runtime client builds only on Linux"
      : `${missing.join(", ")} is missing (apt-get install cmake g++ make xz-utils python3)`;
  return requirePeer(tests, process.platform !== "linux" || missing.length > 0 ? reason : undefined);
};

/**
 * The main file of AWS's runtime client for Node, `aws-lambda-ric`, as Lambda's base images start it. It is
 * installed once (75 s) from test/peers/ric/package-lock.json, outside of the project's packages, so that users of
 * Slipway do not compile it.
 */
export const installRuntimeClient = async (): Promise<string> => {
  const madeOf = [
    "aws-lambda-ric",
    process.arch,
    await readFile(join(lock, "package.json")),
    await readFile(join(lock, "package-lock.json")),
  ];
  const folder = await cachePeerFolder(madeOf, async (building) => {
    await cp(lock, building, { recursive: true });
    const options = ["--no-audit", "--no-fund", "--ignore-scripts=false"];
    await run("npm", ["ci", ...options], { cwd: building, maxBuffer: outputLimit });
  });
  return join(folder, "node_modules", "aws-lambda-ric", "index.mjs");
};
