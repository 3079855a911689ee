import { join } from "node:path";
import { type RootCommand, ShellCompDirective } from "@bomb.sh/tab";
import tab from "@bomb.sh/tab/commander";
import type { Argument, Command, Option } from "commander";
import { writeToStream } from "#worlds/embedded/write-to-stream.ts";
import { explainUsage } from "./add-command.ts";
import { checkoutFolder, selectDataFolder } from "./folders.ts";
import { listModelFolders } from "./list-model-folders.ts";
import { jsonOption } from "./options.ts";
import { printJson } from "./print.ts";

/**
 * The library's script gives files a person's shell would complete to no option, and needs bash-completion, which macOS
 * does not have.
 */
const bashSupplement = `
if ! declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref() {
        cword=$COMP_CWORD
        words=("\${COMP_WORDS[@]}")
        cur=\${COMP_WORDS[COMP_CWORD]}
        prev=\${COMP_WORDS[COMP_CWORD-1]}
    }
fi
complete -o default -F __slipway_complete slipway`;

type Values = "models" | "folders" | "files";

/** What a value is, by its name in --help: `<model>`, `<folder>`, `<file>`. */
const findValues = (name: string): Values | undefined => {
  if (/^(model|approval)$/.test(name)) return "models";
  if (name === "folder") return "folders";
  return /\bfile$/.test(name) ? "files" : undefined;
};

const findOptionValues = ({ long, flags }: Option): Values | undefined => {
  if (long === "--model" || (long === "--models" && flags.endsWith("<names>"))) return "models";
  return findValues(/<(.+)>$/.exec(flags)?.[1] ?? "");
};

/** The part that runs where the word names none, as `canary churn` runs `canary watch churn`. */
const findDefaultPart = (command: Command, word: string): Command | undefined => {
  // Commander has no public name for it.
  const name = "_defaultCommandName" in command ? command._defaultCommandName : undefined;
  const names = command.commands.map((part) => part.name());
  return names.some((each) => each.startsWith(word))
    ? undefined
    : command.commands.find((part) => part.name() === name);
};

/** The option or argument whose value the last word is. */
const findSubject = (program: Command, words: readonly string[]): Option | Argument | undefined => {
  let command = program;
  let position = 0;
  let option: Option | undefined;
  for (const word of words.slice(0, -1)) {
    // It is the value of the option before it.
    const isValue = option !== undefined;
    option = undefined;
    if (isValue) continue;
    const inner = command.commands.find((candidate) => candidate.name() === word);
    if (word.startsWith("-")) {
      const named = command.options.find(({ long, short }) => [long, short].includes(word));
      option = named?.required ? named : undefined;
    } else if (inner && position === 0) command = inner;
    else position += 1;
  }
  if (option) return option;
  const last = words.at(-1) ?? "";
  if (last.startsWith("-")) return undefined;
  return (findDefaultPart(command, last) ?? command).registeredArguments[position];
};

const isOption = (subject: Option | Argument): subject is Option => "flags" in subject;

/** Models of Slipway's folder, of the folder where the person is, and of the data folder's watched repository. */
const listModelNames = (words: readonly string[]): readonly string[] => {
  const data = words.indexOf("--data");
  const { repository } = selectDataFolder(data === -1 ? undefined : words[data + 1]);
  const folders = [checkoutFolder, ".", repository].map((folder) => join(folder, "models"));
  return [...new Set(folders.flatMap(listModelFolders))].toSorted();
};

/** The library knows PowerShell too, in which nobody tries these scripts. */
const shells = ["bash", "zsh", "fish"] as const;

/** The script of a shell. The library only prints it. */
const createScript = (root: RootCommand, name: string, shell: string): string => {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);
  try {
    root.setup(name, name, shell);
  } finally {
    console.log = log;
  }
  return [...lines, ...(shell === "bash" ? [bashSupplement] : [])].join("\n");
};

/**
 * `slipway completion bash|zsh|fish` prints a script that completes commands, options, choices, model names and paths in
 * that shell; the script calls the hidden `slipway complete -- <words>`. Every command of the program is known, so this
 * comes after the last of them.
 */
export const addCompletion = (program: Command): void => {
  const root = tab(program, { completionCommandName: "completion" });
  const description = "print a script that completes commands, options and models in bash, zsh or fish";
  const json = jsonOption("the shell and its script");
  const offered = root.commands.get("completion");
  if (offered) {
    offered.description = description;
    offered.option("json", json.description);
    offered.argument("shell", (complete) => {
      for (const shell of shells) complete(shell, "");
    });
  }
  const script = program.commands.find((command) => command.name() === "completion");
  if (script) {
    explainUsage(script, "`slipway completion --help` lists its options");
    script.registeredArguments[0]?.choices(shells);
    script
      .description(description)
      .addOption(json)
      .addHelpText(
        "after",
        "\nbash: source <(slipway completion bash)   zsh: source <(slipway completion zsh)   fish: slipway completion fish | source",
      )
      .action((shell: string, options: { readonly json?: boolean }) => {
        const text = createScript(root, program.name(), shell);
        if (options.json) return printJson({ shell, script: text });
        // Not by print, which escapes tabs: the script has to be as it is.
        writeToStream(process.stdout, `${text}\n`);
      });
  }
  const answer = program.commands.find((command) => command.name() === "complete");
  answer?.action((words: string[]) => {
    const subject = findSubject(program, words);
    const values = subject && (isOption(subject) ? findOptionValues(subject) : findValues(subject.name()));
    if (values === undefined) return root.parse(words);
    // The shell lists its own files and folders.
    const directive = {
      files: ShellCompDirective.ShellCompDirectiveDefault,
      folders: ShellCompDirective.ShellCompDirectiveFilterDirs,
      models: ShellCompDirective.ShellCompDirectiveNoFileComp,
    }[values];
    const names = values === "models" ? listModelNames(words) : [];
    const lines = names
      .filter((name) => name.startsWith(words.at(-1) ?? ""))
      .map((name) => `${name}\tmodel\n`);
    // Not by print, which escapes the tab.
    writeToStream(process.stdout, `${lines.join("")}:${directive}\n`);
  });
};
