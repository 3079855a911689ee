/** Prints the form of the `slipway` command instead of running it. */
import { Command, type Option } from "commander";

/** A default with spaces is a sentence, and its wording may change. */
const defaultForm = (value: unknown) =>
  value === undefined || (typeof value === "string" && value.includes(" ")) ? {} : { default: value };

const optionForm = (option: Option) => ({
  flags: option.flags,
  ...(option.mandatory ? { mandatory: true } : {}),
  ...(option.argChoices ? { choices: option.argChoices } : {}),
  ...defaultForm(option.defaultValue),
  ...(option.envVar ? { variable: option.envVar } : {}),
});

const commandForm = (command: Command): object => ({
  ...(command.aliases().length > 0 ? { aliases: command.aliases() } : {}),
  arguments: command.registeredArguments.map((argument) => ({
    name: `${argument.name()}${argument.variadic ? "…" : ""}`,
    required: argument.required,
    ...(argument.argChoices ? { choices: argument.argChoices } : {}),
    ...defaultForm(argument.defaultValue),
  })),
  options: Object.fromEntries(
    command.options.map((option) => [option.long ?? option.flags, optionForm(option)]),
  ),
  commands: Object.fromEntries(command.commands.map((inner) => [inner.name(), commandForm(inner)])),
});

Command.prototype.parseAsync = async function (this: Command) {
  process.stdout.write(JSON.stringify({ [this.name()]: commandForm(this) }));
  return this;
};
await import("#cli/slipway.ts");
