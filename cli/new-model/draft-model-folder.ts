import { UsageMistake } from "#cli/errors.ts";
import { readPredictions } from "#inference/model/read-predictions.ts";
import { supportedVersions } from "#inference/model/supported-versions.ts";
import { isTokenInput } from "#inference/text/bind-tokens.ts";
import type { Gates, Golden, Manifest, Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { findBatchSize } from "#model-folder/onnx/find-batch-size.ts";
import { findOutput } from "#model-folder/onnx/find-output.ts";
import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { isLabelTensor } from "#model-folder/onnx/output-candidates.ts";
import { prepareOnnx } from "#model-folder/onnx/prepare-onnx.ts";
import type { Holdout } from "#model-folder/rows/holdout.ts";
import { countRowElements } from "#model-folder/rows/limit-rows.ts";
import { findGroupColumn, listTruthColumns } from "#model-folder/rows/list-truth-columns.ts";
import { parseHoldout } from "#model-folder/rows/parse-holdout.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { assertGroup } from "./assert-group.ts";
import { assertSupportedGraph } from "./assert-supported-graph.ts";
import { chooseMaxTokens } from "./choose-max-tokens.ts";
import { comparePredicted } from "./compare-predicted.ts";
import { isMissing, isNumber } from "./csv-cells.ts";
import { formatHoldout } from "./format-holdout.ts";
import { formatManifest, type NewManifest } from "./format-manifest.ts";
import {
  guessCodes,
  guessColumnOrder,
  guessImagePreparation,
  guessPairOrder,
  guessTruncation,
} from "./guess-run-alternatives.ts";
import { holdsArrays, type ImagePreparation, inferArrayInput } from "./infer-array-input.ts";
import { guessMixture } from "./infer-clustering.ts";
import { inferGates, type MeasuredScore, measureScores } from "./infer-gates.ts";
import { type InferredInput, inferInput, inferText } from "./infer-input.ts";
import { type InferredOutput, inferOutput } from "./infer-output.ts";
import { inferTask } from "./infer-task.ts";
import { inferTokenOutput } from "./infer-token-output.ts";
import { isJsonLines } from "./is-json-lines.ts";
import { isMeasuredTarget } from "./is-measured-target.ts";
import { limitToTables } from "./limit-to-tables.ts";
import { matchArrayColumns } from "./match-array-columns.ts";
import { type ColumnMatch, matchColumns, matchTextColumns } from "./match-columns.ts";
import { measureBaseline } from "./measure-baseline.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import type { Probe, Tokenizer, TokenizerRules } from "./probe-model.ts";
import type { CsvOptions, CsvTable } from "./read-csv-table.ts";
import { readGraphOutputs } from "./read-graph-outputs.ts";
import { type ReadFile, readImageFiles } from "./read-image-files.ts";
import { readJsonLines } from "./read-json-lines.ts";
import { type PredictedSource, readPredicted } from "./read-predicted.ts";
import { readRowCells } from "./read-row-cells.ts";
import { readTable } from "./read-table.ts";
import { refuseUnusedOptions } from "./refuse-unused-options.ts";
import { type GraphRun, runGraphOnRows } from "./run-graph-on-rows.ts";
import { runTokenModel } from "./run-token-model.ts";
import { formatScoredGuess, type ScoredGuess } from "./scored-guess.ts";
import type { InferredTask, TaskEvidence, TaskOptions } from "./task-evidence.ts";

export type ModelSource = {
  readonly name: string;
  readonly onnx: Uint8Array;
  /** What was changed in it when it was read, one sentence each. */
  readonly onnxChanges?: readonly string[];
  readonly csv: Uint8Array;
  /** The table's name, for messages; JSON lines end in .jsonl or .ndjson. */
  readonly csvName: string;
  /** How to read the CSV, where the file itself leaves it open. */
  readonly tableOptions?: Pick<CsvOptions, "encoding" | "delimiter" | "decimal">;
  /** Reads an image that the table names by its path; absent: paths are texts. */
  readonly readFile?: ReadFile | undefined;
  /** Label columns: one, or one per value of a regression with several values, or per label of several; none: no truth. */
  readonly targets: readonly string[];
  /** What the caller says about the output; absent: graph, rows and targets decide. */
  readonly options?: TaskOptions | undefined;
  /** How images are prepared, where the caller says so; absent: a guess. */
  readonly image?: ImagePreparation | undefined;
  /** Only for a text model. `maxTokens`: the caller's choice, if any. */
  readonly tokenizer: { readonly bytes: Uint8Array; readonly maxTokens: number | undefined } | undefined;
  /** Columns that are not inputs of the model. */
  readonly ignored: readonly string[];
  /** What another implementation predicted for the rows. */
  readonly predicted?: PredictedSource | undefined;
  readonly owner: string | undefined;
  readonly approvers: readonly string[];
  /** The approvers of the platform's policy, where `approvers` is empty. */
  readonly policyApprovers: readonly string[];
};

/** A model's folder, with everything that a person should review. */
export type ModelFolderDraft = {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Guesses that change predictions or their score. */
  readonly scoredGuesses: readonly ScoredGuess[];
  readonly guesses: readonly string[];
  readonly notes: readonly string[];
  readonly measured: readonly MeasuredScore[];
  readonly rows: number;
  /** Set if the model is no better than a constant prediction. */
  readonly doubt: string | undefined;
};

const seed = "slipway new";
/** A text takes some hundred times as long as a row of numbers. */
const sampleSizes = { rows: 1_000, texts: 200, elements: 2_000_000 };
const goldenRows = 20;
/** About 25 bytes an element. */
const goldenElements = 200_000;
const maxOutputElements = 300_000;
/** More different labels than a manifest can list. */
const maxStrata = 1_000;
const anyGates: Gates = { latencyP95Ms: 1, imageSizeMb: 1, vulnerabilities: { critical: 0, high: 0 } };
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const formatNumber = (value: number): string => String(Number(value.toPrecision(3)));

const listFeatureColumns = (
  { targets, ignored, csvName, predicted, options }: ModelSource,
  table: CsvTable,
): readonly string[] => {
  const group = options?.group === undefined ? [] : [options.group];
  for (const name of [...targets, ...group, ...ignored])
    if (!table.columns.has(name))
      throw new UsageMistake(
        `${csvName} has no column ${name} (it has ${[...table.columns.keys()].slice(0, 20).join(", ")}).`,
      );
  const others = new Set([...targets, ...group, ...ignored, predicted?.name]);
  return [...table.columns.keys()].filter((name) => !others.has(name));
};

const readSourceTable = async (
  { csv, csvName, onnx, targets, ignored, options, tableOptions, readFile }: ModelSource,
  graph: OnnxSummary,
): Promise<CsvTable> => {
  const named = [...targets, ...(options?.group === undefined ? [] : [options.group]), ...ignored];
  const table = isJsonLines(csvName)
    ? readJsonLines(csv, csvName)
    : await readTable(csv, csvName, {
        ...tableOptions,
        named,
        exactNames: [...graph.inputs.map(({ name }) => name), ...named],
        isStored: (text) => Buffer.from(onnx.buffer, onnx.byteOffset, onnx.length).includes(text),
      });
  return readFile ? readImageFiles(table, readFile) : table;
};

/**
 * Whether outputs of more than two dimensions can be predictions: where the caller says so, or nothing says what the model
 * does. Not of a text, whose tokens' hidden states would have the padding of a batch.
 */
const isWide = ({ targets, options, tokenizer }: ModelSource): boolean =>
  options?.task === "tensors" ||
  (options?.task === undefined && targets.length === 0 && tokenizer === undefined);

/** Elements of the arrays of a row's prediction, as far as the graph declares their sizes. */
const countOutputElements = ({ outputs }: Pick<OnnxSummary, "outputs">): number =>
  outputs
    .map((value) => {
      const sizes = value.kind === "tensor" ? (value.shape?.slice(1) ?? []) : [];
      return sizes.reduce<number>((product, size) => product * (typeof size === "number" ? size : 1), 1);
    })
    .reduce((sum, elements) => sum + elements, 0);

/** Throws NewModelRefused where a prediction would not fit into a response. */
const assertOutputsFit = (elements: number): void => {
  if (elements <= maxOutputElements) return;
  throw new NewModelRefused(
    `a prediction has ${elements} elements (limit ${maxOutputElements}: a response has at most 6 MB, about 20 bytes an element)`,
    "Export a smaller result: a mask of classes (ArgMax) in place of its scores, a lower resolution, or only the outputs that callers need.",
  );
};

/** Rows of arrays take more time and more place in golden.json and holdout.csv. */
const countSampleRows = (
  inputs: readonly InferredInput[],
  outputElements: number,
  tokenizer: Tokenizer | undefined,
): number => {
  const elements = countRowElements(inputs.map(({ input }) => input)) + outputElements;
  const most = tokenizer ? sampleSizes.texts : sampleSizes.rows;
  return elements <= 1 ? most : Math.max(4, Math.min(most, Math.floor(sampleSizes.elements / elements)));
};

/** Fewer golden rows where all of them would be larger than the 6 MB that CodeCommit returns. */
const countGoldenRows = (inputs: readonly InferredInput[], outputElements: number): number => {
  const elements = countRowElements(inputs.map(({ input }) => input)) + outputElements;
  return Math.max(1, Math.min(goldenRows, Math.floor(goldenElements / Math.max(1, elements))));
};

const inferInputs = (
  source: ModelSource,
  graph: OnnxSummary,
  table: CsvTable,
): {
  readonly guesses: readonly string[];
  readonly inputs: readonly InferredInput[];
  readonly byPosition: boolean;
  /** Which of them the tokenizer takes. */
  readonly texts: Pick<TokenizerRules, "text" | "pair">;
} => {
  const columns = listFeatureColumns(source, table);
  const cells = (column: string): readonly string[] => table.columns.get(column) ?? [];
  const isText = (column: string): boolean =>
    cells(column).some((text) => !isMissing(text, false) && !isNumber(text));
  const infer = (match: ColumnMatch): InferredInput => inferInput(match, cells(match.column));
  if (source.tokenizer) {
    const others = graph.inputs.filter((value) => !isTokenInput(value));
    const { texts, matches, guesses, byPosition } = matchTextColumns(others, columns, isText);
    const inputs = [
      ...texts.map((match) => inferText(match, cells(match.column))),
      ...limitToTables({ ...graph, inputs: others }, matches.map(infer)),
    ];
    const [first = "", second] = texts.map(({ name }) => name);
    const isAmbiguous =
      inputs.filter(({ input }) => input.type === "string" && input.format === undefined).length > 1;
    return {
      guesses,
      inputs,
      byPosition,
      texts: second !== undefined ? { pair: [first, second] } : isAmbiguous ? { text: first } : {},
    };
  }
  const arrays = matchArrayColumns(graph.inputs, columns, (column) => holdsArrays(cells(column)));
  const arrayInputs = arrays.matches.map(({ value, column }) =>
    inferArrayInput(value, column, cells(column), source.image),
  );
  if (source.image && !arrayInputs.some(({ input }) => input.type === "image"))
    throw new UsageMistake(
      `--image is about a column of images, and ${source.csvName} has none: it takes paths to JPEG or PNG files, relative to the table.`,
    );
  if (arrays.matches.length > 0 && arrays.inputs.length === 0 && arrays.columns.length === 0)
    return { guesses: [], inputs: arrayInputs, byPosition: false, texts: {} };
  const { matches, ...matched } = matchColumns(arrays.inputs, arrays.columns, isText);
  const inputs = [...arrayInputs, ...matches.map(infer)];
  return { ...matched, inputs: limitToTables(graph, inputs), texts: {} };
};

/**
 * The label of a target's cell, by all cells of its column: libraries write the same class as 1.0 or as 1. Not where the
 * graph or the caller has the cells as they are, nor where one starts with a zero: 01 and 1 are two labels.
 */
const createLabelReader = (
  cells: readonly string[],
  lists: readonly (readonly string[])[],
): ((text: string) => string) =>
  cells.every(
    (text) => isNumber(text) && Number.isSafeInteger(Number(text)) && !/^-?0\d/.test(text.trim()),
  ) && !lists.some((labels) => cells.every((text) => labels.includes(text)))
    ? (text) => String(Number(text))
    : (text) => text;

/** Whether a target's cell is a missing value: a graph or the caller can have a label that is spelled like one, for example null. */
const createMissingTarget = (lists: readonly (readonly string[])[]): ((text: string) => boolean) => {
  const labels = new Set(lists.flat());
  return (text) => isMissing(text, labels.has(text));
};

/** Whether an output can have one result per row; with a tokenizer a graph can have only results per token. */
const hasRowOutputs = ({ outputs }: OnnxSummary): boolean =>
  outputs.some((value) => value.kind === "tensor" && (value.shape?.length ?? 2) <= 2);

/** The target of all rows, because a sample can lack a label. */
const readTarget = (
  { targets, options }: ModelSource,
  table: CsvTable,
  isMissingTarget: (text: string) => boolean,
  lists: readonly (readonly string[])[],
) => {
  const task = options?.task;
  const readers = new Map(
    targets.map((target) => {
      const cells = (table.columns.get(target) ?? []).filter((text) => !isMissingTarget(text));
      return [target, { cells, read: createLabelReader(cells, lists) }] as const;
    }),
  );
  const readLabels = (target: string, texts: readonly string[]): readonly string[] =>
    texts.map(readers.get(target)?.read ?? String);
  const [first] = targets;
  const known = first === undefined ? [] : [...new Set(readLabels(first, readers.get(first)?.cells ?? []))];
  const isLabelled =
    task === undefined
      ? !isMeasuredTarget(known)
      : task === "classification" || task === "anomaly" || task === "clustering";
  return { readLabels, known, stratify: targets.length === 1 && isLabelled && known.length <= maxStrata };
};

/** The predictions that the runtime will return for these outputs of the graph. */
const readGraphPredictions = (
  manifest: Manifest,
  graph: OnnxSummary,
  { outputs }: Probe,
  rows: number,
): Prediction[] => {
  const output = findOutput(manifest, graph.outputs);
  if (output.status === "missing")
    throw new NewModelRefused(
      output.message,
      // The names are those of this run: only the declared sizes can differ.
      "graphOutputs" in manifest.output
        ? "The graph returns other sizes than it declares: its exporter may not know this kind of model (onnxmltools does not know XGBoost's quantile_alpha). Compare it with Python, or export one model for each value."
        : output.remedy,
    );
  const find = (name: string): Pick<Probe["outputs"][number], "data" | "widths"> =>
    outputs.find((each) => each.name === name) ?? { data: [] };
  const isRagged = output.names.some((name) => find(name).widths !== undefined);
  const readNumbers = (name: string, cells: Probe["outputs"][number]["data"]) => {
    const value = graph.outputs.find((each) => each.name === name);
    if (value && isLabelTensor(value) && manifest.task !== "regression" && manifest.task !== "classification")
      return cells.map(String);
    const isSingle = value?.kind === "tensor" && (value.type === "float32" || value.type === "float16");
    return isSingle ? Float32Array.from(cells, Number) : Float64Array.from(cells, Number);
  };
  const labels = output.label === undefined ? [] : [output.label];
  const readRows = (count: number, read: (name: string) => Probe["outputs"][number]["data"]) =>
    readPredictions(manifest, output.width)(
      [
        ...output.names.map((name) => readNumbers(name, read(name))),
        ...labels.map((name) => read(name).map(String)),
      ],
      count,
    );
  return isRagged
    ? Array.from({ length: rows }, (_, row) =>
        readRows(1, (name) => readRowCells(find(name), row, rows)),
      ).flat()
    : readRows(rows, (name) => find(name).data);
};

type GoldenRules = {
  /** The most rows. */
  readonly count: number;
  /** The least tolerance. */
  readonly least: number;
};

/** A float16 has three digits: machines round the last one differently. */
const leastTolerance = ({ outputs }: Pick<OnnxSummary, "outputs">): number =>
  outputs.some((value) => value.kind === "tensor" && value.type === "float16") ? 2e-3 : 1e-5;

/** @param difference the largest one between the runtime's predictions and these, relative above 1 */
const createGolden = (
  rows: readonly Row[],
  predictions: readonly Prediction[],
  difference: number,
  { count, least }: GoldenRules,
): Golden => {
  const step = Math.max(1, Math.floor(rows.length / count));
  const chosen = rows.flatMap((row, at) => {
    const prediction = predictions[at];
    return at % step === 0 && prediction ? [{ row, prediction }] : [];
  });
  const kept = chosen.slice(0, count);
  const largest = Math.max(
    ...kept.flatMap(({ prediction }) => Object.values(prediction.scores).map(Math.abs)),
  );
  return {
    // A float32 has seven digits; long sums differ in the sixth between machines.
    tolerance: Math.min(
      0.01,
      Math.max(least, Number((largest * 1e-6).toPrecision(1)), Number((difference * 2).toPrecision(1))),
    ),
    rows: kept.map(({ row }) => row),
    predictions: kept.map(({ prediction }) => prediction),
  };
};

/** Golden vectors with another implementation's numbers. Throws PredictionsDiffer where the runtime's are not the same. */
const createPredictedGolden = (
  predicted: PredictedSource,
  table: CsvTable,
  manifest: Manifest,
  { rows, numbers }: GraphRun["usable"],
  predictions: readonly Prediction[],
  { hasTrees, goldenRules }: { readonly hasTrees: boolean; readonly goldenRules: GoldenRules },
): { readonly golden: Golden; readonly note: string } => {
  const given = readPredicted(predicted, table, manifest);
  const compared = comparePredicted(manifest, given, predictions, numbers, hasTrees);
  const difference = compared.largestDifference;
  return {
    golden: createGolden(
      compared.places.map((place) => rows[place] ?? {}),
      compared.predictions,
      difference,
      goldenRules,
    ),
    note: `Python's predictions (${predicted.name}) agree on all ${compared.places.length} compared rows; golden.json has Python's numbers (largest difference ${formatNumber(difference)}).`,
  };
};

const hasDecisionTrees = ({ nodeList }: OnnxSummary): boolean =>
  nodeList.nodes.some(({ operator }) => operator.startsWith("TreeEnsemble"));

const formatScore = ({ words, score }: MeasuredScore): string =>
  `${words} ${formatNumber(score.estimate)} (${formatNumber(score.low)} to ${formatNumber(score.high)})`;

const compareWithBaseline = (
  holdout: Holdout,
  manifest: Manifest,
  measured: readonly MeasuredScore[],
): string | undefined => {
  const baseline = measureBaseline(holdout, manifest);
  const score = measured.find(({ name }) => name === baseline?.name)?.score.estimate;
  if (score === undefined || !baseline) return undefined;
  const isBetter = baseline.higherIsBetter ? score > baseline.score : score < baseline.score;
  return isBetter
    ? undefined
    : `The model is no better than a constant prediction (${baseline.name} ${formatNumber(score)}, constant ${formatNumber(baseline.score)}). Check the guesses first, then that the table's columns are in the order of training, and that --target is right.`;
};

/** The holdout's columns beside the inputs; undefined: the rows have no truth. */
const collectTruth = (
  manifest: Manifest,
  output: InferredOutput | InferredTask,
  truth: { readonly labels: GraphRun["usable"]["truth"]; readonly cells: GraphRun["usable"]["truth"] },
): ReadonlyMap<string, readonly string[]> | undefined => {
  const [first = []] = truth.cells.values();
  const [labels = []] = truth.labels.values();
  const cells =
    "output" in output
      ? output.truth
      : output.task === "regression"
        ? output.names.map((name) => truth.cells.get(name) ?? first)
        : [labels];
  const group = findGroupColumn(manifest);
  return cells.length === 0
    ? undefined
    : new Map([
        ...listTruthColumns(manifest).map((name, index) => [name, cells[index] ?? []] as const),
        ...(group === undefined ? [] : [[group, truth.cells.get(group) ?? []] as const]),
      ]);
};

/** What the choice of rows means for the score: rare labels are kept. */
const describeRareLabels = (
  holdout: Holdout | undefined,
  { raisedLabels }: GraphRun["usable"],
): readonly string[] => {
  if (!holdout || !("labels" in holdout)) return [];
  const raised = raisedLabels
    .slice(0, 5)
    .map(({ label, rows, sampled }) => `label ${label}: ${sampled} of ${rows} rows`)
    .join(", ");
  return raised === ""
    ? []
    : [
        `holdout.csv has ${holdout.labels.length} rows and keeps rare labels (${raised}): their share is larger than in the CSV, and the scores are those of holdout.csv.`,
      ];
};

const createManifestDraft = (
  source: ModelSource,
  matchGuesses: readonly string[],
  run: GraphRun,
  output: InferredOutput | InferredTask,
  tokenizer: Tokenizer | undefined,
) => {
  const { name, owner, approvers, policyApprovers } = source;
  return (gates: Gates, measured: string): NewManifest => ({
    name,
    owner: owner ?? "owner@example.com",
    isOwnerGuessed: owner === undefined,
    inputs: run.inputs,
    inputGuesses: matchGuesses,
    output,
    gates,
    measured,
    approvers: approvers.length > 0 ? approvers : policyApprovers,
    areApproversGuessed: approvers.length === 0,
    ...(tokenizer ? { tokenizer: tokenizer.rules } : {}),
  });
};

const describeBatch = ({ inputs }: OnnxSummary): readonly string[] => {
  const batch = findBatchSize(inputs);
  return batch.status === "fixed"
    ? [
        `The graph takes exactly ${batch.rows} ${batch.rows === 1 ? "row" : "rows"} per run: requests are split, and the last batch is filled with copies of its last row. An open first dimension is faster.`,
      ]
    : [];
};

/** A model of entities or embeddings, run as it will be served; undefined for another kind. */
const draftTokenModel = async (
  source: ModelSource,
  { graph, bytes: onnx }: { readonly graph: OnnxSummary; readonly bytes: Uint8Array },
  guesses: readonly string[],
  run: GraphRun,
  tokenizer: Tokenizer,
) => {
  const { pair, text = run.inputs[0]?.input.name ?? "" } = tokenizer.rules;
  const { rows, truth } = run.usable;
  const inferred = inferTokenOutput(
    {
      outputs: graph.outputs,
      probe: run.probe,
      texts: pair ? undefined : rows.map((row) => String(getOwnProperty(row, text) ?? "")),
      targets: truth,
      task: source.options?.task,
      pooling: source.options?.pooling,
      normalize: source.options?.normalize,
    },
    rows.length,
  );
  return (
    inferred &&
    (await runTokenModel({
      inferred,
      usable: run.usable,
      text,
      labels: source.options?.labels,
      writeFiles: (output) =>
        new Map([
          [
            "model.yaml",
            encode(
              formatManifest(createManifestDraft(source, guesses, run, output, tokenizer)(anyGates, "")),
            ),
          ],
          ["model.onnx", onnx],
          ["tokenizer.json", tokenizer.bytes],
        ]),
    }))
  );
};

/**
 * Drafts a model's folder from an ONNX file and a CSV, and writes nothing. It reads the graph, the data and a run of some
 * rows; it guesses the rest and marks each guess. Throws UsageMistake for an unknown column, ModelUnreadable for an
 * unreadable ONNX file, NewModelRefused where graph and CSV do not fit.
 */
export const draftModelFolder = async (source: ModelSource): Promise<ModelFolderDraft> => {
  const prepared = prepareOnnx(source.onnx, {
    supported: supportedVersions,
    joinColumns: source.targets.length === 1,
  });
  const { graph, bytes: onnx } = prepared;
  const { targets, options = {} } = source;
  assertGroup(options, targets.length > 0);
  const wide = isWide(source);
  assertSupportedGraph(graph, { tokenizer: source.tokenizer !== undefined, wide });
  const group = options.group === undefined ? [] : [options.group];
  const table = await readSourceTable(source, graph);
  const { guesses, inputs, byPosition, texts } = inferInputs(source, graph, table);
  const outputElements = wide ? countOutputElements(graph) : 0;
  assertOutputsFit(outputElements);
  const choice =
    source.tokenizer && chooseMaxTokens(source.tokenizer.bytes, source.tokenizer.maxTokens, graph);
  const tokenizer = source.tokenizer &&
    choice && {
      bytes: source.tokenizer.bytes,
      rules: { file: "tokenizer.json", maxTokens: choice.maxTokens, ...texts },
    };
  const lists = [
    ...graph.classLabels.map(({ labels }) => labels),
    ...(options.labels ? [options.labels] : []),
  ];
  const isMissingTarget = createMissingTarget(lists);
  const { readLabels, known, stratify } = readTarget(source, table, isMissingTarget, lists);
  const draw = {
    seed,
    most: countSampleRows(inputs, outputElements, tokenizer),
    // Tags of words are no labels of rows.
    stratify: stratify && hasRowOutputs(graph),
    group: options.group,
  };
  const run = await runGraphOnRows(
    { onnx, tokenizer, table, targets: [...targets, ...group], isMissingTarget, draw, wide },
    inputs,
  );
  const token = tokenizer && (await draftTokenModel(source, prepared, guesses, run, tokenizer));
  const usable = token?.usable ?? run.usable;
  const { rows, truth, skippedRows } = usable;
  const labels = new Map(targets.map((target) => [target, readLabels(target, truth.get(target) ?? [])]));
  const { outputs } = run.probe;
  const evidence: TaskEvidence = {
    // Outputs that did not run, for example the hidden states of tokens, are not served.
    graph: {
      ...graph,
      outputs: graph.outputs.filter(({ name }) => outputs.some((ran) => ran.name === name)),
    },
    outputs: readGraphOutputs(graph.outputs, outputs, rows.length),
    shapes: new Map(outputs.map(({ name, shape }) => [name, shape])),
    rows: rows.length,
    targets: labels,
    options,
  };
  const output =
    token?.output ?? inferTask(evidence) ?? inferOutput({ graph, outputs, targets: labels, known, options });
  refuseUnusedOptions(options, output.task);
  const taskGuesses = output.task === "classification" ? guessMixture(evidence) : [];
  const draftWith = (inputGuesses: readonly string[]) =>
    createManifestDraft(source, inputGuesses, run, output, tokenizer);
  const manifest = readManifest(formatManifest(draftWith(guesses)(anyGates, "")));
  const predictions = token?.predictions ?? readGraphPredictions(manifest, graph, run.probe, rows.length);
  const goldenRules = { count: countGoldenRows(inputs, outputElements), least: leastTolerance(graph) };
  const compared =
    source.predicted &&
    createPredictedGolden(source.predicted, table, manifest, usable, predictions, {
      hasTrees: hasDecisionTrees(graph),
      goldenRules,
    });
  const names = run.inputs.map(({ input }) => input.name);
  const columns = collectTruth(manifest, output, { labels, cells: truth });
  const holdoutFile = columns && encode(formatHoldout(names, rows, columns));
  const holdout = holdoutFile && parseHoldout(holdoutFile, manifest);
  const measured = holdout ? measureScores(holdout, manifest, predictions) : [];
  // Entities and pooled vectors are no outputs of the graph, so another run has no score.
  const measure =
    holdout && !token
      ? (probe: Probe) =>
          measureScores(holdout, manifest, readGraphPredictions(manifest, graph, probe, rows.length))
      : undefined;
  const runGuesses = [
    ...(byPosition ? await guessColumnOrder({ onnx, tokenizer, wide }, run, measured, measure) : []),
    ...(source.image ? [] : await guessImagePreparation({ onnx, tokenizer, wide }, run, measured, measure)),
    ...(await guessCodes({ onnx, tokenizer, wide }, run, measured, measure)),
    ...(await guessPairOrder({ onnx, tokenizer, wide }, run, measured, measure)),
    // A model of entities refuses a text that it would cut off.
    ...(output.task === "entities"
      ? []
      : await guessTruncation({ onnx, tokenizer, wide }, run, measured, measure)),
  ];
  const reviewed = draftWith([...[...taskGuesses, ...runGuesses].map(formatScoredGuess), ...guesses]);
  const files = new Map([
    [
      "model.yaml",
      encode(
        formatManifest(
          reviewed(inferGates(measured, run.probe.milliseconds), measured.map(formatScore).join(", ")),
        ),
      ),
    ],
    ["model.onnx", onnx],
    ...(tokenizer ? ([["tokenizer.json", tokenizer.bytes]] as const) : []),
    ...(holdoutFile ? ([["holdout.csv", holdoutFile]] as const) : []),
    [
      "golden.json",
      encode(
        `${JSON.stringify(compared?.golden ?? createGolden(rows, predictions, 0, goldenRules), undefined, 1)}\n`,
      ),
    ],
  ]);
  return {
    files,
    scoredGuesses: [...taskGuesses, ...(output.scoredGuesses ?? []), ...runGuesses],
    guesses: [
      ...(choice?.guess === undefined ? [] : [choice.guess]),
      "inputs: types, ranges and categories come from the data",
      ...guesses,
      ...run.inputs.flatMap(({ input, remark }) =>
        // An image's preparation changes the numbers, and is among the first guesses.
        remark.startsWith("review: ") && input.type !== "image"
          ? [`${input.name}: ${remark.slice("review: ".length)}`]
          : [],
      ),
      ...output.guesses,
      ...(source.owner === undefined ? ["owner: a placeholder, because --owner is missing"] : []),
      ...(source.approvers.length === 0 ? ["approvers: policy.yaml's, because --approver is missing"] : []),
    ],
    notes: [
      ...[...(source.onnxChanges ?? []), ...prepared.changes].map((change) => `model.onnx: ${change}.`),
      ...describeBatch(graph),
      ...table.notes,
      ...run.notes,
      ...(token?.notes ?? []),
      ...(output.task === "embedding"
        ? targets.map((target) => `${target} is not used: an embedding has no truth.`)
        : []),
      ...(compared ? [compared.note] : []),
      ...(skippedRows > 0
        ? [`Skipped ${skippedRows} of ${table.rows} rows without the target or a required input.`]
        : []),
      ...describeRareLabels(holdout, run.usable),
    ],
    measured,
    rows: rows.length,
    doubt: holdout && compareWithBaseline(holdout, manifest, measured),
  };
};
