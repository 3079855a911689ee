import type { GraphValue } from "#model-folder/onnx/graph-value.ts";
import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { isNumber } from "./csv-cells.ts";
import { type InferredLabels, inferBinaryLabels, inferLabels } from "./infer-labels.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import type { Probe } from "./probe-model.ts";

/** What the model answers, as graph, run and target show it. */
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
  /** The target columns' names, and the text of their cells for each row that was run. */
  readonly targets: ReadonlyMap<string, readonly string[]>;
};
type Scores = {
  readonly name: string;
  readonly rows: readonly (readonly number[])[];
  readonly width: number;
};

const isFloat = (value: GraphValue): boolean =>
  value.kind === "tensor" && (value.type === "float32" || value.type === "float64");

/** The float outputs as rows of numbers. */
const readFloatOutputs = ({ graph, outputs }: OutputEvidence, rows: number): Scores[] =>
  outputs.flatMap(({ name, data }) => {
    const value = graph.outputs.find((each) => each.name === name);
    const width = data.length / rows;
    if (!value || !isFloat(value) || !Number.isInteger(width) || width < 1) return [];
    const numbers = data.map((cell) => (typeof cell === "number" ? cell : Number.NaN));
    return [
      {
        name,
        width,
        rows: Array.from({ length: rows }, (_, row) => numbers.slice(row * width, (row + 1) * width)),
      },
    ];
  });

const near = (value: number, other: number): boolean => Math.abs(value - other) < 1e-3;
const areShares = (rows: Scores["rows"]): boolean =>
  rows.every((row) => row.every((score) => score >= 0 && score <= 1));

const inferScoreKind = ({
  rows,
  width,
}: Scores): Pick<InferredOutput & { task: "classification" }, "scores" | "guesses"> => {
  if (!areShares(rows))
    return { scores: "logits", guesses: ["scores: the graph's are no shares, so they are taken for logits"] };
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
    guesses: sums ? [] : ["scores: between 0 and 1, but the labels' do not sum up to 1"],
  };
};

/** Of two labels the one that is looked for: 1 of 0 and 1, else the rarer. */
const guessPositiveLabel = (
  { labels, integers }: InferredLabels,
  truth: readonly string[],
): string | undefined => {
  const [first = "", second = "", ...more] = labels;
  if (more.length > 0) return undefined;
  const count = (label: string): number => truth.filter((each) => each === label).length;
  return integers || count(second) <= count(first) ? second : first;
};

const describeClassification = (
  scores: Scores,
  labels: InferredLabels,
  truth: readonly string[],
): InferredOutput => {
  const { guesses, ...how } = inferScoreKind(scores);
  const positive = guessPositiveLabel(labels, truth);
  return {
    task: "classification",
    ...labels,
    ...how,
    ...(positive === undefined ? {} : { positive }),
    guesses: [
      ...(labels.guess === undefined ? [] : [`labels: ${labels.guess}`]),
      ...(positive === undefined ? [] : [`positive: ${positive}, the label that is looked for`]),
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
      guesses: targets.length > 1 ? ["names: the targets in the order in which they were given"] : [],
    };
  // One tensor for each value is found by its name.
  if (
    targets.length > 1 &&
    targets.every((target) => candidates.some(({ name, width }) => name === target && width === 1))
  )
    return { task: "regression", names: targets, guesses: [] };
  throw new NewModelRefused(
    `the graph's outputs (${candidates.map(({ name, width }) => `${name}: ${width} a row`).join(", ") || "no floats"}) are not ${targets.length === 1 ? "one value" : `${targets.length} values`} for ${targets.join(", ")}`,
    "Give one --target for each value in the graph's order, or export the values alone.",
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
 * Whether a graph classifies or measures, and what its scores or values are called. The graph says so with labels that
 * it stores or answers, the target with text or two values only. Throws NewModelRefused for outputs that fit neither.
 */
export const inferOutput = (question: OutputEvidence): InferredOutput => {
  const { graph, outputs, targets } = question;
  const [truth = [], ...more] = targets.values();
  const rows = truth.length;
  const candidates = readFloatOutputs(question, rows);
  const answered = outputs.find(
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
        "A model of several values has numbers for targets.",
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
        answered: answered?.data.map(String),
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
  if (!numeric || answered)
    throw new NewModelRefused(
      `the target has ${distinct} labels, and no output of the graph holds a score for each (it has ${candidates.map(({ name, width }) => `${name}: ${width} a row`).join(", ") || "no floats"})`,
      "Export the probabilities as a tensor [N, labels].",
    );
  return describeRegression(candidates, [...targets.keys()]);
};
