/** The `slipway` command. Each command is a file under commands/; exit-code.ts has the exit codes. */
import { Command } from "commander";
import packageJson from "#package.json" with { type: "json" };
import { ignoreOutputErrors } from "#worlds/embedded/write-to-stream.ts";
import { addCommand, explainUsage } from "./add-command.ts";
import { addExamples } from "./add-examples.ts";
import { loadCommands } from "./commands.ts";
import { endOnInterrupt } from "./end-on-interrupt.ts";
import { endProgress } from "./progress.ts";
import { reportError } from "./report-error.ts";

const program = new Command("slipway")
  .description("Delivers a model from a commit to the production inference function.")
  .version(packageJson.version)
  .showSuggestionAfterError()
  // Parts and commands have options of the program's names: `doctor slack --json`, `slipway audit churn --version 3`.
  .enablePositionalOptions()
  .addHelpText(
    "after",
    [
      "\nExit codes: 0 done, 1 failed, 2 wrong command line, 3 fix this machine or folder first, 130 Ctrl-C.",
      'With --json the result is on stdout, and so is every error: { "error": { "name", "message", "remedy" } } in one line.',
    ].join("\n"),
  );

explainUsage(program, "`slipway --help` lists the commands");

const words = process.argv.slice(2);
const commands = await loadCommands(words);
for (const command of commands) addCommand(program, command);
// A command's own run needs no completion of the others.
if (commands.length > 1) (await import("./add-completion.ts")).addCompletion(program);
addExamples(program);

ignoreOutputErrors();
endOnInterrupt();
try {
  await program.parseAsync();
} catch (error) {
  reportError(error, program, words);
}

endProgress();
// The engine cannot stop its timers: one that waits for an approval would keep the process alive for a day.
process.stdout.write("", () => process.exit());
