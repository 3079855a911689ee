/**
 * Checks a model's folder in a separate process: `node check-process.ts <folder> <model name>`. It writes messages as
 * JSON lines to file descriptor 3, because a model's native code may write to the others.
 */

import { readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { compileGraph } from "#inference/model/compiled/compile-graph.ts";
import { type LoadedModel, loadModel } from "#inference/model/load-model.ts";
import { assertLinearTokenizer } from "#inference/text/assert-linear-tokenizer.ts";
import { TextRefused } from "#inference/text/text-refused.ts";
import { type FolderProblem, stopsDelivery } from "#model-folder/manifest/folder-problem.ts";
import { getArtifactFile } from "#model-folder/manifest/get-artifact-file.ts";
import { listTextInputs } from "#model-folder/manifest/list-text-inputs.ts";
import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { areShares } from "#model-folder/rows/are-shares.ts";
import { findGoldenDifferences, type GoldenRowComparison } from "#model-folder/rows/compare-golden.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { checkFiles } from "./check-files.ts";
import type { CheckMessage } from "./check-model.ts";
import { findEngineDifferences } from "./find-engine-differences.ts";
import { findUnstableAnswers } from "./find-unstable-answers.ts";

const sendMessage = (message: CheckMessage): void => {
  writeSync(3, `${JSON.stringify(message)}\n`);
};

const [, , folder = "", model = ""] = process.argv;
const files = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
const { run, ...problems } = checkFiles({ model, files }, (file) => sendMessage({ kind: "reading", file }));
sendMessage({
  kind: "read",
  folder: [...problems.folder],
  graph: [...problems.graph],
  runs: run !== undefined,
});

const formatDifference = (comparison: GoldenRowComparison): string => {
  if (comparison.status === "incomparable") return `this row ${comparison.reason}`;
  const { name, expected, actual } = comparison.largest;
  return `${name} is ${actual} here and was ${expected} at training`;
};

const loadRun = (manifest: Manifest, plan?: "onnxruntime"): Promise<LoadedModel> => {
  const tokenizer = manifest.tokenizer && files.get(manifest.tokenizer.file);
  if (tokenizer) assertLinearTokenizer(tokenizer);
  return loadModel({
    manifest,
    model: { path: join(folder, getArtifactFile(manifest)) },
    tokenizer,
    plan,
  });
};

/** Nothing to compare where onnxruntime serves. */
const compareEngines = async (
  { manifest, golden, holdout }: NonNullable<typeof run>,
  compiled: LoadedModel,
): Promise<FolderProblem[]> => {
  const file = getArtifactFile(manifest);
  const result = compileGraph(files.get(file) ?? new Uint8Array());
  if (compiled.engine.name !== "compiled" || result.status !== "compiled") return [];
  const onnxruntime = await loadRun(manifest, "onnxruntime");
  try {
    return await findEngineDifferences({
      ...{ manifest, file, compiled, onnxruntime },
      ...{ golden: golden.rows, holdout, graph: result.graph, ensembles: result.ensembles },
    });
  } finally {
    await onnxruntime.release();
  }
};

const checkGolden = async (inputs: NonNullable<typeof run>): Promise<FolderProblem[]> => {
  const { manifest, golden, unstable, sequenceInput } = inputs;
  const loadedModel = await loadRun(manifest);
  const engines = await compareEngines(inputs, loadedModel);
  if (engines.some(stopsDelivery)) return engines;
  const started = performance.now();
  const predictions = await loadedModel.predict(golden.rows);
  const unstableAnswers = await findUnstableAnswers({
    model: loadedModel,
    file: getArtifactFile(manifest),
    golden,
    operators: unstable,
    sequenceInput,
    rowMs: (performance.now() - started) / golden.rows.length,
  });
  const [first, ...others] = findGoldenDifferences(golden, predictions);
  // With random answers the golden vectors differ too; the cause is named once.
  return first && !unstableAnswers.some(stopsDelivery)
    ? [
        ...engines,
        ...unstableAnswers,
        {
          severity: "warning",
          file: "golden.json",
          path: `predictions[${first.row}]`,
          message: `${formatDifference(first)} (rows that differ by more than ${golden.tolerance}: ${others.length + 1})`,
          remedy:
            "Commit model.onnx, model.yaml and golden.json of the same training run, otherwise the delivery ends in GoldenVectorsDiffer. After a change in model.yaml run `slipway new` again with the option for it and --force.",
          failsDelivery: true,
        },
      ]
    : [...engines, ...unstableAnswers];
};

/** With one score per row, a few logits can all be between 0 and 1 by chance. */
const leastSingleRows = 20;

type LogitScores = {
  /** In the manifest. */
  readonly path: string;
  /** The scores of each golden row. */
  readonly rows: readonly (readonly number[])[];
  /** Whether the sum of a row says something. */
  readonly hasSums: boolean;
};

/** The manifest with scores as the graph gives them, and where its logits are then; undefined: it says no logits. */
const readAsProbabilities = (manifest: Manifest) => {
  const pick = (scores: Readonly<Record<string, number>> | undefined, labels: readonly string[]) =>
    labels.map((label) => getOwnProperty(scores ?? {}, label) ?? Number.NaN);
  const scores = "probabilities" as const;
  switch (manifest.task) {
    case "classification":
    case "multilabel": {
      const { labels, scores: kind } = manifest.output;
      if (kind !== "logits") return undefined;
      const list = (predictions: readonly Prediction[]): LogitScores[] => {
        const rows = predictions.map((prediction) => pick(prediction.scores, labels));
        // The other label's share is 1 minus the one score, so that sums say nothing there.
        const areSingle = labels.length === 2 && rows.every(([one = 0, other = 0]) => one === 1 - other);
        return [{ path: "output.scores", rows, hasSums: manifest.task === "classification" && !areSingle }];
      };
      return manifest.task === "classification"
        ? { raw: { ...manifest, output: { ...manifest.output, scores } }, list }
        : {
            raw: { ...manifest, output: { ...manifest.output, scores, threshold: 0.5, thresholds: {} } },
            list,
          };
    }
    case "multioutput": {
      const { heads } = manifest.output;
      if (!heads.some((head) => head.scores === "logits")) return undefined;
      return {
        raw: { ...manifest, output: { heads: heads.map((head) => ({ ...head, scores })) } },
        list: (predictions: readonly Prediction[]): LogitScores[] =>
          heads.flatMap((head, index) => {
            if (head.scores !== "logits") return [];
            const rows = predictions.map(({ heads: predicted = {} }) =>
              pick(getOwnProperty(predicted, head.name)?.scores, head.labels),
            );
            const areSingle =
              head.labels.length === 2 && rows.every(([one = 0, other = 0]) => one === 1 - other);
            return [{ path: `output.heads[${index}].scores`, rows, hasSums: !areSingle }];
          }),
      };
    }
    default:
      return undefined;
  }
};

/**
 * Logits whose rows are all shares are probabilities already: softmax would flatten them. The graph runs a second time,
 * read as probabilities, because a prediction no longer shows what the graph gave.
 */
const checkLogits = async ({ manifest, golden }: NonNullable<typeof run>): Promise<FolderProblem[]> => {
  const reading = readAsProbabilities(manifest);
  if (!reading) return [];
  const raw = await loadRun(reading.raw);
  const predictions = await raw.predict(golden.rows);
  await raw.release();
  return reading
    .list(predictions)
    .filter(
      ({ rows, hasSums }) =>
        areShares(rows, { sums: hasSums }) && (hasSums || rows.length >= leastSingleRows),
    )
    .map(({ path, rows, hasSums }) => ({
      severity: "error",
      file: "model.yaml",
      path,
      message: `scores: logits, but the graph's scores are probabilities in all ${rows.length} golden rows (from 0 to 1${hasSums ? ", with sums of 1" : ""}): they would become probabilities a second time`,
      remedy: "Remove scores: logits, and write golden.json again with the predictions that Python gives.",
    }));
};

/** Above it, one run can take longer than a check may. */
const mostTokensTried = 1_024;

/**
 * Predicts texts as long as the manifest allows: a transformer's table of positions can be shorter than tokenizer.maxTokens,
 * and golden rows are often short.
 */
const checkLongTexts = async ({ manifest, golden }: NonNullable<typeof run>): Promise<FolderProblem[]> => {
  const [row] = golden.rows;
  const maxTokens = manifest.tokenizer?.maxTokens ?? 0;
  if (!row || maxTokens === 0 || maxTokens > mostTokensTried) return [];
  const names = listTextInputs(manifest);
  // Room for the special tokens, because a model of entities refuses a text that it would cut off.
  const most = Math.floor((maxTokens - 4) / names.length);
  const long = names.map((name) => {
    const input = manifest.inputs.find((each) => each.name === name);
    const characters = input?.type === "string" ? input.maxLength : 0;
    return [name, "a ".repeat(Math.max(1, Math.min(most, Math.floor(characters / 2)))).trim()] as const;
  });
  const model = await loadRun(manifest);
  try {
    await model.predict([{ ...row, ...Object.fromEntries(long) }]);
    return [];
  } catch (error) {
    if (error instanceof TextRefused) return [];
    const words = Math.max(...long.map(([, text]) => text.split(" ").length));
    return [
      {
        severity: "warning",
        file: "model.yaml",
        path: "tokenizer.maxTokens",
        message: `the model cannot predict a text of ${words} words, although maxTokens is ${maxTokens}: such a request is refused (422)`,
        remedy:
          "Write the number of tokens of the training (max_position_embeddings in config.json), or run `slipway new` with --max-tokens.",
      },
    ];
  } finally {
    await model.release();
  }
};

if (run) {
  const graph = await checkGolden(run).catch((error: unknown): FolderProblem[] => {
    const file = getArtifactFile(run.manifest);
    const reason = error instanceof Error ? error.message.slice(0, 4_000) : String(error);
    if (error instanceof ModelUnreadable && error.remedy !== undefined)
      return [{ severity: "error", file, path: "", message: reason, remedy: error.remedy }];
    return [
      {
        severity: "error",
        file,
        path: "",
        message: `the model cannot predict its golden rows: ${reason}`,
        remedy: "Run it in Python with ONNX Runtime on these rows, then export it again.",
      },
    ];
  });
  const failed = graph.some(({ severity }) => severity === "error");
  sendMessage({
    kind: "ran",
    graph,
    checkOnly: failed ? [] : [...(await checkLogits(run)), ...(await checkLongTexts(run))],
  });
}
