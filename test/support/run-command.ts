import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { findSentinelSecrets } from "./sentinel-secrets.ts";

const root = join(import.meta.dirname, "..", "..");
const command = join(root, "cli", "slipway.mjs");

export type CommandResult = {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** Runs a `slipway` command to its end, with only these variables. Throws where its output holds a marked secret. */
export const runCommand = async (
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  timeoutMs = 600_000,
): Promise<CommandResult> => {
  const child = spawn(process.execPath, [command, ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  const secrets = findSentinelSecrets(`${stdout}\n${stderr}`);
  if (secrets.length > 0) throw new Error(`slipway ${args.join(" ")} prints ${secrets.join(", ")}`);
  return { code, stdout, stderr };
};
