import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { parse } from "yaml";
import { ModelFolderExists, UsageMistake } from "#cli/errors.ts";
import { exitCode } from "#cli/exit-code.ts";
import { draftModelFolder, type ModelFolderDraft } from "#cli/new-model/draft-model-folder.ts";
import { parseModelName } from "#cli/options.ts";
import { paint, print } from "#cli/print.ts";
import { Policy } from "#domain/policy/policy.ts";
import { checkModel } from "#model-check/check-model.ts";
import { type FolderProblem, formatProblem } from "#model-folder/manifest/folder-problem.ts";
import { SlackUser } from "#model-folder/manifest/manifest.ts";

type Options = {
  readonly onnx: string;
  readonly data: string;
  readonly target: readonly string[];
  readonly ignore: readonly string[];
  readonly approver: readonly string[];
  readonly owner?: string;
  readonly tokenizer?: string;
  readonly maxTokens: number;
  readonly models: string;
  readonly force?: boolean;
};

const collectValue = (text: string, gathered: readonly string[] = []): readonly string[] => [
  ...gathered,
  text,
];
const collectApprover = (text: string, gathered: readonly string[]): readonly string[] => {
  const user = SlackUser.safeParse(text);
  if (!user.success) throw new InvalidArgumentError(user.error.issues[0]?.message ?? "no Slack user id");
  return [...gathered, user.data];
};

const parseTokenCount = (text: string): number => {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= 8 && count <= 8_192)) throw new InvalidArgumentError("tokens are a number from 8 to 8192");
  return count;
};

/** `slipway new`: a model's folder from an ONNX file and a CSV. */
export const newCommand = (): Command =>
  new Command("new")
    .description("write a model's folder from an ONNX file and a table of rows with their truth")
    .argument("<name>", "the model's name: its folder's, and part of its address", parseModelName)
    .addOption(new Option("--onnx <file>", "the exported model").makeOptionMandatory())
    .addOption(
      new Option(
        "--data <csv>",
        "rows with a header, some hundred of them, best ones the model has not seen",
      ).makeOptionMandatory(),
    )
    .addOption(
      new Option(
        "--target <column>",
        "the column with what is true; once for each value of a regression of several",
      )
        .argParser(collectValue)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option("--ignore <column>", "a column that the model does not take; may be repeated")
        .argParser(collectValue)
        .default([], "none"),
    )
    .addOption(
      new Option("--approver <id>", "a Slack user who may approve; may be repeated")
        .argParser(collectApprover)
        .default([], "policy.yaml's"),
    )
    .addOption(new Option("--tokenizer <file>", "the tokenizer.json of a model that takes input_ids"))
    .addOption(
      new Option("--max-tokens <number>", "how many tokens of a text it takes")
        .argParser(parseTokenCount)
        .default(256),
    )
    .addOption(new Option("--owner <address>", "who answers for the model"))
    .addOption(new Option("--models <folder>", "the folder of all models").default("models"))
    .addOption(new Option("--force", "write over the files of a folder that is there"))
    .addHelpText(
      "after",
      "\nExample: slipway new churn --onnx churn.onnx --data customers.csv --target churned --ignore customer_id",
    )
    .action(async (name: string, options: Options) => {
      const folder = join(options.models, name);
      if (!options.force && (await stat(folder).catch(() => undefined)))
        throw new ModelFolderExists(
          `${folder} is there already: choose another name, or write over it with --force.`,
        );
      const made = await draftModelFolder({
        name,
        onnx: await readInputFile(options.onnx),
        csv: await readInputFile(options.data),
        csvName: basename(options.data),
        tokenizer:
          options.tokenizer === undefined
            ? undefined
            : { bytes: await readInputFile(options.tokenizer), maxTokens: options.maxTokens },
        targets: options.target,
        ignored: options.ignore,
        owner: options.owner,
        approvers: options.approver,
        policyApprovers: await readPolicyApprovers(),
      });
      await mkdir(folder, { recursive: true });
      for (const [file, bytes] of made.files) await writeFile(join(folder, file), bytes);
      printReport(folder, made, await checkModel({ model: name, files: made.files }));
    });

const readInputFile = (file: string): Promise<Uint8Array> =>
  readFile(file).catch((fault: unknown) => {
    throw new UsageMistake(
      `${file} cannot be read: ${fault instanceof Error ? fault.message : String(fault)}`,
    );
  });

/** Those whom the platform lets approve; the rehearsal's where there is no policy.yaml here. */
const readPolicyApprovers = async (): Promise<readonly string[]> => {
  const text = await readFile("policy.yaml", "utf8").catch(() => "");
  const policy = Policy.safeParse(parse(text));
  return policy.success ? policy.data.approval.approvers.slice(0, 50) : ["U024BE7LH"];
};

const printReport = (
  folder: string,
  { files, guesses, notes, measured, rows, doubt }: ModelFolderDraft,
  problems: readonly FolderProblem[],
): void => {
  print(`${paint("green", "✓")} ${folder}: ${[...files.keys()].join(", ")}`);
  for (const { words, score } of measured)
    print(
      `  ${words} ${score.estimate.toPrecision(3)} on ${rows} rows (${score.low.toPrecision(3)} to ${score.high.toPrecision(3)})`,
    );
  for (const note of notes) print(`${paint("yellow", "!")} ${note}`);
  if (doubt !== undefined) print(`${paint("red", "!")} ${doubt}`);
  print(
    `${paint("yellow", "!")} holdout.csv is of the rows that you brought. If the model was trained on them, this score and the\n  gates made of it are too good: put rows there that it has not seen.`,
  );
  if (guesses.length > 0) {
    print("Guessed:");
    for (const guess of guesses) print(`  - ${guess}`);
  }
  for (const problem of problems)
    print(
      `${paint(problem.severity === "error" ? "red" : "yellow", problem.severity === "error" ? "✗" : "!")} ${formatProblem(problem)}`,
    );
  if (problems.some(({ severity }) => severity === "error")) process.exitCode = exitCode.failed;
  print(
    `Next: read ${join(folder, "model.yaml")} (what is marked \`# review\`), then \`npx slipway check ${folder}\` and \`npm start -- --model ${basename(folder)}\`.`,
  );
};
