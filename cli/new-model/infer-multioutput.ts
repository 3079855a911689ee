import { areShares } from "#model-folder/rows/are-shares.ts";
import { isNumber } from "./csv-cells.ts";
import { inferLabels } from "./infer-labels.ts";
import { isMeasuredTarget } from "./is-measured-target.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import { type FloatOutput, splitRows } from "./read-graph-outputs.ts";
import type { ScoredGuess } from "./scored-guess.ts";
import type { InferredTask, TaskEvidence } from "./task-evidence.ts";

/**
 * Several targets of labels: all of text, or (numbers too) each with an output that has at least as many scores as the
 * target has labels.
 */
export const isMultioutput = (evidence: TaskEvidence): boolean => {
  const truths = [...evidence.targets.values()];
  if (truths.length < 2) return false;
  if (truths.every((cells) => !cells.every(isNumber))) return true;
  const { matched } = matchOutputs(evidence);
  return truths.every((cells, index) => {
    const known = [...new Set(cells)];
    return known.length <= (matched?.[index]?.width ?? 0) && !isMeasuredTarget(known);
  });
};

const normalizeName = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "");

/** The output of each target: the one whose name contains the target's, otherwise those with a score per label in order. */
const matchOutputs = ({ outputs, targets }: TaskEvidence) => {
  const wide = outputs.floats.filter(({ width }) => width > 1);
  const named = [...targets.keys()].map((target) => {
    const candidates = wide.filter(({ name }) => normalizeName(name).includes(normalizeName(target)));
    return candidates.length === 1 ? candidates[0] : undefined;
  });
  const areNamed = named.every((output) => output !== undefined) && new Set(named).size === targets.size;
  if (areNamed) return { matched: named, areNamed };
  return { matched: wide.length === targets.size ? wide : undefined, areNamed };
};

/**
 * The labels where the rows lack some: each column has the label of the rows in which it scores highest, if these agree;
 * the others get a name that a person must replace. Undefined where no label is missing, or the rows do not agree.
 */
const nameUnseenLabels = (output: FloatOutput, truth: readonly string[]) => {
  const names = [...new Set(truth)];
  if (names.length >= output.width) return undefined;
  const labels = new Map<number, string>();
  for (const [row, scores] of splitRows(output).entries()) {
    const column = scores.indexOf(Math.max(...scores));
    const label = truth[row] ?? "";
    if ((labels.get(column) ?? label) !== label) return undefined;
    labels.set(column, label);
  }
  if (labels.size !== names.length || new Set(labels.values()).size !== names.length) return undefined;
  const unseen = Array.from({ length: output.width }, (_, column) => column).filter(
    (column) => !labels.has(column),
  );
  return {
    labels: Array.from({ length: output.width }, (_, column) => labels.get(column) ?? `unseen_${column}`),
    integers: false,
    guess: `no row has the ${unseen.length === 1 ? "label of score" : "labels of scores"} ${unseen.join(", ")}: write its name in place of ${unseen.map((column) => `unseen_${column}`).join(", ")}; the others have the label of the rows in which they score highest`,
  };
};

const where = "correct it under heads in model.yaml";
/** A guess about one head; `--labels` is an option of a single classification. */
const describeLabels = (target: string, guess: ScoredGuess | string): ScoredGuess =>
  typeof guess === "string"
    ? { subject: "labels", choice: `${target}: ${guess}`, alternative: where, isDoubtful: true }
    : {
        subject: "labels",
        choice: `${target}: ${guess.choice}`,
        alternative: guess.isDoubtful
          ? `another order agrees with more rows; if the model was trained so, ${where}`
          : `no other order agrees with more rows; if the model was trained with one, ${where}`,
        isDoubtful: guess.isDoubtful,
      };
const describeLogits = (target: string): ScoredGuess => ({
  subject: "scores",
  choice: `${target}: logits, because a row's scores are no shares of 1`,
  alternative: `if they are probabilities, ${where}; the labels are the same`,
  isDoubtful: false,
});
const describePlace = (target: string, output: string): ScoredGuess => ({
  subject: "outputs",
  choice: `${target} is the graph's output ${output}, in the order of --target`,
  alternative: "repeat --target in the graph's order, or name the graph's outputs as the targets",
  isDoubtful: false,
});

/** Several classifications of each row. Throws NewModelRefused where a target has no output with a score per label. */
export const inferMultioutput = (evidence: TaskEvidence): InferredTask => {
  const { outputs, targets, graph } = evidence;
  const { matched, areNamed } = matchOutputs(evidence);
  const describe = (): string =>
    outputs.floats.map(({ name, width }) => `${name}: ${width} per row`).join(", ") || "no floats";
  if (!matched || targets.size < 2)
    throw new NewModelRefused(
      `the graph's outputs (${describe()}) have no scores for each of the targets ${[...targets.keys()].join(", ")}`,
      "Export one output with a score per label for each --target, in the order of the options or with their names.",
    );
  const heads = [...targets].map(([target, truth], index) => {
    const output = matched[index];
    if (!output)
      throw new NewModelRefused(`the target ${target} has no output (${describe()})`, "Name the outputs.");
    const labels =
      nameUnseenLabels(output, truth) ??
      inferLabels({
        scores: splitRows(output),
        truth,
        stored: graph.classLabels
          .map((stored) => stored.labels)
          .filter(
            (stored) => stored.length === output.width && truth.every((label) => stored.includes(label)),
          ),
        known: [...new Set(truth)],
        predicted: undefined,
        given: undefined,
      });
    const isLogits = !areShares(splitRows(output), { type: output.type });
    return {
      head: {
        name: target,
        labels: labels.integers ? labels.labels.map(Number) : labels.labels,
        ...(isLogits ? { scores: "logits" } : {}),
        ...(output.name === target ? {} : { graphOutput: output.name }),
      },
      scoredGuesses: [
        ...(labels.guess === undefined ? [] : [describeLabels(target, labels.guess)]),
        ...(isLogits ? [describeLogits(target)] : []),
        ...(areNamed ? [] : [describePlace(target, output.name)]),
      ],
    };
  });
  return {
    task: "multioutput",
    output: { heads: heads.map(({ head }) => head) },
    truth: [...targets.values()],
    guesses: [],
    scoredGuesses: heads.flatMap(({ scoredGuesses }) => scoredGuesses),
  };
};
