import { createF1Metric } from "#domain/gates/label-set-metrics.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import { parseFlag } from "./parse-flag.ts";
import type { FloatOutput } from "./read-graph-outputs.ts";
import type { ScoredGuess } from "./scored-guess.ts";
import type { InferredTask, TaskEvidence } from "./task-evidence.ts";

type Signs = { readonly normal: string; readonly anomaly: string };
/** As scikit-learn's outlier detectors and their exports have it. */
const signs: Signs = { normal: "1", anomaly: "-1" };
/** As PyOD has it. */
const flags: Signs = { normal: "0", anomaly: "1" };

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const findScore = (floats: readonly FloatOutput[]): FloatOutput | undefined => {
  const single = floats.filter(({ width }) => width === 1);
  // With score_samples an export has a second score, without the offset that divides the labels.
  return single.length === 1 ? single[0] : single.find(({ name }) => /^(scores?|decision.*)$/i.test(name));
};

const findSigns = ({ outputs, rows }: TaskEvidence, { normal, anomaly }: Signs) =>
  outputs.labels.find(
    ({ width, data }) =>
      width === 1 && rows > 0 && data.every((label) => label === normal || label === anomaly),
  );

/** A graph without classifier nodes that labels rows 1 and −1, and gives one score. */
export const isAnomalyGraph = (evidence: TaskEvidence): boolean =>
  evidence.graph.classLabels.length === 0 &&
  evidence.outputs.floats.every(({ width }) => width === 1) &&
  findSigns(evidence, signs) !== undefined &&
  findScore(evidence.outputs.floats) !== undefined;

type TruthMapping = { readonly cells: readonly string[]; readonly scoredGuesses: readonly ScoredGuess[] };

/** The target's word for an anomaly: the caller's, −1 of 1 and −1, the flag 1, or else the rarer value. */
const findAnomalyWord = (
  values: readonly string[],
  count: (value: string) => number,
): { readonly word: string; readonly isRare: boolean } => {
  if (values.every((value) => value === signs.normal || value === signs.anomaly))
    // A column of 1 alone says nothing about its meaning; scikit-learn's is the default.
    return { word: signs.anomaly, isRare: false };
  if (values.every((value) => parseFlag(value) !== undefined))
    return { word: values.find((value) => parseFlag(value) === true) ?? "", isRare: false };
  const [rarest = ""] = values.toSorted((one, two) => count(one) - count(two));
  return { word: values.length === 2 ? rarest : "", isRare: true };
};

/** The target in the graph's words. The rows never decide which value is the anomaly: the guess says how many agree. */
const mapTruth = (
  [target, cells]: readonly [string, readonly string[]],
  words: Signs,
  label: readonly string[] | undefined,
  positive: string | undefined,
): TruthMapping => {
  const values = [...new Set(cells)];
  if (values.length > 2)
    throw new NewModelRefused(
      `the target ${target} has ${values.length} values, and an anomaly has two (${values.slice(0, 5).join(", ")}, …)`,
      "Give the column that says normal or anomaly, leave it out with --ignore <column> in place of --target, or serve the score alone with --task regression.",
    );
  if (positive !== undefined && !values.includes(positive))
    throw new NewModelRefused(
      `--positive ${positive} is not one of the target's values ${values.join(", ")}`,
      "Write the value that means anomaly.",
    );
  const { word, isRare } =
    positive === undefined
      ? findAnomalyWord(values, (value) => cells.filter((cell) => cell === value).length)
      : { word: positive, isRare: false };
  const mapped = cells.map((cell) => (cell === word ? words.anomaly : words.normal));
  const normal = values.find((value) => value !== word) ?? "no row";
  const right = mapped.filter((cell, row) => cell === label?.[row]).length;
  const isDoubtful = label !== undefined && values.length === 2 && right < cells.length / 2;
  return {
    cells: mapped,
    scoredGuesses:
      positive !== undefined || (!isDoubtful && !isRare && word === words.anomaly)
        ? []
        : [
            {
              subject: "target",
              choice: `${values.includes(word) ? word : "no row"} is the anomaly (${words.anomaly}) and ${normal} is normal (${words.normal})${isRare ? ", because it is rarer" : ""}${label ? `; the graph's own labels agree in ${right} of ${cells.length} rows` : ""}`,
              alternative: `the other way round${label ? ` they agree in ${cells.length - right} rows` : ""}: --positive ${JSON.stringify(normal)}`,
              isDoubtful,
            },
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
  const guess: ScoredGuess = {
    subject: "threshold",
    choice: `${threshold}, with the highest F1 on these rows (${found.f1.toPrecision(3)}); ${found.isHigh ? "higher" : "lower"} scores are anomalies`,
    alternative:
      "accuracy and F1 are too good on the rows that chose it: write the training's threshold and anomalyIs into model.yaml",
    isDoubtful: true,
  };
  return { output: { threshold, anomalyIs: found.isHigh ? "high" : "low" }, guess };
};

/** The output of an outlier detector. Throws NewModelRefused where the graph has no score, or the target more than two values. */
export const inferAnomaly = (evidence: TaskEvidence): InferredTask => {
  const { outputs, targets, options } = evidence;
  const score = findScore(outputs.floats);
  if (!score)
    throw new NewModelRefused(
      `an anomaly needs one score per row; the graph has ${outputs.floats.map(({ name, width }) => `${name}: ${width} per row`).join(", ") || "no floats"}`,
      "Export the decision function as a float tensor [N, 1].",
    );
  const [first] = targets;
  const signed = findSigns(evidence, signs);
  const flagged = signed ? undefined : findSigns(evidence, flags);
  const label = signed ?? flagged;
  const words = flagged ? flags : signs;
  const truth = first && mapTruth(first, words, label?.data, options.positive);
  const pick = (sign: string) => score.data.filter((_, row) => label?.data[row] === sign);
  const isHigh =
    pick(words.anomaly).length > 0 && pick(words.normal).length > 0
      ? mean(pick(words.anomaly)) > mean(pick(words.normal))
      : flagged !== undefined;
  const divided = label
    ? { output: { labelOutput: label.name, anomalyIs: isHigh ? "high" : "low" }, guess: undefined }
    : describeScoreOnly(score, truth?.cells);
  return {
    task: "anomaly",
    output: {
      name: "score",
      graphOutput: score.name,
      normal: Number(words.normal),
      anomaly: Number(words.anomaly),
      ...divided.output,
    },
    truth: truth ? [truth.cells] : [],
    guesses: [],
    scoredGuesses: [
      ...(label && options.task === undefined
        ? [
            {
              subject: "task" as const,
              choice: `anomaly, because the graph's output ${label.name} is 1 or −1 and ${score.name} is one score`,
              alternative: "--task classification takes 1 and −1 for labels",
              isDoubtful: false,
            },
          ]
        : []),
      ...(divided.guess ? [divided.guess] : []),
      ...(truth?.scoredGuesses ?? []),
    ],
  };
};
