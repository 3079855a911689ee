import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { isNumber } from "./csv-cells.ts";
import {
  type InferredClassification,
  inferClassification,
  type LabelOutput,
} from "./infer-classification.ts";
import { isMeasuredTarget } from "./is-measured-target.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import type { Probe } from "./probe-model.ts";
import { type RowNumbers, readNumberOutputs } from "./read-number-outputs.ts";
import type { ScoredGuess } from "./scored-guess.ts";
import type { TaskOptions } from "./task-evidence.ts";

type InferredRegression = {
  readonly task: "regression";
  /** Names of the values, in the graph's order. */
  readonly names: readonly string[];
  readonly guesses: readonly string[];
  readonly scoredGuesses: readonly ScoredGuess[];
};

/** The model's output, inferred from graph, run and target. */
export type InferredOutput = InferredClassification | InferredRegression;

type OutputEvidence = {
  readonly graph: Pick<OnnxSummary, "outputs" | "classLabels">;
  readonly outputs: Probe["outputs"];
  /** The cells of each target column, for the rows of the run. */
  readonly targets: ReadonlyMap<string, readonly string[]>;
  /** The different cells of the first target, in all rows of the table. */
  readonly known: readonly string[];
  readonly options: Pick<TaskOptions, "task" | "labels" | "positive" | "scores">;
};

const describeOutputs = (outputs: readonly RowNumbers[]): string =>
  outputs.map(({ name, width }) => `${name}: ${width} per row`).join(", ") || "no floats";

const mixtureRemedy =
  " Serve a mixture of both as tensors: --task tensors, with --ignore <column> in place of each --target.";

const inferRegression = (
  { graph, outputs, targets }: OutputEvidence,
  scoredGuesses: readonly ScoredGuess[] = [],
): InferredRegression => {
  const names = [...targets.keys()];
  const [first = []] = targets.values();
  if (![...targets.values()].every((cells) => cells.every(isNumber)))
    throw new NewModelRefused(
      names.length > 1 ? "one of several targets holds text" : "the target holds text",
      names.length > 1
        ? `A regression with several values needs numbers in all targets, and several classifications need text in all.${mixtureRemedy}`
        : "A regression needs a target of numbers; --task classification takes labels.",
    );
  const floats = readNumberOutputs("float", graph.outputs, outputs, first.length);
  const hasValues = floats.some(({ width }) => width === names.length || width === 1);
  // Beside several targets, floats of another width are scores, and the integers their labels.
  const candidates =
    hasValues || (names.length > 1 && floats.length > 0)
      ? floats
      : [...floats, ...readNumberOutputs("integer", graph.outputs, outputs, first.length)];
  // Classes beside a value, [N, 2] and [N, 1], are not the two values of two targets.
  const isMixed =
    names.length > 1 && candidates.some(({ name, width }) => width === 1 && names.includes(name));
  const single = isMixed ? [] : candidates.filter(({ width }) => width === names.length);
  if (
    single.length === 1 ||
    (single.length > 1 && names.length === 1 && single.some(({ name }) => name === names[0]))
  )
    return {
      task: "regression",
      names,
      guesses: names.length > 1 ? ["names: in the order of the --target options"] : [],
      scoredGuesses,
    };
  // One tensor per value: each has its target's name.
  if (
    names.length > 1 &&
    names.every((target) => candidates.some(({ name, width }) => name === target && width === 1))
  )
    return { task: "regression", names, guesses: [], scoredGuesses };
  throw new NewModelRefused(
    `the graph's outputs (${describeOutputs(candidates)}) are not ${names.length === 1 ? "one value" : `${names.length} values`} for ${names.join(", ")}`,
    `Repeat --target once per value, in the graph's order, or export only the values.${names.length > 1 ? mixtureRemedy : ""}`,
  );
};

const findScores = (candidates: readonly RowNumbers[], labels: number): RowNumbers | undefined => {
  const wide = candidates.filter(({ width }) => width > 1);
  return (
    wide.find(({ name }) => /prob/i.test(name)) ??
    (wide.length === 1 ? wide[0] : wide.find(({ width }) => width === labels))
  );
};

const findLabelOutput = ({ graph, outputs }: OutputEvidence, rows: number): LabelOutput | undefined => {
  const found = outputs.find(
    ({ name, data }) =>
      data.length === rows &&
      graph.outputs.some(
        (value) => value.name === name && value.kind === "tensor" && !value.type.startsWith("float"),
      ),
  );
  return found && { name: found.name, predicted: found.data.map(String) };
};

const formatError = (value: number): string => String(Number(value.toPrecision(3)));
const meanError = ({ rows }: RowNumbers, truth: readonly string[]): number =>
  rows.reduce((sum, [value = 0], row) => sum + Math.abs(value - Number(truth[row])), 0) / rows.length;

/** The task of one score per row and two integers could also be a regression. */
const guessClassification = (single: RowNumbers, truth: readonly string[]): ScoredGuess => ({
  subject: "task",
  choice: "classification, because the target has two integers",
  alternative: `as a regression the mean absolute error would be ${formatError(meanError(single, truth))}: --task regression`,
  isDoubtful: false,
});
const guessRegression = (
  values: RowNumbers | undefined,
  truth: readonly string[],
  known: number,
  label: LabelOutput,
): ScoredGuess => ({
  subject: "task",
  choice: `regression, because the target has ${known} different numbers${values ? ` (mean absolute error ${formatError(meanError(values, truth))})` : ""}`,
  alternative: `as a classification the output ${label.name} would be the label (right in ${label.predicted.filter((each, row) => each === truth[row]).length} of ${truth.length} rows): --task classification`,
  isDoubtful: false,
});

/**
 * Infers classification or regression, and the names of scores or values; the caller's options decide first. A target of
 * text is a classification, and so is one of two integers where the graph has one score. A target of measured numbers is a
 * regression wherever the graph has one value per row. Throws NewModelRefused for outputs that fit neither.
 */
export const inferOutput = (evidence: OutputEvidence): InferredOutput => {
  const { graph, outputs, targets, known, options } = evidence;
  const [truth = [], ...more] = targets.values();
  const rows = truth.length;
  if (more.length > 0 || options.task === "regression") return inferRegression(evidence);
  const floats = readNumberOutputs("float", graph.outputs, outputs, rows);
  const labelOutput = findLabelOutput(evidence, rows);
  const stored = graph.classLabels.map(({ labels }) => labels);
  const numeric = known.every(isNumber);
  const isMeasured =
    options.task === undefined &&
    isMeasuredTarget(known) &&
    !stored.some((list) => known.every((label) => list.includes(label)));
  const wide = findScores(floats, options.labels?.length ?? known.length);
  const singles = floats.filter(({ width }) => width === 1);
  const [single, ...others] = singles;
  const classify = (scores: RowNumbers | undefined): InferredClassification =>
    inferClassification({
      scores,
      labelOutput,
      truth,
      known,
      stored,
      given: options.labels,
      positive: options.positive,
      scoreKind: options.scores,
    });
  if (isMeasured && singles.length > 0)
    return inferRegression(
      evidence,
      labelOutput ? [guessRegression(single, truth, known.length, labelOutput)] : [],
    );
  if (wide) return classify(wide);
  if (single && others.length === 0) {
    if (labelOutput && !isMeasured) return classify(single);
    if (options.task === "classification") return classify(single);
    if (known.length === 2 && (!numeric || !isMeasured)) {
      const described = classify(single);
      return numeric && !stored.some((list) => list.length === 2)
        ? { ...described, scoredGuesses: [guessClassification(single, truth), ...described.scoredGuesses] }
        : described;
    }
  }
  if (labelOutput && floats.length === 0 && isMeasured) {
    const [value] = readNumberOutputs("integer", graph.outputs, outputs, rows).filter(
      ({ width }) => width === 1,
    );
    if (value) return inferRegression(evidence, [guessRegression(value, truth, known.length, labelOutput)]);
  }
  if (labelOutput) return classify(undefined);
  if (!numeric || options.task === "classification")
    throw new NewModelRefused(
      `the target has ${known.length} labels, but no output of the graph has a score for each (it has ${describeOutputs(floats)})`,
      "Export the probabilities as a tensor [N, labels], or the label as a tensor [N].",
    );
  return inferRegression(evidence);
};
