import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { createPatch } from "diff";
import { shippedAccountIds } from "#cli/doctor/read-configuration.ts";
import { UsageMistake } from "#cli/errors.ts";
import { openTerminal } from "#cli/open-terminal.ts";
import { paint, print, printError, printJson } from "#cli/print.ts";
import { collectAnswers, type GivenAnswers } from "./collect-answers.ts";
import { fileNames, type PreparedFile, prepareFiles } from "./prepare-files.ts";
import { readAnswersFile, readEarlier } from "./read-earlier.ts";
import { writeFiles } from "./write-files.ts";

const printDiff = ({ path, before = "", after }: PreparedFile): void => {
  const [, , ...lines] = createPatch(path, before, after, "", "", { context: 1 }).split("\n");
  for (const line of lines)
    print(line.startsWith("+") ? paint("green", line) : line.startsWith("-") ? paint("red", line) : line);
};

/** Files in which a person may have written: all but those that this command writes anew each time. */
const isHandWritten = ({ path }: PreparedFile): boolean =>
  path !== fileNames.answers && path !== fileNames.commands;

/** The first run replaces what Slipway ships; a later one replaces what a person chose. */
const replacesChoices = (earlier: GivenAnswers, files: readonly PreparedFile[]): boolean =>
  typeof earlier.tooling === "string" &&
  !shippedAccountIds.has(earlier.tooling) &&
  files.some((file) => isHandWritten(file) && file.before !== undefined);

/**
 * Asks for what an installation needs and writes terraform/config.ts, policy.yaml, the shipped manifests' approvers and
 * the list of commands; all of them or none. Throws UsageMistake, Interrupted.
 * @param folder the checkout
 * @param answersFile a file with answers
 * @param flags answers of the command line
 * @param yes writes without a question
 * @param json asks nothing, and prints the written files as JSON
 */
export const initFiles = async ({
  folder,
  answersFile,
  flags,
  yes,
  json = false,
}: {
  readonly folder: string;
  readonly answersFile: string | undefined;
  readonly flags: GivenAnswers;
  readonly yes: boolean;
  readonly json?: boolean;
}): Promise<void> => {
  const terminal = process.stdin.isTTY && !json ? openTerminal() : undefined;
  try {
    const file = answersFile === undefined ? undefined : await readAnswersFile(resolve(answersFile));
    const given = { ...file?.answers, ...flags };
    const earlier = await readEarlier(folder);
    const answers = await collectAnswers({
      given,
      earlier,
      ask: terminal?.ask,
      print: json ? printError : print,
      problems: file?.problems ?? [],
    });
    const randomHex = () => randomBytes(3).toString("hex");
    const files = await prepareFiles(folder, answers, { randomHex });
    if (files.length === 0 && json) return printJson({ files: [] });
    if (files.length === 0) return print("Nothing changes: the files have these answers already.");
    if (!json) for (const file of files.filter(isHandWritten)) printDiff(file);
    if (!yes) await confirm(terminal, replacesChoices(earlier, files));
    writeFiles(new Map(files.map(({ path, after }) => [join(folder, path), after])));
    if (json) return printJson({ files: files.map(({ path }) => path), commands: fileNames.commands });
    for (const { path } of files) print(`${paint("green", "✓")} ${path}`);
    print(`${fileNames.commands} has the commands of the first deployment, each with the time it takes:\n`);
    const commands = files.find(({ path }) => path === fileNames.commands);
    if (commands !== undefined) print(commands.after);
  } finally {
    terminal?.close();
  }
};

const confirm = async (
  terminal: ReturnType<typeof openTerminal> | undefined,
  replaces: boolean,
): Promise<void> => {
  if (terminal === undefined) {
    if (!replaces) return;
    throw new UsageMistake(
      "Nothing was written: this would replace values that were filled in before. If the differences above are right, run it again with --yes.",
    );
  }
  const answer = await terminal.ask("Write these changes? [y/N] ");
  if (!/^y(es)?$/i.test(answer.trim())) throw new UsageMistake("Nothing was written.");
};
