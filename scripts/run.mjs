// node scripts/run.mjs <file> [arguments]: installs missing packages, then runs the file on Node 24.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { compileCache, ensureInstalled, nodePath, root } from "./ensure-installed.mjs";

export const run = (file, args) => {
  ensureInstalled();
  const bin = `${root}node_modules/.bin`;
  // A small young generation saves 80 MB in a rehearsal, without a measurable cost.
  const child = spawn(nodePath, ["--max-semi-space-size=4", ...file, ...args], {
    stdio: "inherit",
    env: { NODE_COMPILE_CACHE: compileCache, ...process.env, PATH: `${bin}:${process.env.PATH}` },
  });
  // In a terminal Ctrl-C also reaches the child, so this process only waits for its end.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal ?? "SIGKILL"] ?? 0);
  });
};

if (process.argv[1]?.endsWith("run.mjs")) run([process.argv[2]], process.argv.slice(3));
