import type { TokenBatch } from "#inference/text/token-batch.ts";
import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { valueNames } from "#model-folder/manifest/value-names.ts";
import { assertFinite, type Numbers } from "./assert-finite.ts";
import { clampShare } from "./clamp-share.ts";
import { readAnomalies } from "./read-anomalies.ts";
import { readClusters } from "./read-clusters.ts";
import { readEmbeddings } from "./read-embeddings.ts";
import { readEntities } from "./read-entities.ts";
import { readHeads } from "./read-heads.ts";
import { readLabelSets } from "./read-label-sets.ts";
import { readLabels } from "./read-labels.ts";
import { readTensors } from "./read-tensors.ts";

type Classification = Extract<Manifest, { task: "classification" }>;

const toBand = (score: number, { low, high }: { low: number; high: number }): Prediction["band"] =>
  score < low ? "low" : score >= high ? "high" : "medium";

/** Expands the second label's probability to the scores of both labels. */
const expandBinaryScores = (second: Numbers): Numbers => {
  const both = new Float64Array(second.length * 2);
  for (const [row, score] of second.entries()) {
    both[row * 2] = 1 - score;
    both[row * 2 + 1] = score;
  }
  return both;
};

/** Converts logits to probabilities in place, row by row. Subtracting the largest logit avoids overflow. */
const softmax = (logits: Numbers, width: number): Numbers => {
  for (let start = 0; start < logits.length; start += width) {
    const end = start + width;
    let largest = Number.NEGATIVE_INFINITY;
    for (let index = start; index < end; index++) largest = Math.max(largest, logits[index] ?? 0);
    let sum = 0;
    for (let index = start; index < end; index++) sum += Math.exp((logits[index] ?? 0) - largest);
    for (let index = start; index < end; index++)
      logits[index] = Math.exp((logits[index] ?? 0) - largest) / sum;
  }
  return logits;
};

const toScores = (
  { output: { labels, scores } }: Pick<Classification, "output">,
  data: Numbers,
  isSingle: boolean,
): Numbers => {
  if (!isSingle) return scores === "logits" ? softmax(data, labels.length) : data;
  return expandBinaryScores(scores === "logits" ? data.map((logit) => 1 / (1 + Math.exp(-logit))) : data);
};

/** The raw values of two labels' decision function; above 0 the label is the positive one. */
const createDecisionReader = (
  { output: { labels, labelOutput } }: Classification,
  positive: string,
): ReadPredictions => {
  const known = new Set(labels);
  const column = labels.indexOf(positive);
  const negative = labels[1 - column] ?? "";
  return ([data, labelData], rows) => {
    const values = assertFinite(data, rows, rows * 2);
    const isPair = values.length === rows * 2;
    const given = labelOutput === undefined ? undefined : readLabels(labelData, rows, known);
    return Array.from({ length: rows }, (_, row) => {
      const score = values[isPair ? row * 2 + column : row] ?? 0;
      return { label: given?.[row] ?? (score > 0 ? positive : negative), scores: { [positive]: score } };
    });
  };
};

const createLabelReader = ({ output: { labels } }: Classification): ReadPredictions => {
  const known = new Set(labels);
  return ([data], rows) => readLabels(data, rows, known).map((label) => ({ label, scores: {} }));
};

const createClassificationReader = (
  manifest: Pick<Classification, "output">,
  isSingle: boolean,
): ReadPredictions => {
  const { labels, positive, bands, labelOutput } = manifest.output;
  const width = labels.length;
  const positiveIndex = positive === undefined ? -1 : labels.indexOf(positive);
  const areShares = manifest.output.scores === "probabilities";
  const known = new Set(labels);
  return ([data, labelData], rows) => {
    const values = toScores(manifest, assertFinite(data, isSingle ? rows : rows * width), isSingle);
    const given = labelOutput === undefined ? undefined : readLabels(labelData, rows, known);
    const predictions = new Array<Prediction>(rows);
    for (let row = 0, start = 0; row < rows; row++, start += width) {
      const scores: Record<string, number> = {};
      let best = 0;
      let highest = Number.NEGATIVE_INFINITY;
      for (let index = 0; index < width; index++) {
        const score = values[start + index] ?? 0;
        scores[labels[index] ?? ""] = areShares ? clampShare(score) : score;
        if (score > highest) {
          highest = score;
          best = index;
        }
      }
      const label = given?.[row] ?? labels[best] ?? "";
      predictions[row] = bands
        ? { label, scores, band: toBand(values[start + positiveIndex] ?? 0, bands) }
        : { label, scores };
    }
    return predictions;
  };
};

const chooseClassificationReader = (manifest: Classification, width: number): ReadPredictions => {
  const { scores, positive, labels } = manifest.output;
  if (scores === "none") return createLabelReader(manifest);
  return scores === "decision" && labels.length === 2 && positive !== undefined
    ? createDecisionReader(manifest, positive)
    : createClassificationReader(manifest, width === 1);
};

/** Reads values from one row-major tensor, or from one tensor per value. */
const createRegressionReader =
  (names: readonly string[], width: number): ReadPredictions =>
  (data, rows) => {
    const tensors = data.map((tensor) => assertFinite(tensor, rows * width));
    return Array.from({ length: rows }, (_, row) => {
      const values = tensors.flatMap((tensor) => [...tensor.subarray(row * width, (row + 1) * width)]);
      const scores = Object.fromEntries(names.map((name, index) => [name, values[index] ?? 0]));
      return names.length === 1 ? { value: values[0] ?? 0, scores } : { scores };
    });
  };

type ReadPredictions = (data: readonly unknown[], rows: number, tokens?: TokenBatch) => Prediction[];

/**
 * Converts the model's outputs to predictions: the label (the graph's own where the manifest names its output, otherwise
 * the one with the highest score, the first of equal ones), the scores, and the band of the positive label's score (`low` below, `high` from there on); or the values by name. Throws
 * OutputNotFinite, so that no response ever contains NaN.
 * @param width numbers per row in each output (findOutput)
 * @returns a function that also takes the rows' tokens, for a model with a tokenizer
 */
export const readPredictions = (manifest: Manifest, width: number): ReadPredictions => {
  switch (manifest.task) {
    case "classification":
      return chooseClassificationReader(manifest, width);
    case "regression":
      return createRegressionReader(valueNames(manifest.output), width);
    case "multilabel":
      return readLabelSets(manifest.output);
    case "anomaly":
      return readAnomalies(manifest.output);
    case "clustering":
      return readClusters(manifest.output);
    case "ranking":
      return createRegressionReader([manifest.output.name], width);
    case "embedding":
      return readEmbeddings(manifest.output);
    case "entities":
      return readEntities(manifest.output);
    case "tensors":
      return readTensors(manifest.output);
    case "multioutput":
      return readHeads(manifest.output.heads, ({ labels, scores }, isSingle) =>
        createClassificationReader({ output: { labels, scores, labelType: "string" } }, isSingle),
      );
    default:
      return manifest satisfies never;
  }
};
