import { type CommandResult, runCommand } from "#test/support/run-command.ts";
import type { Fixture } from "./fixture.ts";

/** Runs one `slipway` command to its end, as in a second terminal, and keeps its output for the search for secrets. */
export const runSlipway = async (
  { env, outputs }: Pick<Fixture, "env" | "outputs">,
  args: readonly string[],
  timeoutMs = 300_000,
): Promise<CommandResult> => {
  const result = await runCommand(args, env, timeoutMs);
  outputs.push(
    { where: `stdout of slipway ${args.join(" ")}`, text: result.stdout },
    { where: `stderr of slipway ${args.join(" ")}`, text: result.stderr },
  );
  return result;
};
