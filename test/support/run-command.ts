import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { findSentinelSecrets } from "./sentinel-secrets.ts";

const command = join(import.meta.dirname, "..", "..", "cli", "slipway.mjs");

/** Runs a `slipway` command to its end, with these variables alone. What it says must hold no marked secret. */
export const runCommand = async (
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }> => {
  const child = spawn(process.execPath, [command, ...args], {
    env: { PATH: process.env.PATH, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 600_000,
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  const found = findSentinelSecrets(`${stdout}\n${stderr}`);
  if (found.length > 0) throw new Error(`slipway ${args.join(" ")} says ${found.join(", ")}`);
  return { code, stdout, stderr };
};
