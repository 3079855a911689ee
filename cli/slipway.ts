/** The `slipway` command. Each command is a file under commands/; exit-code.ts has the exit codes. */
import { Command } from "commander";
import packageJson from "#package.json" with { type: "json" };
import { ignoreOutputErrors } from "#worlds/embedded/write-to-stream.ts";
import { addCommand } from "./add-command.ts";
import { addCompletion } from "./add-completion.ts";
import { addExamples } from "./add-examples.ts";
import { approvalCommands } from "./commands/approvals.ts";
import { auditCommand } from "./commands/audit.ts";
import { canaryCommand } from "./commands/canary.ts";
import { checkCommand } from "./commands/check.ts";
import { clientCommand } from "./commands/client.ts";
import { deliverCommand } from "./commands/deliver.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { eventsCommand } from "./commands/events.ts";
import { freezeCommand, unfreezeCommand } from "./commands/freeze.ts";
import { historyCommand } from "./commands/history.ts";
import { imageCommand } from "./commands/image.ts";
import { initCommand } from "./commands/init.ts";
import { keysCommand } from "./commands/keys.ts";
import { newCommand } from "./commands/new.ts";
import { policyCommand } from "./commands/policy.ts";
import { predictCommand } from "./commands/predict.ts";
import { registryCommand } from "./commands/registry.ts";
import { rehearseCommand } from "./commands/rehearse.ts";
import { retireCommand } from "./commands/retire.ts";
import { rollbackCommand } from "./commands/rollback.ts";
import { serveCommand } from "./commands/serve.ts";
import { statusCommand } from "./commands/status.ts";
import { endOnInterrupt } from "./end-on-interrupt.ts";
import { endProgress } from "./progress.ts";
import { reportError } from "./report-error.ts";

const program = new Command("slipway")
  .description("Delivers a model from a commit to the production inference function.")
  .version(packageJson.version)
  .showHelpAfterError("(`slipway --help` lists the commands)")
  .showSuggestionAfterError()
  // Parts and commands have options of the program's names: `doctor slack --json`, `slipway audit churn --version 3`.
  .enablePositionalOptions()
  .exitOverride()
  .addHelpText(
    "after",
    [
      "\nExit codes: 0 done, 1 failed, 2 wrong command line, 3 fix this machine or folder first, 130 Ctrl-C.",
      'With --json the result is on stdout, and so is every error: { "error": { "name", "message", "remedy" } } in one line.',
    ].join("\n"),
  );

for (const command of [
  rehearseCommand(),
  statusCommand(),
  predictCommand(),
  historyCommand(),
  eventsCommand(),
  rollbackCommand(),
  freezeCommand(),
  unfreezeCommand(),
  canaryCommand(),
  deliverCommand(),
  newCommand(),
  checkCommand(),
  imageCommand(),
  serveCommand(),
  clientCommand(),
  retireCommand(),
  policyCommand(),
  initCommand(),
  keysCommand(),
  registryCommand(),
  doctorCommand(),
  ...approvalCommands(),
  auditCommand(),
])
  addCommand(program, command);
addCompletion(program);
addExamples(program);

ignoreOutputErrors();
endOnInterrupt();
try {
  await program.parseAsync();
} catch (error) {
  reportError(error, program, process.argv.slice(2));
}

endProgress();
// The engine cannot stop its timers: one that waits for an approval would keep the process alive for a day.
process.stdout.write("", () => process.exit());
