import type { TokenBatch } from "#inference/text/token-batch.ts";
import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { valueNames } from "#model-folder/manifest/value-names.ts";
import { assertFinite } from "./assert-finite.ts";
import { readAnomalies } from "./read-anomalies.ts";
import { readClusters } from "./read-clusters.ts";
import { readEmbeddings } from "./read-embeddings.ts";
import { readEntities } from "./read-entities.ts";
import { readHeads } from "./read-heads.ts";
import { readLabelSets } from "./read-label-sets.ts";
import { readLabels } from "./read-labels.ts";
import { type ReadScoreColumns, readClassificationColumns, readValueColumns } from "./read-score-columns.ts";
import { readTensors } from "./read-tensors.ts";
import { readScoreRow } from "./score-columns.ts";

type Classification = Extract<Manifest, { task: "classification" }>;

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

const chooseClassificationReader = (manifest: Classification, width: number): ReadPredictions => {
  const { scores, positive, labels } = manifest.output;
  if (scores === "none") return createLabelReader(manifest);
  return scores === "decision" && labels.length === 2 && positive !== undefined
    ? createDecisionReader(manifest, positive)
    : toRows(readClassificationColumns(manifest, width === 1));
};

type ReadPredictions = (data: readonly unknown[], rows: number, tokens?: TokenBatch) => Prediction[];

const toRows =
  (read: ReadScoreColumns): ReadPredictions =>
  (data, rows) => {
    const columns = read(data, rows);
    return Array.from({ length: rows }, (_, row) => readScoreRow(columns, row));
  };

/**
 * Converts the model's outputs to predictions, one object a row. Throws OutputNotFinite, so that no response ever contains
 * NaN.
 * @param width numbers per row in each output (findOutput)
 * @returns a function that also takes the rows' tokens, for a model with a tokenizer
 */
export const readPredictions = (manifest: Manifest, width: number): ReadPredictions => {
  switch (manifest.task) {
    case "classification":
      return chooseClassificationReader(manifest, width);
    case "regression":
      return toRows(readValueColumns(valueNames(manifest.output), width));
    case "multilabel":
      return readLabelSets(manifest.output);
    case "anomaly":
      return readAnomalies(manifest.output);
    case "clustering":
      return readClusters(manifest.output);
    case "ranking":
      return toRows(readValueColumns([manifest.output.name], width));
    case "embedding":
      return readEmbeddings(manifest.output);
    case "entities":
      return readEntities(manifest.output);
    case "tensors":
      return readTensors(manifest.output);
    case "multioutput":
      return readHeads(manifest.output.heads, ({ labels, scores }, isSingle) =>
        toRows(readClassificationColumns({ output: { labels, scores, labelType: "string" } }, isSingle)),
      );
    default:
      return manifest satisfies never;
  }
};
