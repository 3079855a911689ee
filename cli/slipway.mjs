#!/usr/bin/env node
// Slipway runs on Node 24, which npm installs in node_modules; an older Node only starts that one.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import nodeModule from "node:module";
import { fileURLToPath } from "node:url";

const command = fileURLToPath(new URL("./slipway.ts", import.meta.url));
const installed = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));
const compileCache = fileURLToPath(new URL("../node_modules/.cache/slipway", import.meta.url));

if (Number(process.versions.node.split(".")[0]) >= 24) {
  // The compile cache halves the load time.
  nodeModule.enableCompileCache(compileCache);
  await import(command);
} else if (existsSync(installed)) {
  const child = spawn(installed, [command, ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { NODE_COMPILE_CACHE: compileCache, ...process.env },
  });
  // The terminal sends Ctrl-C to the child too; this process only waits for its exit code.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
  });
} else {
  console.error("Slipway is not installed yet: run `npm ci` or `npm start` in its folder first.");
  process.exitCode = 3;
}
