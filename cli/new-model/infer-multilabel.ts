import { f1Interval } from "#domain/statistics/f1-interval.ts";
import { areShares } from "#model-folder/rows/are-shares.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import { parseFlag } from "./parse-flag.ts";
import { type FloatOutput, splitRows } from "./read-graph-outputs.ts";
import type { ScoredGuess } from "./scored-guess.ts";
import type { InferredTask, TaskEvidence } from "./task-evidence.ts";

type LabelScores = {
  readonly graphOutputs: readonly string[];
  /** A label's score for each row. */
  readonly columns: readonly (readonly number[])[];
  /** All are probabilities. */
  readonly areShares: boolean;
};

/** Every `step`-th number from `start` on. */
const pickEvery = ({ data }: FloatOutput, start: number, step: number): readonly number[] =>
  data.filter((_, index) => index >= start && (index - start) % step === 0);

/** [labels, N, 2], also where the graph declares no shape, for example without its ZipMap. */
const isStacked = ({ rank, width }: FloatOutput, labels: number): boolean =>
  width === 2 * labels && (rank === 3 || rank === undefined);

const readOne = (output: FloatOutput, labels: number, rows: number): LabelScores => ({
  graphOutputs: [output.name],
  columns: Array.from({ length: labels }, (_, label) =>
    isStacked(output, labels)
      ? Array.from({ length: rows }, (_, row) => output.data[(label * rows + row) * 2 + 1] ?? Number.NaN)
      : pickEvery(output, label, labels),
  ),
  areShares: isStacked(output, labels) || holdsShares(output),
});

/** Every number is a probability; a forest's float32 sums end a little above 1. */
const holdsShares = (output: FloatOutput): boolean =>
  areShares(splitRows(output), { type: output.type, sums: false });

/** One output for all labels, or one for each, in the graph's order. */
const findLabelScores = ({ outputs, targets, rows }: TaskEvidence): LabelScores | undefined => {
  const labels = targets.size;
  const whole = outputs.floats.filter(
    (output) => isStacked(output, labels) || (output.width === labels && output.rank !== 3),
  );
  const one = whole.find(({ name }) => /prob/i.test(name)) ?? (whole.length === 1 ? whole[0] : undefined);
  if (one) return readOne(one, labels, rows);
  for (const width of [2, 1]) {
    const each = outputs.floats.filter((output) => output.width === width);
    if (each.length !== labels || (width === 2 && !each.every(holdsShares))) continue;
    return {
      graphOutputs: each.map(({ name }) => name),
      columns: each.map((output) => (width === 2 ? pickEvery(output, 1, 2) : output.data)),
      areShares: each.every(holdsShares),
    };
  }
  return undefined;
};

const readFlags = (cells: readonly string[]): readonly boolean[] | undefined => {
  const flags = cells.map(parseFlag);
  return flags.every((flag) => flag !== undefined) ? flags : undefined;
};

/** Several targets of 0 and 1, and a score for each. */
export const isMultilabel = (evidence: TaskEvidence): boolean =>
  evidence.targets.size > 1 &&
  [...evidence.targets.values()].every((cells) => readFlags(cells) !== undefined) &&
  findLabelScores(evidence) !== undefined;

type Kind = "probabilities" | "logits" | "decision";

/** Shares are probabilities; otherwise the graph's own labels tell a decision function from logits: both divide at 0. */
const inferKind = ({ areShares }: LabelScores, { outputs, targets }: TaskEvidence): Kind => {
  if (areShares) return "probabilities";
  const own = outputs.labels.find(({ width }) => width === targets.size);
  return own ? "decision" : "logits";
};

/** Labels whose column agrees better with another target. */
const describeOrder = (
  scores: LabelScores,
  cut: number,
  truth: readonly (readonly boolean[])[],
  names: readonly string[],
): ScoredGuess => {
  const measure = (column: readonly number[], flags: readonly boolean[]): number =>
    f1Interval(
      flags.map((flag) => [flag]),
      column.map((score) => [score > cut]),
      "micro",
    ).estimate;
  const best = scores.columns.map((column) => {
    const f1 = truth.map((flags) => measure(column, flags));
    return f1.indexOf(Math.max(...f1));
  });
  const order = best.map((index) => names[index] ?? "");
  const own = scores.columns.map((column, index) => measure(column, truth[index] ?? []));
  const other = scores.columns.map((column, index) => measure(column, truth[best[index] ?? 0] ?? []));
  const average = (values: readonly number[]): string =>
    (values.reduce((sum, value) => sum + value, 0) / values.length).toPrecision(3);
  const isDoubtful =
    new Set(order).size === names.length && order.some((name, index) => name !== names[index]);
  return {
    subject: "labels",
    choice: `${names.slice(0, 12).join(", ")}${names.length > 12 ? ", …" : ""}, in the order of --target (F1 macro ${average(own)})`,
    alternative: isDoubtful
      ? `the order ${order.join(", ")} would have F1 macro ${average(other)}: repeat --target in that order if the model was trained so`
      : "no other order agrees with more rows; the order of --target gives another one",
    isDoubtful,
  };
};

const describeTask: ScoredGuess = {
  subject: "task",
  choice: "multilabel, because all targets are 0 or 1",
  alternative: "values of their own, and not labels, with --task regression",
  isDoubtful: false,
};
const describeKind = (kind: Exclude<Kind, "probabilities">): ScoredGuess => ({
  subject: "scores",
  choice: `${kind}, because they are not all between 0 and 1${kind === "decision" ? "; a label applies above 0" : "; they become probabilities by the sigmoid"}`,
  alternative:
    kind === "decision"
      ? "--scores logits makes probabilities of them; the labels are the same"
      : "--scores decision serves the raw values; the labels are the same",
  isDoubtful: false,
});
const describeThreshold = (cut: number, differing: number): ScoredGuess => ({
  subject: "threshold",
  choice: `a label applies above ${cut}, as in scikit-learn`,
  alternative: `the graph's own labels differ in ${differing} rows: compare with Python's by --predicted, and set output.threshold in model.yaml`,
  isDoubtful: false,
});

/** Several labels that each apply or not. Throws NewModelRefused where the targets are no flags, or a label has no score. */
export const inferMultilabel = (evidence: TaskEvidence): InferredTask => {
  const { outputs, targets } = evidence;
  const names = [...targets.keys()];
  const flags = [...targets].map(([name, cells]) => {
    const read = readFlags(cells);
    if (read) return read;
    const example = cells.find((cell) => parseFlag(cell) === undefined) ?? "";
    throw new NewModelRefused(
      `the target ${name} has ${JSON.stringify(example.slice(0, 40))}, and a label applies (1) or not (0)`,
      "Write 0 and 1.",
    );
  });
  const scores = names.length > 1 ? findLabelScores(evidence) : undefined;
  if (!scores)
    throw new NewModelRefused(
      `the graph's outputs (${outputs.floats.map(({ name, width }) => `${name}: ${width} per row`).join(", ") || "no floats"}) have no score for each of ${names.length} labels (${names.slice(0, 10).join(", ")})`,
      "Repeat --target once per label, in the order of the training; export probabilities, in Python with predict_proba.",
    );
  const { scores: given } = evidence.options;
  const kind = given ?? inferKind(scores, evidence);
  const cut = kind === "probabilities" ? 0.5 : 0;
  const own = outputs.labels.find(({ width }) => width === names.length);
  const differing = own
    ? scores.columns[0]?.filter((_, row) =>
        names.some((_, label) => {
          const applies = (scores.columns[label]?.[row] ?? 0) > cut;
          return applies !== (own.data[row * names.length + label] === "1");
        }),
      ).length
    : 0;
  const order = describeOrder(scores, cut, flags, names);
  return {
    task: "multilabel",
    output: {
      labels: names,
      ...(kind === "probabilities" ? {} : { scores: kind }),
      graphOutputs: scores.graphOutputs,
    },
    truth: flags.map((each) => each.map((flag) => (flag ? "1" : "0"))),
    guesses: [],
    scoredGuesses: [
      ...(evidence.options.task === undefined ? [describeTask] : []),
      order,
      ...(kind === "probabilities" || given ? [] : [describeKind(kind)]),
      ...(differing ? [describeThreshold(cut, differing)] : []),
    ],
  };
};
