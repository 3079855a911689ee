import type { Manifest, Prediction } from "./manifest.ts";

/** The model answered with NaN, infinity or another number of values than rows: no answer goes out. */
export class OutputNotFinite extends Error {
  override readonly name = "OutputNotFinite";
}

type Classification = Extract<Manifest, { task: "classification" }>;
type Numbers = Float32Array | Float64Array;

/** Takes what onnxruntime fetched and checks that it is `length` finite numbers. */
const finite = (data: unknown, length: number): Numbers => {
  if (!(data instanceof Float32Array || data instanceof Float64Array) || data.length !== length)
    throw new OutputNotFinite(
      `the model answered with ${data instanceof Float32Array || data instanceof Float64Array ? `${data.length} numbers where ${length} belong` : "no floats"}`,
    );
  for (let at = 0; at < length; at++)
    if (!Number.isFinite(data[at]))
      throw new OutputNotFinite("the model answered with a score that is no finite number");
  return data;
};

const band = (score: number, { low, high }: { low: number; high: number }): Prediction["band"] =>
  score < low ? "low" : score >= high ? "high" : "medium";

const classification = ({ output: { labels, positive, bands } }: Classification) => {
  const cut = positive === undefined ? -1 : labels.indexOf(positive);
  return (data: unknown, rows: number): Prediction[] => {
    const width = labels.length;
    const probabilities = finite(data, rows * width);
    const predictions = new Array<Prediction>(rows);
    for (let row = 0, start = 0; row < rows; row++, start += width) {
      const scores: Record<string, number> = {};
      let best = 0;
      let highest = Number.NEGATIVE_INFINITY;
      for (let at = 0; at < width; at++) {
        const score = probabilities[start + at] ?? 0;
        scores[labels[at] ?? ""] = score;
        if (score > highest) {
          highest = score;
          best = at;
        }
      }
      const label = labels[best] ?? "";
      predictions[row] = bands
        ? { label, scores, band: band(probabilities[start + cut] ?? 0, bands) }
        : { label, scores };
    }
    return predictions;
  };
};

const regression =
  (name: string) =>
  (data: unknown, rows: number): Prediction[] =>
    Array.from(finite(data, rows), (value) => ({ value, scores: { [name]: value } }));

/**
 * Reads what the model answered: label of the highest score (the first of equals), scores per label, band of the
 * positive label's score (below `low`, from `high` on). Throws OutputNotFinite rather than let a NaN out.
 */
export const readPredictions = (manifest: Manifest): ((data: unknown, rows: number) => Prediction[]) => {
  switch (manifest.task) {
    case "classification":
      return classification(manifest);
    case "regression":
      return regression(manifest.output.name);
    default:
      return manifest satisfies never;
  }
};
