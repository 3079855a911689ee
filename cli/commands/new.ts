import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { parse } from "yaml";
import { ModelFolderExists } from "#cli/errors.ts";
import { exitCode } from "#cli/exit-code.ts";
import { assertTableFile } from "#cli/new-model/assert-table-file.ts";
import { assertTokenizerFile } from "#cli/new-model/assert-tokenizer-file.ts";
import { type DecimalMark, type Delimiter, parseDelimiter } from "#cli/new-model/csv-dialect.ts";
import { type TableEncoding, tableEncodings } from "#cli/new-model/decode-table-text.ts";
import { draftModelFolder, type ModelFolderDraft } from "#cli/new-model/draft-model-folder.ts";
import type { ImagePreparation } from "#cli/new-model/infer-array-input.ts";
import { readInputFile } from "#cli/new-model/read-input-file.ts";
import { readOnnxFile } from "#cli/new-model/read-onnx-file.ts";
import { jsonOption, parseModelName } from "#cli/options.ts";
import { paint, print, printJson } from "#cli/print.ts";
import { showProgress } from "#cli/progress.ts";
import { Policy } from "#domain/policy/policy.ts";
import { checkModel } from "#model-check/check-model.ts";
import { type FolderProblem, formatProblem, stopsDelivery } from "#model-folder/manifest/folder-problem.ts";
import { Manifest, SlackUser } from "#model-folder/manifest/manifest.ts";
import { CsvBroken, splitCsv } from "#model-folder/rows/split-csv.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";

type Options = {
  readonly onnx: string;
  readonly data: string;
  readonly encoding?: TableEncoding;
  readonly delimiter?: Delimiter;
  readonly decimal?: DecimalMark;
  readonly target: readonly string[];
  readonly ignore: readonly string[];
  readonly approver: readonly string[];
  readonly owner?: string;
  readonly image?: ImagePreparation;
  readonly tokenizer?: string;
  readonly maxTokens?: number;
  readonly predicted?: string;
  readonly task?: Manifest["task"];
  readonly group?: string;
  readonly quantiles?: readonly number[];
  readonly pooling?: "mean" | "cls" | "max" | "none";
  readonly normalize?: boolean;
  readonly scores?: "probabilities" | "logits" | "decision";
  readonly models: string;
  readonly force?: boolean;
  readonly labels?: readonly string[];
  readonly positive?: string;
  readonly json?: boolean;
};

const collectValue = (text: string, previous: readonly string[] = []): readonly string[] => [
  ...previous,
  text,
];
const collectApprover = (text: string, previous: readonly string[]): readonly string[] => {
  const user = SlackUser.safeParse(text);
  if (!user.success) throw new InvalidArgumentError(user.error.issues[0]?.message ?? "not a Slack user id");
  return [...previous, user.data];
};

/** One line of CSV, so that a label with a comma can be quoted. */
const parseLabels = (text: string): readonly string[] => {
  try {
    const [labels = [], ...more] = splitCsv(text, { records: 2, cells: 1_001 }, []);
    if (more.length === 0) return labels;
  } catch (error) {
    if (!(error instanceof CsvBroken)) throw error;
    throw new InvalidArgumentError(error.message);
  }
  throw new InvalidArgumentError("write the labels on one line: a,b,c");
};

const parseDelimiterOption = (text: string): Delimiter => {
  const delimiter = parseDelimiter(text);
  if (!delimiter) throw new InvalidArgumentError("write comma, semicolon, tab or pipe");
  return delimiter;
};

const tasks = Manifest.options.map(({ shape }) => shape.task.value);

/** Fields of an image input in YAML, without the braces. */
const parseImage = (text: string): ImagePreparation => {
  try {
    const fields: unknown = parse(`{ ${text} }`);
    if (isJsonObject(fields)) return fields;
  } catch {
    // The same sentence explains both.
  }
  throw new InvalidArgumentError(
    'write fields of an image input as in model.yaml, for example "resize: stretch, mean: [0.5, 0.5, 0.5]"',
  );
};

const parseQuantiles = (text: string): readonly number[] => {
  const levels = text.split(",").map(Number);
  const increase = levels.every((level, index) => level > (levels[index - 1] ?? 0) && level < 1);
  if (levels.length < 2 || !increase)
    throw new InvalidArgumentError("write increasing numbers between 0 and 1, for example 0.1,0.5,0.9");
  return levels;
};

const parseTokenCount = (text: string): number => {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= 8 && count <= 8_192)) throw new InvalidArgumentError("write a number from 8 to 8192");
  return count;
};

/** `slipway new`: writes a model's folder from an ONNX file and a labelled CSV. */
export const newCommand = (): Command =>
  new Command("new")
    .description("write a model's folder from an ONNX file and a labelled CSV")
    .argument("<name>", "the model's name: its folder, and part of its URL", parseModelName)
    .addOption(new Option("--onnx <file>", "the exported model").makeOptionMandatory())
    .addOption(
      new Option(
        "--data <file>",
        "a labelled CSV with a header, or Parquet, of some hundred rows, best without rows of the training; or JSON lines (.jsonl) with nested arrays; a column of paths to JPEG or PNG files gives images",
      ).makeOptionMandatory(),
    )
    .addOption(
      new Option("--encoding <name>", "the CSV's encoding, where it is not UTF-8").choices(tableEncodings),
    )
    .addOption(
      new Option(
        "--delimiter <name>",
        "what is between the CSV's columns, where that is unclear: comma, semicolon, tab or pipe",
      ).argParser(parseDelimiterOption),
    )
    .addOption(
      new Option("--decimal <mark>", "the CSV's decimal mark, where that is unclear").choices([".", ","]),
    )
    .addOption(
      new Option(
        "--target <column>",
        "the label's column; for several values or labels repeat it, once for each; without it no score is measured",
      )
        .argParser(collectValue)
        .default([], "none"),
    )
    .addOption(
      new Option("--task <name>", "what the model does, where the graph leaves it open").choices(tasks),
    )
    .addOption(
      new Option("--group <column>", "for a ranking: the column that says which rows are ranked together"),
    )
    .addOption(
      new Option(
        "--quantiles <levels>",
        "for a regression of quantiles: their levels in the graph's order, as 0.1,0.5,0.9",
      ).argParser(parseQuantiles),
    )
    .addOption(
      new Option(
        "--labels <list>",
        "all labels in the order of the scores' columns, separated by commas; also labels that no row has (entities: id2label in config.json)",
      ).argParser(parseLabels),
    )
    .addOption(
      new Option(
        "--positive <label>",
        "of two labels the one that AUC measures; one score per row is its score",
      ),
    )
    .addOption(
      new Option("--pooling <kind>", "how the vectors of a text's tokens become an embedding").choices([
        "mean",
        "cls",
        "max",
        "none",
      ]),
    )
    .addOption(new Option("--normalize", "divide an embedding by its length, as Python does"))
    .addOption(
      new Option("--scores <kind>", "what the numbers of labels are, where the guess is wrong").choices([
        "probabilities",
        "logits",
        "decision",
      ]),
    )
    .addOption(
      new Option("--ignore <column>", "a column that is no input of the model; may be repeated")
        .argParser(collectValue)
        .default([], "none"),
    )
    .addOption(
      new Option("--approver <id>", "the Slack user id of an approver; may be repeated")
        .argParser(collectApprover)
        .default([], "policy.yaml's"),
    )
    .addOption(
      new Option(
        "--image <fields>",
        'how images are prepared, as in model.yaml: "resize: stretch, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]"',
      ).argParser(parseImage),
    )
    .addOption(new Option("--tokenizer <file>", "tokenizer.json, for a text model (input_ids)"))
    .addOption(
      new Option(
        "--max-tokens <number>",
        "the most tokens of a text; the rest is cut off (default: tokenizer.json's truncation, otherwise 256)",
      ).argParser(parseTokenCount),
    )
    .addOption(
      new Option(
        "--predicted <column or file>",
        "what Python predicted for each row: a column of the CSV, another CSV or JSON; compared before anything is written, then kept in golden.json",
      ),
    )
    .addOption(new Option("--owner <address>", "the e-mail address of the model's owner"))
    .addOption(new Option("--models <folder>", "the folder of all models").default("models"))
    .addOption(new Option("--force", "overwrite the files of an existing folder"))
    .addOption(jsonOption("files, scores, guesses, notes and problems of the folder"))
    .action(async (name: string, options: Options) => {
      const folder = join(options.models, name);
      if (!options.force && (await stat(folder).catch(() => undefined)))
        throw new ModelFolderExists(
          `${folder} exists already: choose another name, or overwrite it with --force.`,
        );
      showProgress(`Running ${basename(options.onnx)} on the rows of ${basename(options.data)}`);
      const { bytes: onnx, changes } = await readOnnxFile(options.onnx);
      const draft = await draftModelFolder({
        name,
        onnx,
        onnxChanges: changes,
        csv: await readTableFile(options.data, options.encoding),
        csvName: basename(options.data),
        tableOptions: {
          encoding: options.encoding,
          delimiter: options.delimiter,
          decimal: options.decimal,
        },
        readFile: (path) => readFile(resolve(dirname(options.data), path)).catch(() => undefined),
        image: options.image,
        tokenizer:
          options.tokenizer === undefined
            ? undefined
            : { bytes: await readTokenizerFile(options.tokenizer), maxTokens: options.maxTokens },
        targets: options.target,
        options: {
          task: options.task,
          labels: options.labels,
          positive: options.positive,
          group: options.group,
          quantiles: options.quantiles,
          pooling: options.pooling,
          normalize: options.normalize,
          scores: options.scores,
        },
        ignored: options.ignore,
        predicted:
          options.predicted === undefined
            ? undefined
            : {
                name: options.predicted,
                bytes: await readFile(options.predicted).catch(() => undefined),
              },
        owner: options.owner,
        approvers: options.approver,
        policyApprovers: await readPolicyApprovers(),
      });
      await mkdir(folder, { recursive: true });
      for (const [file, bytes] of draft.files) await writeFile(join(folder, file), bytes);
      const problems = await checkModel({ model: name, files: draft.files });
      if (problems.some(stopsDelivery)) process.exitCode = exitCode.failed;
      if (options.json) printJson({ model: name, folder, ...toReportJson(draft), problems });
      else printReport(folder, draft, problems);
    });

const readTableFile = async (file: string, encoding: TableEncoding | undefined): Promise<Uint8Array> => {
  const bytes = await readInputFile(file);
  assertTableFile(bytes, basename(file), encoding);
  return bytes;
};

const readTokenizerFile = async (file: string): Promise<Uint8Array> => {
  const bytes = await readInputFile(file);
  assertTokenizerFile(bytes, basename(file));
  return bytes;
};

/** The policy's approvers; without a policy.yaml here, the rehearsal's approver. */
const readPolicyApprovers = async (): Promise<readonly string[]> => {
  const text = await readFile("policy.yaml", "utf8").catch(() => "");
  const policy = Policy.safeParse(parse(text));
  return policy.success ? policy.data.approval.approvers.slice(0, 50) : ["U024BE7LH"];
};

/** Three digits, and no exponent: 8750, 0.0490. */
const formatScore = (value: number): string => {
  const text = value.toPrecision(3);
  return text.includes("e") ? String(Number(text)) : text;
};

/** A draft for `--json`. */
const toReportJson = ({
  files,
  rows,
  measured,
  scoredGuesses,
  guesses,
  notes,
  agreement,
  doubt,
}: ModelFolderDraft) => ({
  files: [...files.keys()],
  rows,
  measured: measured.map(({ words, score }) => ({ what: words, ...score })),
  scoredGuesses,
  guesses,
  notes,
  agreement: agreement ?? null,
  doubt: doubt ?? null,
});

const printReport = (
  folder: string,
  { files, scoredGuesses, guesses, notes, agreement, measured, rows, doubt }: ModelFolderDraft,
  problems: readonly FolderProblem[],
): void => {
  print(`${paint("green", "✓")} ${folder}: ${[...files.keys()].join(", ")}`);
  for (const { words, score } of measured)
    print(
      `  ${words} ${formatScore(score.estimate)} on ${rows} rows (${formatScore(score.low)} to ${formatScore(score.high)})`,
    );
  if (scoredGuesses.length > 0) {
    print(paint("bold", "Guesses that change the numbers; check these first:"));
    for (const { subject, choice, alternative, isDoubtful } of scoredGuesses) {
      print(`  ${paint(isDoubtful ? "red" : "yellow", "?")} ${subject}: ${choice}`);
      print(`      ${isDoubtful ? paint("red", alternative) : alternative}`);
    }
  }
  if (agreement !== undefined) print(`${paint("green", "✓")} ${agreement}`);
  for (const note of notes) print(`${paint("yellow", "!")} ${note}`);
  if (doubt !== undefined) print(`${paint("red", "!")} ${doubt}`);
  if (files.has("holdout.csv"))
    print(
      `${paint("yellow", "!")} holdout.csv has rows of your CSV. If the model was trained on them, the score above and the gates\n  are too good: replace them with rows that the model has not seen.`,
    );
  if (guesses.length > 0) {
    print("Other guesses:");
    for (const guess of guesses) print(`  - ${guess}`);
  }
  for (const problem of problems)
    print(`${stopsDelivery(problem) ? paint("red", "✗") : paint("yellow", "!")} ${formatProblem(problem)}`);
  if (problems.some(stopsDelivery)) {
    print(`The folder cannot be delivered as it is: correct the lines with ${paint("red", "✗")} first.`);
    return;
  }
  print(
    `Next: review the lines with \`# review\` in ${join(folder, "model.yaml")}, then run \`npx slipway check ${folder}\` and \`npm start -- --model ${basename(folder)}\`.`,
  );
};
