import type { GraphValue } from "#model-folder/onnx/graph-value.ts";
import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { isNumber } from "./csv-cells.ts";
import { type InferredLabels, inferBinaryLabels, inferLabels } from "./infer-labels.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import type { Probe } from "./probe-model.ts";

/** The model's output, inferred from graph, run and target. */
export type InferredOutput =
  | ({
      readonly task: "classification";
      readonly scores: "probabilities" | "logits";
      readonly positive?: string;
      readonly guesses: readonly string[];
    } & InferredLabels)
  | {
      readonly task: "regression";
      /** Names of the values, in the graph's order. */
      readonly names: readonly string[];
      readonly guesses: readonly string[];
    };

type OutputEvidence = {
  readonly graph: Pick<OnnxSummary, "outputs" | "classLabels">;
  readonly outputs: Probe["outputs"];
  /** The cells of each target column, for the rows of the run. */
  readonly targets: ReadonlyMap<string, readonly string[]>;
};
type Scores = {
  readonly name: string;
  readonly rows: readonly (readonly number[])[];
  readonly width: number;
};

const isFloat = (value: GraphValue): boolean =>
  value.kind === "tensor" && ["float16", "float32", "float64"].includes(value.type);

const isInteger = (value: GraphValue): boolean =>
  value.kind === "tensor" && /^u?int(8|16|32|64)$/.test(value.type);

/** The outputs of a kind as rows of numbers. Integers of 64 bits arrive as text. */
const readNumberOutputs = (
  { graph, outputs }: OutputEvidence,
  rows: number,
  isKind: (value: GraphValue) => boolean,
): Scores[] =>
  outputs.flatMap(({ name, data }) => {
    const value = graph.outputs.find((each) => each.name === name);
    const width = data.length / rows;
    if (!value || !isKind(value) || !Number.isInteger(width) || width < 1) return [];
    const numbers = data.map((cell) => (cell === null ? Number.NaN : Number(cell)));
    return [
      {
        name,
        width,
        rows: Array.from({ length: rows }, (_, row) => numbers.slice(row * width, (row + 1) * width)),
      },
    ];
  });

/** An integer output for more different targets than this is a value, not a label. */
const mostIntegerLabels = 30;

const near = (value: number, other: number): boolean => Math.abs(value - other) < 1e-3;
const areShares = (rows: Scores["rows"]): boolean =>
  rows.every((row) => row.every((score) => score >= 0 && score <= 1));

const inferScoreKind = ({
  rows,
  width,
}: Scores): Pick<InferredOutput & { task: "classification" }, "scores" | "guesses"> => {
  if (!areShares(rows))
    return { scores: "logits", guesses: ["scores: logits, because they are not all between 0 and 1"] };
  const sums =
    width === 1 ||
    rows.every((row) =>
      near(
        row.reduce((sum, score) => sum + score, 0),
        1,
      ),
    );
  return {
    scores: "probabilities",
    guesses: sums ? [] : ["scores: between 0 and 1, but their sums are not 1"],
  };
};

/** The positive one of two labels: 1 of 0 and 1, otherwise the rarer one. */
const guessPositiveLabel = (
  { labels, integers }: InferredLabels,
  truth: readonly string[],
): string | undefined => {
  const [first = "", second = "", ...more] = labels;
  if (more.length > 0) return undefined;
  const count = (label: string): number => truth.filter((value) => value === label).length;
  return integers || count(second) <= count(first) ? second : first;
};

const describeClassification = (
  scores: Scores,
  labels: InferredLabels,
  truth: readonly string[],
): InferredOutput => {
  const { guesses, ...scoreKind } = inferScoreKind(scores);
  const positive = guessPositiveLabel(labels, truth);
  return {
    task: "classification",
    ...labels,
    ...scoreKind,
    ...(positive === undefined ? {} : { positive }),
    guesses: [
      ...(labels.guess === undefined ? [] : [`labels: ${labels.guess}`]),
      ...(positive === undefined ? [] : [`positive: ${positive}`]),
      ...guesses,
    ],
  };
};

const describeRegression = (candidates: readonly Scores[], targets: readonly string[]): InferredOutput => {
  const single = candidates.filter(({ width }) => width === targets.length);
  if (
    single.length === 1 ||
    (single.length > 1 && targets.length === 1 && single.some(({ name }) => name === targets[0]))
  )
    return {
      task: "regression",
      names: targets,
      guesses: targets.length > 1 ? ["names: in the order of the --target options"] : [],
    };
  // One tensor per value: each has its target's name.
  if (
    targets.length > 1 &&
    targets.every((target) => candidates.some(({ name, width }) => name === target && width === 1))
  )
    return { task: "regression", names: targets, guesses: [] };
  throw new NewModelRefused(
    `the graph's outputs (${candidates.map(({ name, width }) => `${name}: ${width} per row`).join(", ") || "no floats"}) are not ${targets.length === 1 ? "one value" : `${targets.length} values`} for ${targets.join(", ")}`,
    "Repeat --target once per value, in the graph's order, or export only the values.",
  );
};

const findScores = (candidates: readonly Scores[], labels: number): Scores | undefined => {
  const wide = candidates.filter(({ width }) => width > 1);
  return (
    wide.find(({ name }) => /prob/i.test(name)) ??
    (wide.length === 1 ? wide[0] : wide.find(({ width }) => width === labels))
  );
};

/**
 * Infers classification or regression, and the names of scores or values. Labels in the graph mean classification, as do
 * a target of text and a target of two values. Throws NewModelRefused for outputs that fit neither.
 */
export const inferOutput = (evidence: OutputEvidence): InferredOutput => {
  const { graph, outputs, targets } = evidence;
  const [truth = [], ...more] = targets.values();
  const rows = truth.length;
  const candidates = readNumberOutputs(evidence, rows, isFloat);
  const labelOutput = outputs.find(
    ({ name, data }) =>
      data.length === rows &&
      graph.outputs.some((value) => value.name === name && value.kind === "tensor" && !isFloat(value)),
  );
  const distinct = new Set(truth).size;
  const scores = findScores(candidates, distinct);
  const numeric = [...targets.values()].every((cells) => cells.every(isNumber));
  if (more.length > 0) {
    if (!numeric)
      throw new NewModelRefused(
        "one of several targets holds text",
        "A regression with several values needs numbers in all targets.",
      );
    return describeRegression(candidates, [...targets.keys()]);
  }
  if (scores)
    return describeClassification(
      scores,
      inferLabels({
        scores: scores.rows,
        truth,
        stored: graph.classLabels.map(({ labels }) => labels).filter(({ length }) => length === scores.width),
        predicted: labelOutput?.data.map(String),
      }),
      truth,
    );
  const [single, ...others] = candidates.filter(({ width }) => width === 1);
  const pair = distinct === 2 && single && others.length === 0;
  if (pair && (!numeric || areShares(single.rows)))
    return describeClassification(
      single,
      inferBinaryLabels(
        single.rows.map(([score = 0]) => score),
        truth,
      ),
      truth,
    );
  // A whole number of many is a value (a count, minutes), not a label.
  const integers = readNumberOutputs(evidence, rows, isInteger).filter(({ width }) => width === 1);
  if (numeric && candidates.length === 0 && integers.length === 1 && distinct > mostIntegerLabels) {
    const output = describeRegression(integers, [...targets.keys()]);
    const guess = `task: regression, because the target has ${distinct} different numbers and the graph returns integers`;
    return { ...output, guesses: [guess, ...output.guesses] };
  }
  if (!numeric || labelOutput)
    throw new NewModelRefused(
      `the target has ${distinct} labels, but no output of the graph has a score for each (it has ${candidates.map(({ name, width }) => `${name}: ${width} per row`).join(", ") || "no floats"})`,
      "Export the probabilities as a tensor [N, labels].",
    );
  return describeRegression(candidates, [...targets.keys()]);
};
