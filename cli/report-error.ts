import { type Command, CommanderError } from "commander";
import { remedies } from "#statemachine/remedies.ts";
import { exitCode, toExitCode } from "./exit-code.ts";
import { explainAwsSetup } from "./explain-aws-setup.ts";
import { paint, print, printError } from "./print.ts";

/** The form of an error with `--json`, on stdout and in one line, so that it also fits a stream of JSON lines. */
type ErrorForm = {
  readonly error: {
    /** A name that stays: `UsageMistake` for the command line, otherwise the error's own. */
    readonly name: string;
    readonly message: string;
    /** What to do, where the message does not say it. */
    readonly remedy: string | null;
  };
};

/** Whether the command line asks for JSON; also where it is too wrong to be parsed. */
const isJsonRequested = (args: readonly string[]): boolean => {
  const end = args.indexOf("--");
  return args.slice(0, end === -1 ? undefined : end).includes("--json");
};

/** The command that a command line names: `slipway keys create`. */
const findCommandPath = (program: Command, args: readonly string[]): string => {
  const path = [program.name()];
  let command: Command | undefined = program;
  for (const word of args) {
    command = command.commands.find((inner) => inner.name() === word);
    if (!command) break;
    path.push(word);
  }
  return path.join(" ");
};

const readOwnRemedy = (error: unknown): string | undefined =>
  error instanceof Error && "remedy" in error && typeof error.remedy === "string" ? error.remedy : undefined;

/** An error in the form of `--json`. */
const toErrorForm = (error: unknown): ErrorForm => {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const setup = explainAwsSetup(error);
  const known = Object.entries(remedies).find(([key]) => key === name)?.[1];
  return {
    error: {
      name,
      message: setup?.sentence ?? message,
      remedy: setup?.remedy ?? readOwnRemedy(error) ?? known ?? null,
    },
  };
};

/**
 * Reports what a command threw: one sentence on stderr and, with `--json`, ErrorForm on stdout. Sets the exit code. An
 * error without a name is a bug, so its stack is printed.
 */
export const reportError = (error: unknown, program: Command, args: readonly string[]): void => {
  const isJson = isJsonRequested(args);
  if (error instanceof CommanderError) {
    // --help and --version end here too. Commander has printed the sentence.
    const isDone = error.exitCode === 0;
    process.exitCode = isDone ? exitCode.ok : exitCode.usage;
    if (!isJson || isDone) return;
    const form: ErrorForm = {
      error: {
        name: "UsageMistake",
        message: error.message.replace(/^error: /, "").replaceAll("\n", " "),
        remedy: `\`${findCommandPath(program, args)} --help\` shows what is possible.`,
      },
    };
    print(JSON.stringify(form));
    return;
  }
  const form = toErrorForm(error);
  process.exitCode = toExitCode(error);
  const isNamed = process.exitCode !== exitCode.failed || form.error.name !== "Error";
  const remedy = explainAwsSetup(error)?.remedy ?? readOwnRemedy(error);
  const sentence = remedy === undefined ? form.error.message : `${form.error.message}\n  → ${remedy}`;
  printError(
    `${paint("red", "✗")} ${isNamed ? sentence : (error instanceof Error && error.stack) || form.error.message}`,
  );
  if (isJson) print(JSON.stringify(form));
};
