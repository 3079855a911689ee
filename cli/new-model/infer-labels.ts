import { NewModelRefused } from "./new-model-refused.ts";

/** The labels, in the order of the score columns. */
export type InferredLabels = {
  readonly labels: readonly string[];
  /** Whether the graph's labels are integers; typed protocols then return integers. */
  readonly integers: boolean;
  /** The origin of a guessed order; undefined where the graph contains the order. */
  readonly guess?: string;
};

const maxLabelLength = 128;

type LabelEvidence = {
  /** Scores by row. */
  readonly scores: readonly (readonly number[])[];
  /** The target of each row. */
  readonly truth: readonly string[];
  /** Label lists of the graph's classifier nodes, as long as the scores are wide. */
  readonly stored: readonly (readonly string[])[];
  /** The label that the graph predicts for each row, where it has a label output. */
  readonly predicted: readonly string[] | undefined;
};

const isInteger = (text: string): boolean => /^-?(0|[1-9]\d{0,14})$/.test(text);
/** Sorted as scikit-learn and pandas do: numbers by value, text by its characters. */
const sortLabels = (labels: Iterable<string>): string[] => {
  const all = [...new Set(labels)];
  return all.every(isInteger) ? all.sort((one, other) => Number(one) - Number(other)) : all.sort();
};
const argmax = (row: readonly number[]): number => row.indexOf(Math.max(...row));

/** For each column the most frequent label of the rows in which it scores highest; undefined if the order is incomplete. */
const orderByMajority = (
  scores: LabelEvidence["scores"],
  labels: readonly string[],
): string[] | undefined => {
  const width = scores[0]?.length ?? 0;
  const counts = Array.from({ length: width }, () => new Map<string, number>());
  for (const [row, rowScores] of scores.entries()) {
    const count = counts[argmax(rowScores)];
    const label = labels[row] ?? "";
    count?.set(label, (count.get(label) ?? 0) + 1);
  }
  const order = counts.map((count) => [...count].sort(([, first], [, second]) => second - first)[0]?.[0]);
  const assigned = order.filter((label) => label !== undefined);
  // If one column never scores highest, it has the one remaining label.
  const remaining = sortLabels(labels).filter((label) => !assigned.includes(label));
  const filled = order.map((label) => label ?? (remaining.length === 1 ? remaining[0] : undefined));
  const complete = filled.filter((label) => label !== undefined);
  return new Set(complete).size === width && complete.length === width ? complete : undefined;
};

const measureAgreement = (
  scores: LabelEvidence["scores"],
  truth: readonly string[],
  order: readonly string[],
): number =>
  scores.filter((rowScores, row) => order[argmax(rowScores)] === truth[row]).length / scores.length;

/** Infers the order from the rows, for a graph without the target's labels. */
const inferFromTarget = ({ scores, truth }: LabelEvidence, width: number): InferredLabels => {
  const names = sortLabels(truth);
  const tooLong = names.find((name) => name.length > maxLabelLength);
  if (tooLong !== undefined)
    throw new NewModelRefused(
      `the target holds ${JSON.stringify(tooLong.slice(0, 40))}…, which is too long for a label (limit ${maxLabelLength} characters)`,
      "Check that --target is the column of the training's labels.",
    );
  const integers = names.every(isInteger);
  const indexes = Array.from({ length: width }, (_, at) => String(at));
  if (names.length !== width) {
    if (integers && names.every((name) => Number(name) >= 0 && Number(name) < width))
      return {
        labels: indexes,
        integers,
        guess: `numbered from 0, because the graph scores ${width} labels and the target has ${names.length}`,
      };
    throw new NewModelRefused(
      `the graph scores ${width} labels, the target has ${names.length} (${names.slice(0, 10).join(", ")})`,
      names.length < width
        ? "Add rows with the missing labels."
        : "Check that --target is the column of the training's labels.",
    );
  }
  const majority = orderByMajority(scores, truth);
  const order =
    majority && measureAgreement(scores, truth, majority) > measureAgreement(scores, truth, names)
      ? majority
      : names;
  return {
    labels: order,
    integers,
    guess:
      order === names
        ? "sorted, because the graph does not contain the target's labels"
        : "in the order that fits the rows best, because the graph does not contain the target's labels",
  };
};

/** The labels of the score columns: those of the graph where they fit, otherwise those of the target. */
export const inferLabels = (evidence: LabelEvidence): InferredLabels => {
  const { scores, truth, stored, predicted } = evidence;
  const width = scores[0]?.length ?? 0;
  const lists = new Map(
    stored.filter((list) => new Set(list).size === width).map((list) => [list.join("\0"), list]),
  );
  const [first] = lists.values();
  const graphLabels = lists.size === 1 ? first : predicted && orderByMajority(scores, predicted);
  // A library that accepts only numbers was trained on numbers in place of the target's text.
  const fits = graphLabels && truth.every((label) => graphLabels.includes(label));
  return graphLabels && fits
    ? { labels: graphLabels, integers: graphLabels.every(isInteger) }
    : inferFromTarget(evidence, width);
};

/** The two labels of a graph with one score: rows of the second label score higher. */
export const inferBinaryLabels = (scores: readonly number[], truth: readonly string[]): InferredLabels => {
  const names = sortLabels(truth);
  const mean = (label: string | undefined): number => {
    const labelScores = scores.filter((_, row) => truth[row] === label);
    return labelScores.reduce((sum, score) => sum + score, 0) / labelScores.length;
  };
  const [low, high] = names;
  return {
    labels: mean(high) >= mean(low) ? names : names.toReversed(),
    integers: names.every(isInteger),
    guess: "the graph has one score; it belongs to the label whose rows score higher",
  };
};
