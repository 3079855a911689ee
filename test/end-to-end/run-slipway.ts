import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { type Fixture, repositoryRoot, slipwayPath } from "./fixture.ts";

export type CommandResult = {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** Runs one `slipway` command to its end, as in a second terminal. */
export const runSlipway = async (
  { env, said }: Pick<Fixture, "env" | "said">,
  args: readonly string[],
  timeoutMs = 300_000,
): Promise<CommandResult> => {
  const child = spawn(process.execPath, [slipwayPath, ...args], {
    cwd: repositoryRoot,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  said.push(
    { where: `stdout of slipway ${args.join(" ")}`, text: stdout },
    { where: `stderr of slipway ${args.join(" ")}`, text: stderr },
  );
  return { code, stdout, stderr };
};
