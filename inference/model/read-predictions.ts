import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { valueNames } from "#model-folder/manifest/value-names.ts";

/** The model answered with NaN, infinity or another number of values than rows: no answer goes out. */
export class OutputNotFinite extends Error {
  override readonly name = "OutputNotFinite";
}

type Classification = Extract<Manifest, { task: "classification" }>;
type Numbers = Float32Array | Float64Array;

/** Takes what onnxruntime fetched and checks that it is `length` finite numbers. */
const assertFinite = (data: unknown, length: number): Numbers => {
  if (!(data instanceof Float32Array || data instanceof Float64Array) || data.length !== length)
    throw new OutputNotFinite(
      `the model answered with ${data instanceof Float32Array || data instanceof Float64Array ? `${data.length} numbers where ${length} belong` : "no floats"}`,
    );
  for (let at = 0; at < length; at++)
    if (!Number.isFinite(data[at]))
      throw new OutputNotFinite("the model answered with a score that is no finite number");
  return data;
};

const toBand = (score: number, { low, high }: { low: number; high: number }): Prediction["band"] =>
  score < low ? "low" : score >= high ? "high" : "medium";

/** Scores of two labels where the graph gives one number: the second label's probability, or its logit. */
const expandBinaryScores = (second: Numbers): Numbers => {
  const both = new Float64Array(second.length * 2);
  for (const [row, score] of second.entries()) {
    both[row * 2] = 1 - score;
    both[row * 2 + 1] = score;
  }
  return both;
};

/** Logits become probabilities in place, row by row; the greatest is taken away first, so that nothing overflows. */
const softmax = (logits: Numbers, width: number): Numbers => {
  for (let start = 0; start < logits.length; start += width) {
    let most = Number.NEGATIVE_INFINITY;
    for (let at = start; at < start + width; at++) most = Math.max(most, logits[at] ?? 0);
    let sum = 0;
    for (let at = start; at < start + width; at++) sum += Math.exp((logits[at] ?? 0) - most);
    for (let at = start; at < start + width; at++) logits[at] = Math.exp((logits[at] ?? 0) - most) / sum;
  }
  return logits;
};

const toScores = (
  { output: { labels, scores } }: Classification,
  data: Numbers,
  single: boolean,
): Numbers => {
  if (!single) return scores === "logits" ? softmax(data, labels.length) : data;
  return expandBinaryScores(scores === "logits" ? data.map((logit) => 1 / (1 + Math.exp(-logit))) : data);
};

const createClassificationReader = (manifest: Classification, single: boolean): ReadPredictions => {
  const { labels, positive, bands } = manifest.output;
  const width = labels.length;
  const cut = positive === undefined ? -1 : labels.indexOf(positive);
  return ([data], rows) => {
    const given = toScores(manifest, assertFinite(data, single ? rows : rows * width), single);
    const predictions = new Array<Prediction>(rows);
    for (let row = 0, start = 0; row < rows; row++, start += width) {
      const scores: Record<string, number> = {};
      let best = 0;
      let highest = Number.NEGATIVE_INFINITY;
      for (let at = 0; at < width; at++) {
        const score = given[start + at] ?? 0;
        scores[labels[at] ?? ""] = score;
        if (score > highest) {
          highest = score;
          best = at;
        }
      }
      const label = labels[best] ?? "";
      predictions[row] = bands
        ? { label, scores, band: toBand(given[start + cut] ?? 0, bands) }
        : { label, scores };
    }
    return predictions;
  };
};

/** Values lie in one tensor row by row, or in a tensor each. */
const createRegressionReader =
  (names: readonly string[], width: number): ReadPredictions =>
  (data, rows) => {
    const tensors = data.map((one) => assertFinite(one, rows * width));
    return Array.from({ length: rows }, (_, row) => {
      const values = tensors.flatMap((tensor) => [...tensor.subarray(row * width, (row + 1) * width)]);
      const scores = Object.fromEntries(names.map((name, at) => [name, values[at] ?? 0]));
      return names.length === 1 ? { value: values[0] ?? 0, scores } : { scores };
    });
  };

type ReadPredictions = (data: readonly unknown[], rows: number) => Prediction[];

/**
 * Reads what the model answered: label of the highest score (the first of equals), scores per label, band of the
 * positive label's score (below `low`, from `high` on); or values by name. Throws OutputNotFinite rather than let a
 * NaN out.
 * @param width numbers for a row in each output that was fetched (findOutput)
 */
export const readPredictions = (manifest: Manifest, width: number): ReadPredictions => {
  switch (manifest.task) {
    case "classification":
      return createClassificationReader(manifest, width === 1);
    case "regression":
      return createRegressionReader(valueNames(manifest.output), width);
    default:
      return manifest satisfies never;
  }
};
