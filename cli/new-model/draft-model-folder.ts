import { UsageMistake } from "#cli/errors.ts";
import { readPredictions } from "#inference/model/read-predictions.ts";
import type { Gates, Golden, Manifest, Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { findOutput } from "#model-folder/onnx/find-output.ts";
import { inspectOnnx, type OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { isLabelTensor } from "#model-folder/onnx/output-candidates.ts";
import type { Holdout } from "#model-folder/rows/holdout.ts";
import { countRowElements } from "#model-folder/rows/limit-rows.ts";
import { findGroupColumn, listTruthColumns } from "#model-folder/rows/list-truth-columns.ts";
import { parseHoldout } from "#model-folder/rows/parse-holdout.ts";
import { assertSupportedGraph } from "./assert-supported-graph.ts";
import { isMissing, isNumber } from "./csv-cells.ts";
import { formatHoldout } from "./format-holdout.ts";
import { formatManifest, type NewManifest } from "./format-manifest.ts";
import { holdsArrays, inferArrayInput } from "./infer-array-input.ts";
import { inferGates, type MeasuredScore, measureScores } from "./infer-gates.ts";
import { type InferredInput, inferInput, inferText } from "./infer-input.ts";
import { type InferredOutput, inferOutput } from "./infer-output.ts";
import { inferTask } from "./infer-task.ts";
import { matchArrayColumns } from "./match-array-columns.ts";
import { matchColumns, matchTextColumn } from "./match-columns.ts";
import { measureBaseline } from "./measure-baseline.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import type { Probe, Tokenizer } from "./probe-model.ts";
import { type CsvTable, readCsvTable } from "./read-csv-table.ts";
import { readGraphOutputs } from "./read-graph-outputs.ts";
import { type ReadFile, readImageFiles } from "./read-image-files.ts";
import { readJsonLines } from "./read-json-lines.ts";
import { type GraphRun, runGraphOnRows } from "./run-graph-on-rows.ts";
import type { InferredTask, TaskOptions } from "./task-evidence.ts";

export type ModelSource = {
  readonly name: string;
  readonly onnx: Uint8Array;
  readonly csv: Uint8Array;
  /** The table's name, for messages; JSON lines end in .jsonl or .ndjson. */
  readonly csvName: string;
  /** Reads an image that the table names by its path; absent: paths are texts. */
  readonly readFile?: ReadFile | undefined;
  /** Label columns: one, or one per value of a regression with several values, or per label of several; none: no truth. */
  readonly targets: readonly string[];
  /** What the caller says about the output; absent: graph, rows and targets decide. */
  readonly options?: TaskOptions | undefined;
  /** Only for a text model. */
  readonly tokenizer: Tokenizer | undefined;
  /** Columns that are not inputs of the model. */
  readonly ignored: readonly string[];
  readonly owner: string | undefined;
  readonly approvers: readonly string[];
  /** The approvers of the platform's policy, where `approvers` is empty. */
  readonly policyApprovers: readonly string[];
};

/** A model's folder, with everything that a person should review. */
export type ModelFolderDraft = {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly guesses: readonly string[];
  readonly notes: readonly string[];
  readonly measured: readonly MeasuredScore[];
  readonly rows: number;
  /** Set if the model is no better than a constant prediction. */
  readonly doubt: string | undefined;
};

const seed = "slipway new";
const noOptions: TaskOptions = { task: undefined, group: undefined, quantiles: undefined };
/** A text takes some hundred times as long as a row of numbers. */
const sampleSizes = { rows: 1_000, texts: 200, elements: 2_000_000 };
const goldenRows = 20;
const anyGates: Gates = { latencyP95Ms: 1, imageSizeMb: 1, vulnerabilities: { critical: 0, high: 0 } };
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const formatNumber = (value: number): string => String(Number(value.toPrecision(3)));

const listFeatureColumns = (
  { targets, ignored, csvName, options }: ModelSource,
  table: CsvTable,
): readonly string[] => {
  const group = options?.group === undefined ? [] : [options.group];
  for (const name of [...targets, ...group, ...ignored])
    if (!table.columns.has(name))
      throw new UsageMistake(
        `${csvName} has no column ${name} (it has ${[...table.columns.keys()].slice(0, 20).join(", ")}).`,
      );
  const others = new Set([...targets, ...group, ...ignored]);
  return [...table.columns.keys()].filter((name) => !others.has(name));
};

const readTable = async ({ csv, csvName, readFile }: ModelSource): Promise<CsvTable> => {
  const table = /\.(jsonl|ndjson)$/i.test(csvName) ? readJsonLines(csv, csvName) : readCsvTable(csv, csvName);
  return readFile ? readImageFiles(table, readFile) : table;
};

/** Rows of arrays take more time and more place in golden.json and holdout.csv. */
const countSampleRows = (inputs: readonly InferredInput[], tokenizer: Tokenizer | undefined): number => {
  const elements = countRowElements(inputs.map(({ input }) => input));
  const most = tokenizer ? sampleSizes.texts : sampleSizes.rows;
  return elements === 0 ? most : Math.max(20, Math.min(most, Math.floor(sampleSizes.elements / elements)));
};

const inferInputs = (
  source: ModelSource,
  graph: OnnxSummary,
  table: CsvTable,
): { readonly guesses: readonly string[]; readonly inputs: readonly InferredInput[] } => {
  const columns = listFeatureColumns(source, table);
  const cells = (column: string): readonly string[] => table.columns.get(column) ?? [];
  if (source.tokenizer) {
    const match = matchTextColumn(columns);
    return { guesses: [], inputs: [inferText(match, cells(match.column))] };
  }
  const arrays = matchArrayColumns(graph.inputs, columns, (column) => holdsArrays(cells(column)));
  const arrayInputs = arrays.matches.map(({ value, column }) =>
    inferArrayInput(value, column, cells(column)),
  );
  if (arrays.matches.length > 0 && arrays.inputs.length === 0 && arrays.columns.length === 0)
    return { guesses: [], inputs: arrayInputs };
  const { matches, guesses } = matchColumns(arrays.inputs, arrays.columns, (column) =>
    cells(column).some((text) => !isMissing(text, false) && !isNumber(text)),
  );
  return {
    guesses,
    inputs: [...arrayInputs, ...matches.map((match) => inferInput(match, cells(match.column)))],
  };
};

/** Libraries write the same class as 1.0 or as 1. */
const asLabels = (cells: readonly string[]): readonly string[] =>
  cells.every((text) => isNumber(text) && Number.isSafeInteger(Number(text)))
    ? cells.map((text) => String(Number(text)))
    : cells;

/** The predictions that the runtime will return for these outputs of the graph. */
const readGraphPredictions = (
  manifest: Manifest,
  graph: OnnxSummary,
  { outputs }: Probe,
  rows: number,
): Prediction[] => {
  const output = findOutput(manifest, graph.outputs);
  if (output.status === "missing") throw new NewModelRefused(output.message, output.remedy);
  const data = output.names.map((name) => {
    const value = graph.outputs.find((each) => each.name === name);
    const cells = outputs.find((each) => each.name === name)?.data ?? [];
    if (value?.kind === "tensor" && value.type === "float64") return Float64Array.from(cells, Number);
    return value && isLabelTensor(value) ? cells.map(String) : Float32Array.from(cells, Number);
  });
  return readPredictions(manifest, output.width)(data, rows);
};

const createGolden = (rows: readonly Row[], predictions: readonly Prediction[]): Golden => {
  const step = Math.max(1, Math.floor(rows.length / goldenRows));
  const chosen = rows.flatMap((row, at) => {
    const prediction = predictions[at];
    return at % step === 0 && prediction ? [{ row, prediction }] : [];
  });
  const kept = chosen.slice(0, goldenRows);
  const largest = Math.max(
    ...kept.flatMap(({ prediction }) => Object.values(prediction.scores).map(Math.abs)),
  );
  return {
    // A float32 has seven digits; long sums differ in the sixth between machines.
    tolerance: Math.min(0.01, Math.max(1e-5, Number((largest * 1e-6).toPrecision(1)))),
    rows: kept.map(({ row }) => row),
    predictions: kept.map(({ prediction }) => prediction),
  };
};

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
    : `The model is no better than a constant prediction (${baseline.name} ${formatNumber(score)}, constant ${formatNumber(baseline.score)}). Check that the CSV's columns are in the order of training, and that --target is right.`;
};

/** The holdout's columns beside the inputs; undefined: the rows have no truth. */
const collectTruth = (
  manifest: Manifest,
  output: InferredOutput | InferredTask,
  truth: GraphRun["usable"]["truth"],
): ReadonlyMap<string, readonly string[]> | undefined => {
  const [first = []] = truth.values();
  const cells =
    "output" in output
      ? output.truth
      : output.task === "regression"
        ? output.names.map((name) => truth.get(name) ?? first)
        : [asLabels(first)];
  const group = findGroupColumn(manifest);
  return cells.length === 0
    ? undefined
    : new Map([
        ...listTruthColumns(manifest).map((name, index) => [name, cells[index] ?? []] as const),
        ...(group === undefined ? [] : [[group, truth.get(group) ?? []] as const]),
      ]);
};

const createManifestDraft = (
  source: ModelSource,
  matchGuesses: readonly string[],
  run: GraphRun,
  output: InferredOutput | InferredTask,
) => {
  const { name, owner, approvers, policyApprovers, tokenizer } = source;
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
    ...(tokenizer ? { tokenizer: { file: "tokenizer.json", maxTokens: tokenizer.maxTokens } } : {}),
  });
};

/**
 * Drafts a model's folder from an ONNX file and a CSV, and writes nothing. It reads the graph, the data and a run of some
 * rows; it guesses the rest and marks each guess. Throws UsageMistake for an unknown column, ModelUnreadable for an
 * unreadable ONNX file, NewModelRefused where graph and CSV do not fit.
 */
export const draftModelFolder = async (source: ModelSource): Promise<ModelFolderDraft> => {
  const graph = inspectOnnx(source.onnx);
  assertSupportedGraph(graph, source.tokenizer !== undefined);
  const table = await readTable(source);
  const { guesses, inputs } = inferInputs(source, graph, table);
  const { onnx, tokenizer, options = noOptions } = source;
  const { group } = options;
  const draw = { seed, most: countSampleRows(inputs, tokenizer), group };
  const targets = [...source.targets, ...(group === undefined ? [] : [group])];
  const wide = options.task === "tensors" || (options.task === undefined && source.targets.length === 0);
  const run = await runGraphOnRows({ onnx, tokenizer, table, targets, draw, wide }, inputs);
  const { rows, truth, skippedRows } = run.usable;
  const labels = new Map(source.targets.map((target) => [target, asLabels(truth.get(target) ?? [])]));
  const { outputs } = run.probe;
  const output =
    inferTask({
      graph,
      outputs: readGraphOutputs(graph.outputs, outputs, rows.length),
      rows: rows.length,
      targets: labels,
      options,
    }) ?? inferOutput({ graph, outputs, targets: labels });
  const draft = createManifestDraft(source, guesses, run, output);
  const manifest = readManifest(formatManifest(draft(anyGates, "")));
  const predictions = readGraphPredictions(manifest, graph, run.probe, rows.length);
  const names = run.inputs.map(({ input }) => input.name);
  const columns = collectTruth(manifest, output, truth);
  const holdoutFile = columns && encode(formatHoldout(names, rows, columns));
  const holdout = holdoutFile && parseHoldout(holdoutFile, manifest);
  const measured = holdout ? measureScores(holdout, manifest, predictions) : [];
  const files = new Map([
    [
      "model.yaml",
      encode(
        formatManifest(
          draft(inferGates(measured, run.probe.milliseconds), measured.map(formatScore).join(", ")),
        ),
      ),
    ],
    ["model.onnx", onnx],
    ...(tokenizer ? ([["tokenizer.json", tokenizer.bytes]] as const) : []),
    ...(holdoutFile ? ([["holdout.csv", holdoutFile]] as const) : []),
    ["golden.json", encode(`${JSON.stringify(createGolden(rows, predictions), undefined, 1)}\n`)],
  ]);
  return {
    files,
    guesses: [
      "inputs: types, ranges and categories come from the data",
      ...guesses,
      ...run.inputs.flatMap(({ input, remark }) =>
        remark.startsWith("review: ") ? [`${input.name}: ${remark.slice("review: ".length)}`] : [],
      ),
      ...output.guesses,
      ...(source.owner === undefined ? ["owner: a placeholder, because --owner is missing"] : []),
      ...(source.approvers.length === 0 ? ["approvers: policy.yaml's, because --approver is missing"] : []),
    ],
    notes: [
      ...table.notes,
      ...run.notes,
      ...(skippedRows > 0
        ? [`Skipped ${skippedRows} of ${table.rows} rows without the target or a required input.`]
        : []),
    ],
    measured,
    rows: rows.length,
    doubt: holdout && compareWithBaseline(holdout, manifest, measured),
  };
};
