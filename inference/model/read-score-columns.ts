import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { valueNames } from "#model-folder/manifest/value-names.ts";
import { assertFinite, type Numbers } from "./assert-finite.ts";
import { clampShare } from "./clamp-share.ts";
import { readLabels } from "./read-labels.ts";
import { bandNames, type ScoreColumns } from "./score-columns.ts";

type Classification = Extract<Manifest, { task: "classification" }>;

const toBand = (score: number, { low, high }: { low: number; high: number }): (typeof bandNames)[number] =>
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

/** Reads the outputs of a run in columns. Throws OutputNotFinite. */
export type ReadScoreColumns = (data: readonly unknown[], rows: number) => ScoreColumns;

/** The index of each row's highest score, the first of equal ones. */
const findHighest = (values: Numbers, rows: number, width: number): Int32Array => {
  const highest = new Int32Array(rows);
  for (let row = 0, start = 0; row < rows; row++, start += width) {
    let best = 0;
    for (let index = 1; index < width; index++)
      if ((values[start + index] ?? 0) > (values[start + best] ?? 0)) best = index;
    highest[row] = best;
  }
  return highest;
};

const findBands = (
  values: Numbers,
  { rows, width, positive }: { rows: number; width: number; positive: number },
  limits: { low: number; high: number },
): Uint8Array => {
  const bands = new Uint8Array(rows);
  for (let row = 0; row < rows; row++)
    bands[row] = bandNames.indexOf(toBand(values[row * width + positive] ?? 0, limits));
  return bands;
};

const clampShares = (values: Numbers): Numbers => {
  for (let index = 0; index < values.length; index++) values[index] = clampShare(values[index] ?? 0);
  return values;
};

/**
 * Reads a classification: the label (the graph's own where the manifest names its output, otherwise the one with the
 * highest score, the first of equal ones), the scores, and the band of the positive label's score (`low` below, `high` from
 * there on).
 * @param isSingle the output has only the second label's score
 */
export const readClassificationColumns = (
  manifest: Pick<Classification, "output">,
  isSingle: boolean,
): ReadScoreColumns => {
  const { labels, positive, bands, labelOutput } = manifest.output;
  const width = labels.length;
  const positiveIndex = positive === undefined ? -1 : labels.indexOf(positive);
  const areShares = manifest.output.scores === "probabilities";
  const known = new Set(labels);
  const indexes = new Map(labels.map((label, index) => [label, index]));
  return ([data, labelData], rows) => {
    // A copy: the outputs may belong to the engine, and they are changed here.
    const output = assertFinite(data, isSingle ? rows : rows * width).slice();
    const values = toScores(manifest, output, isSingle);
    const given = labelOutput === undefined ? undefined : readLabels(labelData, rows, known);
    return {
      rows,
      names: labels,
      labelNames: labels,
      labels: given
        ? Int32Array.from(given, (label) => indexes.get(label) ?? 0)
        : findHighest(values, rows, width),
      bands: bands && findBands(values, { rows, width, positive: positiveIndex }, bands),
      scores: areShares ? clampShares(values) : values,
    };
  };
};

/** Reads values by name, from one row-major tensor or from one tensor per value. */
export const readValueColumns =
  (names: readonly string[], width: number): ReadScoreColumns =>
  (data, rows) => {
    const tensors = data.map((tensor) => assertFinite(tensor, rows * width));
    const scores = new Float64Array(rows * names.length);
    for (let row = 0; row < rows; row++)
      for (let index = 0; index < names.length; index++)
        scores[row * names.length + index] =
          tensors[Math.floor(index / width)]?.[row * width + (index % width)] ?? 0;
    return { rows, names, scores, labels: undefined, labelNames: [], bands: undefined };
  };

/** The reader of a model's outputs in columns; undefined for other predictions than scores or values. */
export const readScoreColumns = (manifest: Manifest, width: number): ReadScoreColumns | undefined => {
  if (manifest.task === "regression") return readValueColumns(valueNames(manifest.output), width);
  if (manifest.task !== "classification") return undefined;
  const { scores } = manifest.output;
  return scores === "probabilities" || scores === "logits"
    ? readClassificationColumns(manifest, width === 1)
    : undefined;
};
