import { createF1Metric } from "#domain/gates/label-set-metrics.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import { parseFlag } from "./parse-flag.ts";
import type { FloatOutput } from "./read-graph-outputs.ts";
import type { InferredTask, TaskEvidence } from "./task-evidence.ts";

/** As scikit-learn's outlier detectors and their exports have it. */
const signs = { normal: "1", anomaly: "-1" };

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const findScore = (floats: readonly FloatOutput[]): FloatOutput | undefined => {
  const single = floats.filter(({ width }) => width === 1);
  // With score_samples an export has a second score, without the offset that divides the labels.
  return single.length === 1 ? single[0] : single.find(({ name }) => /^(scores?|decision.*)$/i.test(name));
};

const findSigns = ({ outputs, rows }: TaskEvidence) =>
  outputs.labels.find(
    ({ width, data }) => width === 1 && rows > 0 && data.every((label) => label === "1" || label === "-1"),
  );

/** A graph without classifier nodes that labels rows 1 and −1, and gives one score. */
export const isAnomalyGraph = (evidence: TaskEvidence): boolean =>
  evidence.graph.classLabels.length === 0 &&
  evidence.outputs.floats.every(({ width }) => width === 1) &&
  findSigns(evidence) !== undefined &&
  findScore(evidence.outputs.floats) !== undefined;

type TruthMapping = { readonly cells: readonly string[]; readonly guesses: readonly string[] };

/** The target in the words 1 and −1: the flag 1, or else the rarer value, is the anomaly. */
const mapTruth = (target: string, cells: readonly string[]): TruthMapping => {
  const values = [...new Set(cells)];
  if (values.every((value) => value === signs.normal || value === signs.anomaly) && !values.includes("0"))
    // A column of 1 alone says nothing about its meaning; sklearn's is the default.
    return { cells, guesses: [] };
  if (values.length > 2)
    throw new NewModelRefused(
      `the target ${target} has ${values.length} values, and an anomaly has two (${values.slice(0, 5).join(", ")}, …)`,
      "Give the column that says normal or anomaly, leave it out with --ignore <column> in place of --target, or serve the score alone with --task regression.",
    );
  const count = (value: string): number => cells.filter((cell) => cell === value).length;
  const [rarest = "", other = ""] = values.toSorted((one, two) => count(one) - count(two));
  const flag = values.every((value) => parseFlag(value) !== undefined)
    ? values.find((value) => parseFlag(value) === true)
    : undefined;
  const anomaly = flag ?? (values.length === 2 ? rarest : "");
  const normal = values.find((value) => value !== anomaly) ?? other;
  return {
    cells: cells.map((cell) => (cell === anomaly ? signs.anomaly : signs.normal)),
    guesses: [
      `target: ${anomaly === "" ? "no row" : anomaly} is the anomaly (−1) and ${normal} is normal (1)${flag === undefined ? ", because it is rarer" : ""}; if it is the other way round, write it so in the CSV`,
    ],
  };
};

/** The threshold with the highest F1 of the anomalies, for a graph with a score alone. */
const findThreshold = (scores: readonly number[], truth: readonly string[]) => {
  const pick = (label: string) => scores.filter((_, row) => truth[row] === label);
  const [normal, anomalous] = [pick(signs.normal), pick(signs.anomaly)];
  if (normal.length === 0 || anomalous.length === 0) return undefined;
  const isHigh = mean(anomalous) > mean(normal);
  const { measure } = createF1Metric(
    truth.map((label) => [label]),
    { name: "f1", words: "F1", labels: [signs.anomaly], average: "micro", read: ({ label = "" }) => [label] },
  );
  const measureAt = (threshold: number): number => {
    const f1 = measure(
      scores.map((score) => ({
        label: (isHigh ? score > threshold : score < threshold) ? signs.anomaly : signs.normal,
        scores: {},
      })),
    );
    return typeof f1 === "string" ? 0 : f1.estimate;
  };
  const sorted = [...new Set(scores)].toSorted((one, other) => one - other);
  const between = sorted.slice(1).map((score, index) => (score + (sorted[index] ?? score)) / 2);
  const step = Math.max(1, Math.floor(between.length / 200));
  const candidates = between.filter((_, index) => index % step === 0);
  const best = candidates
    .map((threshold) => ({ threshold, f1: measureAt(threshold) }))
    .toSorted((one, other) => other.f1 - one.f1)[0];
  return best && { ...best, isHigh };
};

const describeScoreOnly = (score: FloatOutput, truth: readonly string[] | undefined) => {
  const found = truth && findThreshold(score.data, truth);
  if (!found)
    throw new NewModelRefused(
      "the graph gives a score, but no label 1 or −1, and the rows do not say which scores are anomalous",
      "Add --target with normal and anomalous rows; then a threshold is found.",
    );
  const threshold = Number(found.threshold.toPrecision(6));
  return {
    output: { threshold, anomalyIs: found.isHigh ? "high" : "low" },
    guesses: [
      `threshold: ${threshold}, with the highest F1 on these rows (${found.f1.toPrecision(3)}); ${found.isHigh ? "higher" : "lower"} scores are anomalies`,
    ],
  };
};

/** The output of an outlier detector. Throws NewModelRefused where the graph has no score, or the target more than two values. */
export const inferAnomaly = (evidence: TaskEvidence): InferredTask => {
  const { outputs, targets } = evidence;
  const score = findScore(outputs.floats);
  if (!score)
    throw new NewModelRefused(
      `an anomaly needs one score per row; the graph has ${outputs.floats.map(({ name, width }) => `${name}: ${width} per row`).join(", ") || "no floats"}`,
      "Export the decision function as a float tensor [N, 1].",
    );
  const [first] = targets;
  const truth = first && mapTruth(...first);
  const label = findSigns(evidence);
  const pick = (sign: string) => score.data.filter((_, row) => label?.data[row] === sign);
  const isHigh =
    pick(signs.anomaly).length > 0 && pick(signs.normal).length > 0
      ? mean(pick(signs.anomaly)) > mean(pick(signs.normal))
      : false;
  const divided = label
    ? { output: { labelOutput: label.name, anomalyIs: isHigh ? "high" : "low" }, guesses: [] }
    : describeScoreOnly(score, truth?.cells);
  return {
    task: "anomaly",
    output: {
      name: "score",
      graphOutput: score.name,
      normal: Number(signs.normal),
      anomaly: Number(signs.anomaly),
      ...divided.output,
    },
    truth: truth ? [truth.cells] : [],
    guesses: [
      ...(label
        ? [
            `task: anomaly, because the graph's output ${label.name} is 1 or −1 and ${score.name} is one score; another task with --task`,
          ]
        : []),
      ...divided.guesses,
      ...(truth?.guesses ?? []),
    ],
  };
};
