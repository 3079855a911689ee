import { isNumber } from "./csv-cells.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import type { ScoredGuess } from "./scored-guess.ts";

/** The labels, in the order of the score columns. */
export type InferredLabels = {
  readonly labels: readonly string[];
  /** Whether all labels are integers; typed protocols then return integers. */
  readonly integers: boolean;
  /** The guess of the order; undefined where the graph contains the order or the caller gave it. */
  readonly guess?: ScoredGuess;
};

const maxLabelLength = 128;

export type LabelEvidence = {
  /** Scores by row. */
  readonly scores: readonly (readonly number[])[];
  /** The target of each row. */
  readonly truth: readonly string[];
  /** All labels of the target, in all rows of the table. */
  readonly known: readonly string[];
  /** Label lists of the graph's classifier nodes. */
  readonly stored: readonly (readonly string[])[];
  /** The label that the graph predicts for each row, where it has a label output in the target's words. */
  readonly predicted: readonly string[] | undefined;
  /** The labels that the caller gave, in the order of the scores' columns. */
  readonly given: readonly string[] | undefined;
};

export const isInteger = (text: string): boolean => /^-?(0|[1-9]\d{0,14})$/.test(text);
/** Sorted as scikit-learn and pandas do: numbers by value, text by its characters. */
export const sortLabels = (labels: Iterable<string>): string[] => {
  const all = [...new Set(labels)];
  return all.every(isInteger) ? all.sort((one, other) => Number(one) - Number(other)) : all.sort();
};
export const findHighest = (row: readonly number[]): number => row.indexOf(Math.max(...row));
const describeLabels = (labels: readonly string[]): string =>
  labels.length > 12 ? `${labels.slice(0, 12).join(", ")}, …` : labels.join(", ");
/** The option's text; labels with commas or quotes are quoted as in CSV. */
const formatOption = (labels: readonly string[]): string =>
  `--labels ${JSON.stringify(labels.map((label) => (/[",\r\n]/.test(label) ? `"${label.replaceAll('"', '""')}"` : label)).join(","))}`;

/** For each column the most frequent label of the rows in which it scores highest; undefined if the order is incomplete. */
const orderByMajority = (
  scores: LabelEvidence["scores"],
  labels: readonly string[],
): string[] | undefined => {
  const width = scores[0]?.length ?? 0;
  const counts = Array.from({ length: width }, () => new Map<string, number>());
  for (const [row, rowScores] of scores.entries()) {
    const count = counts[findHighest(rowScores)];
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

/** The share of rows whose highest score belongs to their label, from 0 to 1. */
const measureAgreement = (
  scores: LabelEvidence["scores"],
  truth: readonly string[],
  order: readonly string[],
): number =>
  scores.filter((rowScores, row) => order[findHighest(rowScores)] === truth[row]).length / scores.length;

const formatShare = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** Compares an order with another one that fits the rows better, and changes nothing: a broken model must look broken. */
const guessOrder = (
  scores: LabelEvidence["scores"],
  truth: readonly string[],
  labels: readonly string[],
  why: string,
  others: readonly (readonly string[])[],
): ScoredGuess => {
  const own = measureAgreement(scores, truth, labels);
  const [{ other, better } = { other: undefined, better: 0 }] = others
    .map((other) => ({ other, better: measureAgreement(scores, truth, other) }))
    .toSorted((one, another) => another.better - one.better);
  const isDoubtful = other !== undefined && better > own;
  return {
    subject: "labels",
    choice: `${describeLabels(labels)} (${why}; they agree with ${formatShare(own)} of the rows)`,
    alternative: isDoubtful
      ? `the order ${describeLabels(other)} would agree with ${formatShare(better)}: if the model was trained so, use ${formatOption(other)}`
      : "no other order agrees with more rows; --labels gives another one",
    isDoubtful,
  };
};

/** Integers that can only be numbered in one way: from 0, from 1, or over exactly their own range. */
const numberLabels = (names: readonly string[], width: number): readonly string[] | undefined => {
  const numbers = names.map(Number);
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const first = low >= 0 && high < width ? 0 : low >= 1 && high === width ? 1 : low;
  return high - first === width - 1 || first === 0
    ? Array.from({ length: width }, (_, at) => String(first + at))
    : undefined;
};

const assertShortLabels = (names: readonly string[]): void => {
  const tooLong = names.find((name) => name.length > maxLabelLength);
  if (tooLong !== undefined)
    throw new NewModelRefused(
      `the target holds ${JSON.stringify(tooLong.slice(0, 40))}…, which is too long for a label (limit ${maxLabelLength} characters)`,
      "Check that --target is the column of the training's labels.",
    );
};

/** Orders the target's labels, for a graph without them. */
const orderTargetLabels = ({ scores, truth, known }: LabelEvidence, width: number): InferredLabels => {
  const names = sortLabels(known);
  assertShortLabels(names);
  const integers = names.every(isInteger);
  if (names.length > width)
    throw new NewModelRefused(
      `the graph scores ${width} labels, the target has ${names.length} (${names.slice(0, 10).join(", ")})`,
      integers || names.every(isNumber)
        ? "Check that --target is the column of the training's labels. A regression with several values per row needs --quantiles 0.1,0.5,0.9, or a --target for each value."
        : "Check that --target is the column of the training's labels.",
    );
  const numbered = integers ? numberLabels(names, width) : undefined;
  if (names.length < width && !numbered)
    throw new NewModelRefused(
      `the graph scores ${width} labels, the target has ${names.length} (${names.slice(0, 10).join(", ")})`,
      "List all labels in the order of the scores' columns (--labels a,b,c), or add rows with the missing labels. A word for a missing value (NA, null, None) is a label only where --labels lists it.",
    );
  const labels = names.length < width && numbered ? numbered : names;
  const absent = labels.filter((label) => !names.includes(label));
  const why = [
    integers ? "integers in their order" : "sorted, as scikit-learn does",
    ...(absent.length > 0 ? [`no row has ${describeLabels(absent)}`] : []),
  ].join("; ");
  const majority = orderByMajority(scores, truth);
  const shifted = [0, 1]
    .map((first) => Array.from({ length: width }, (_, at) => String(first + at)))
    .filter((order) => names.every((name) => order.includes(name)));
  return {
    labels,
    integers,
    guess: guessOrder(scores, truth, labels, why, [...(majority ? [majority] : []), ...shifted]),
  };
};

/** The order of the graph's own label output: each column always belongs to one label. */
const orderByLabelOutput = ({ scores, predicted }: LabelEvidence): readonly string[] | undefined => {
  if (!predicted) return undefined;
  const order = orderByMajority(scores, predicted);
  return order && measureAgreement(scores, predicted, order) === 1 ? order : undefined;
};

/**
 * The labels that the caller gave. Throws NewModelRefused where they are not as many as the scores, or lack one of the
 * target's labels.
 */
export const assertGivenLabels = (
  given: readonly string[],
  known: readonly string[],
  width: number | undefined,
): InferredLabels => {
  if (width !== undefined && given.length !== width)
    throw new NewModelRefused(
      `--labels has ${given.length} labels, the graph scores ${width}`,
      "List every label once, in the order of the scores' columns.",
    );
  if (new Set(given).size < given.length || given.length < 2)
    throw new NewModelRefused("--labels needs two labels or more, each once", "Correct the list.");
  const lacking = sortLabels(known.filter((label) => !given.includes(label)));
  if (lacking.length > 0)
    throw new NewModelRefused(
      `--labels lacks ${describeLabels(lacking)}, which the target has`,
      "List every label once, in the order of the scores' columns.",
    );
  return { labels: given, integers: given.every(isInteger) };
};

/**
 * The labels of the score columns: those that the caller gave, those of the graph where they fit, otherwise those of the
 * target in their order. The rows never change an order: where another one fits them better, the guess says so.
 */
export const inferLabels = (evidence: LabelEvidence): InferredLabels => {
  const { scores, known, stored, given } = evidence;
  const width = scores[0]?.length ?? 0;
  if (given) return assertGivenLabels(given, known, width);
  const lists = new Map(
    stored
      .filter((list) => list.length === width && new Set(list).size === width)
      .map((list) => [list.join("\0"), list]),
  );
  const [first] = lists.values();
  const graphLabels = lists.size === 1 ? first : undefined;
  // A library that accepts only numbers was trained on numbers in place of the target's text.
  const holdsTarget = (labels: readonly string[] | undefined): labels is readonly string[] =>
    labels !== undefined && known.every((label) => labels.includes(label));
  if (holdsTarget(graphLabels)) return { labels: graphLabels, integers: graphLabels.every(isInteger) };
  // Integers are the columns' indexes; a label output can differ from the highest score (a distance, a threshold).
  const isNumbered = known.every((label) => isInteger(label) && Number(label) >= 0 && Number(label) < width);
  const ordered = isNumbered ? undefined : orderByLabelOutput(evidence);
  return holdsTarget(ordered)
    ? { labels: ordered, integers: ordered.every(isInteger) }
    : orderTargetLabels(evidence, width);
};

/**
 * The two labels of a graph with one score, which belongs to the second one: the positive label that the caller gave, or
 * the second of the sorted labels.
 * @param cut the score from which on the second label is predicted
 */
export const inferBinaryLabels = (
  { scores, truth, known, stored, given }: LabelEvidence,
  { cut, positive }: { readonly cut: number; readonly positive: string | undefined },
): InferredLabels => {
  if (given) return assertGivenLabels(given, known, 2);
  const pairs = stored.filter((list) => list.length === 2 && known.every((label) => list.includes(label)));
  const [pair] = pairs;
  const names = pairs.length === 1 && pair ? pair : sortLabels(known);
  assertShortLabels(names);
  const integers = names.every(isInteger);
  if (names.length !== 2)
    throw new NewModelRefused(
      `the graph has one score per row, the target has ${names.length} labels (${names.slice(0, 10).join(", ")})`,
      names.length < 2
        ? "Give both labels: --labels <label of low scores>,<label of high scores>."
        : "Export a score for each label, or give --task regression.",
    );
  if (pairs.length === 1) return { labels: names, integers };
  if (positive !== undefined && names.includes(positive))
    return { labels: [...names.filter((name) => name !== positive), positive], integers };
  const expanded = scores.map(([score = 0]) => [cut, score]);
  return {
    labels: names,
    integers,
    guess: guessOrder(
      expanded,
      truth,
      names,
      `${integers ? "integers in their order" : "sorted, as scikit-learn does"}; the score belongs to ${names[1]}`,
      [names.toReversed()],
    ),
  };
};
