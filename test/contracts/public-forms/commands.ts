import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { exitCode } from "#cli/exit-code.ts";

const checkout = join(import.meta.dirname, "../../..");

/** Commands with their arguments and options, without descriptions. The command itself runs in a child process. */
export const commandForms = async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(import.meta.dirname, "print-commands.ts"),
  ]);
  const program: object = JSON.parse(stdout.replaceAll(checkout, "<checkout>"));
  return { commands: { ...program, "exit codes": Object.values(exitCode).toSorted((a, b) => a - b) } };
};
