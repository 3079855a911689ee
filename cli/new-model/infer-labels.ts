import { NewModelRefused } from "./new-model-refused.ts";

/** The labels in the order of the scores' columns. */
export type InferredLabels = {
  readonly labels: readonly string[];
  /** Whether they are the graph's own integers, which typed protocols answer as such. */
  readonly integers: boolean;
  /** Where the order comes from, in words; undefined where the graph says it. */
  readonly guess?: string;
};

const maxLabelLength = 128;

type LabelEvidence = {
  /** Scores row by row, `width` numbers each. */
  readonly scores: readonly (readonly number[])[];
  /** What is true of each of these rows. */
  readonly truth: readonly string[];
  /** Label lists of this length that classifier nodes store. */
  readonly stored: readonly (readonly string[])[];
  /** The label that the graph itself answers each row with, where it has such an output. */
  readonly answered: readonly string[] | undefined;
};

const isInteger = (text: string): boolean => /^-?(0|[1-9]\d{0,14})$/.test(text);
/** As scikit-learn's encoders and pandas sort them: numbers by value, text by its characters. */
const sortLabels = (labels: Iterable<string>): string[] => {
  const all = [...new Set(labels)];
  return all.every(isInteger) ? all.sort((one, other) => Number(one) - Number(other)) : all.sort();
};
const argmax = (row: readonly number[]): number => row.indexOf(Math.max(...row));

/** For each column the label that rows have most often where this column scores highest; undefined if that is no order. */
const orderByMajority = (
  scores: LabelEvidence["scores"],
  labels: readonly string[],
): string[] | undefined => {
  const width = scores[0]?.length ?? 0;
  const counts = Array.from({ length: width }, () => new Map<string, number>());
  for (const [row, each] of scores.entries()) {
    const count = counts[argmax(each)];
    const label = labels[row] ?? "";
    count?.set(label, (count.get(label) ?? 0) + 1);
  }
  const order = counts.map((count) => [...count].sort(([, one], [, other]) => other - one)[0]?.[0]);
  const known = order.filter((label) => label !== undefined);
  // One column that never scores highest is the one label that is left.
  const left = sortLabels(labels).filter((label) => !known.includes(label));
  const filled = order.map((label) => label ?? (left.length === 1 ? left[0] : undefined));
  const complete = filled.filter((label) => label !== undefined);
  return new Set(complete).size === width && complete.length === width ? complete : undefined;
};

const measureAgreement = (
  scores: LabelEvidence["scores"],
  truth: readonly string[],
  order: readonly string[],
): number => scores.filter((each, row) => order[argmax(each)] === truth[row]).length / scores.length;

/** The order that the rows speak for, where the graph has other names for its labels, or none. */
const inferFromTarget = ({ scores, truth }: LabelEvidence, width: number): InferredLabels => {
  const names = sortLabels(truth);
  const long = names.find((name) => name.length > maxLabelLength);
  if (long !== undefined)
    throw new NewModelRefused(
      `the target holds ${JSON.stringify(long.slice(0, 40))}…, too long for a label`,
      "Is this the column that the model was trained on?",
    );
  const integers = names.every(isInteger);
  const counted = Array.from({ length: width }, (_, at) => String(at));
  if (names.length !== width) {
    if (integers && names.every((name) => Number(name) >= 0 && Number(name) < width))
      return {
        labels: counted,
        integers,
        guess: `the graph scores ${width} labels and the target has ${names.length}: they are numbered from 0`,
      };
    throw new NewModelRefused(
      `the graph scores ${width} labels, the target has ${names.length} (${names.slice(0, 10).join(", ")})`,
      names.length < width
        ? "Bring rows with all labels."
        : "Is this the column that the model was trained on?",
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
        ? "sorted: the graph does not name the target's labels"
        : "the order that agrees best with the rows: the graph does not name the target's labels",
  };
};

/** The labels of the columns of a graph's scores: those that it stores or answers, else those of the target. */
export const inferLabels = (question: LabelEvidence): InferredLabels => {
  const { scores, truth, stored, answered } = question;
  const width = scores[0]?.length ?? 0;
  const lists = new Map(
    stored.filter((list) => new Set(list).size === width).map((list) => [list.join("\0"), list]),
  );
  const [first] = lists.values();
  const own = lists.size === 1 ? first : answered && orderByMajority(scores, answered);
  // Libraries that take only numbers are trained on numbers for the target's text.
  const fits = own && truth.every((label) => own.includes(label));
  return own && fits ? { labels: own, integers: own.every(isInteger) } : inferFromTarget(question, width);
};

/** The two labels of a graph that gives one score: the second is the one whose rows score higher. */
export const inferBinaryLabels = (scores: readonly number[], truth: readonly string[]): InferredLabels => {
  const names = sortLabels(truth);
  const mean = (label: string | undefined): number => {
    const of = scores.filter((_, row) => truth[row] === label);
    return of.reduce((sum, score) => sum + score, 0) / of.length;
  };
  const [low, high] = names;
  return {
    labels: mean(high) >= mean(low) ? names : names.toReversed(),
    integers: names.every(isInteger),
    guess: "the graph gives one score: it is taken for that of the label whose rows score higher",
  };
};
