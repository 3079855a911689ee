import { supportedVersions } from "#inference/model/supported-versions.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { findBatchSize } from "#model-folder/onnx/find-batch-size.ts";
import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { prepareOnnx } from "#model-folder/onnx/prepare-onnx.ts";
import type { Holdout } from "#model-folder/rows/holdout.ts";
import { parseHoldout } from "#model-folder/rows/parse-holdout.ts";
import { assertGroup } from "./assert-group.ts";
import { assertOutputsFit, countOutputElements } from "./assert-outputs-fit.ts";
import { assertSupportedGraph } from "./assert-supported-graph.ts";
import { chooseMaxTokens } from "./choose-max-tokens.ts";
import { collectTruth } from "./collect-truth.ts";
import { compareWithBaseline } from "./compare-with-baseline.ts";
import { countGoldenRows, countSampleRows } from "./count-sample-rows.ts";
import { createGolden, createPredictedGolden, leastTolerance } from "./create-golden.ts";
import { anyGates, createManifestDraft } from "./create-manifest-draft.ts";
import { draftTokenModel } from "./draft-token-model.ts";
import { formatHoldout } from "./format-holdout.ts";
import { formatManifest } from "./format-manifest.ts";
import { guessCodes } from "./guess-codes.ts";
import { guessImagePreparation } from "./guess-image-preparation.ts";
import { guessColumnOrder, guessPairOrder, guessTruncation } from "./guess-run-alternatives.ts";
import { guessMixture } from "./infer-clustering.ts";
import { inferGates, type MeasuredScore, measureScores } from "./infer-gates.ts";
import { inferInputs } from "./infer-inputs.ts";
import { inferOutput } from "./infer-output.ts";
import { inferTask } from "./infer-task.ts";
import type { ModelSource } from "./model-source.ts";
import type { Probe } from "./probe-model.ts";
import { readGraphOutputs } from "./read-graph-outputs.ts";
import { readGraphPredictions } from "./read-graph-predictions.ts";
import { readSourceTable } from "./read-source-table.ts";
import { readTarget } from "./read-target.ts";
import { refuseUnusedOptions } from "./refuse-unused-options.ts";
import { type GraphRun, runGraphOnRows } from "./run-graph-on-rows.ts";
import { formatScoredGuess, type ScoredGuess } from "./scored-guess.ts";
import type { TaskEvidence } from "./task-evidence.ts";

/** A model's folder, with everything that a person should review. */
export type ModelFolderDraft = {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Guesses that change predictions or their score. */
  readonly scoredGuesses: readonly ScoredGuess[];
  readonly guesses: readonly string[];
  readonly notes: readonly string[];
  /** That another implementation's predictions are the same; undefined: there are none. */
  readonly agreement: string | undefined;
  readonly measured: readonly MeasuredScore[];
  readonly rows: number;
  /** Set if the model is no better than a constant prediction. */
  readonly doubt: string | undefined;
};

const seed = "slipway new";
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const formatNumber = (value: number): string => String(Number(value.toPrecision(3)));

/**
 * Whether outputs of more than two dimensions can be predictions: where the caller says so, or nothing says what the model
 * does. Not of a text, whose tokens' hidden states would have the padding of a batch.
 */
const isWide = ({ targets, options, tokenizer }: ModelSource): boolean =>
  options?.task === "tensors" ||
  (options?.task === undefined && targets.length === 0 && tokenizer === undefined);

/** Whether an output can have one result per row; with a tokenizer a graph can have only results per token. */
const hasRowOutputs = ({ outputs }: OnnxSummary): boolean =>
  outputs.some((value) => value.kind === "tensor" && (value.shape?.length ?? 2) <= 2);

const hasDecisionTrees = ({ nodeList }: OnnxSummary): boolean =>
  nodeList.nodes.some(({ operator }) => operator.startsWith("TreeEnsemble"));

const formatScore = ({ words, score }: MeasuredScore): string =>
  `${words} ${formatNumber(score.estimate)} (${formatNumber(score.low)} to ${formatNumber(score.high)})`;

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

const describeBatch = ({ inputs }: OnnxSummary): readonly string[] => {
  const batch = findBatchSize(inputs);
  return batch.status === "fixed"
    ? [
        `The graph takes exactly ${batch.rows} ${batch.rows === 1 ? "row" : "rows"} per run: requests are split, and the last batch is filled with copies of its last row. An open first dimension is faster.`,
      ]
    : [];
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
  const { isMissingTarget, readLabels, known, stratify } = readTarget(source, table, graph);
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
      ...(skippedRows > 0
        ? [`Skipped ${skippedRows} of ${table.rows} rows without the target or a required input.`]
        : []),
      ...describeRareLabels(holdout, run.usable),
    ],
    agreement: compared?.note,
    measured,
    rows: rows.length,
    doubt: holdout && compareWithBaseline(holdout, manifest, measured),
  };
};
