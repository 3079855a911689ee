import { isNumber } from "./csv-cells.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import { type FloatOutput, splitRows } from "./read-graph-outputs.ts";
import type { InferredTask, TaskEvidence } from "./task-evidence.ts";

/** Values of one row, from the lowest quantile to the highest. */
type Quantiles = { readonly graphOutputs: readonly string[]; readonly rows: readonly (readonly number[])[] };

const deviationName = /std|stdev|deviation|sigma|uncert|scale/i;
/** Predicted quantiles may cross in a few rows. */
const orderedShare = 0.95;
const commonLevels = [
  0.01, 0.025, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.975, 0.99,
];

/** A target that no classification has: fractions, or more numbers than the graph has columns and labels have. */
const isContinuous = (cells: readonly string[], width: number): boolean => {
  if (!cells.every(isNumber)) return false;
  const distinct = new Set(cells).size;
  return (
    distinct > 2 && (cells.some((cell) => !Number.isInteger(Number(cell))) || distinct > Math.max(20, width))
  );
};

const areOrdered = ({ rows }: Quantiles): boolean =>
  rows.filter((values) => values.every((value, index) => index === 0 || value >= (values[index - 1] ?? 0)))
    .length >=
  orderedShare * rows.length;

const joinColumns = (outputs: readonly FloatOutput[]): Quantiles => ({
  graphOutputs: outputs.map(({ name }) => name),
  rows: (outputs[0]?.data ?? []).map((_, row) => outputs.map(({ data }) => data[row] ?? Number.NaN)),
});

const findQuantiles = ({ outputs, options }: TaskEvidence): Quantiles | undefined => {
  const wanted = options.quantiles?.length;
  const wide = outputs.floats.filter(({ width }) => (wanted === undefined ? width > 1 : width === wanted));
  const single = outputs.floats.filter(({ width }) => width === 1);
  const [matrix, ...others] = wide;
  const found =
    matrix && others.length === 0
      ? { graphOutputs: [matrix.name], rows: splitRows(matrix) }
      : single.length > 1 && (wanted === undefined || wanted === single.length)
        ? joinColumns(single)
        : undefined;
  return found && (wanted !== undefined || areOrdered(found)) ? found : undefined;
};

const findDeviation = ({ outputs }: TaskEvidence) => {
  const single = outputs.floats.filter(({ width }) => width === 1);
  const deviation = single.find(
    ({ name, data }) => deviationName.test(name) && data.every((value) => value >= 0),
  );
  const value = single.find((output) => output !== deviation);
  return deviation && value && single.length === 2 ? { value, deviation } : undefined;
};

/** By how much shares of few rows differ from symmetric levels. */
const symmetryTolerance = 0.15;

/**
 * The common level that is nearest to the share of true values below each quantile. Levels are mostly symmetric, so the
 * shares of both ends count together where they nearly are.
 */
const inferLevels = (quantiles: Quantiles, truth: readonly number[]) => {
  const width = quantiles.rows[0]?.length ?? 0;
  const shares = Array.from(
    { length: width },
    (_, column) =>
      quantiles.rows.filter((values, row) => (truth[row] ?? 0) <= (values[column] ?? 0)).length /
      truth.length,
  );
  const opposite = shares.toReversed().map((share) => 1 - share);
  const isSymmetric = shares.every(
    (share, index) => Math.abs(share - (opposite[index] ?? 0)) < symmetryTolerance,
  );
  const levels = shares
    .map((share, index) => (isSymmetric ? (share + (opposite[index] ?? share)) / 2 : share))
    .map(
      (share) =>
        commonLevels.toSorted((one, other) => Math.abs(one - share) - Math.abs(other - share))[0] ?? 0.5,
    );
  return levels.every((level, index) => index === 0 || level > (levels[index - 1] ?? 0))
    ? { levels, shares }
    : undefined;
};

const formatLevel = (level: number): string => `q${Number((level * 100).toPrecision(6))}`;
const formatPercent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;

const describeQuantiles = (quantiles: Quantiles, { options, targets }: TaskEvidence): InferredTask => {
  const [first] = targets;
  const inferred = first && !options.quantiles ? inferLevels(quantiles, first[1].map(Number)) : undefined;
  const levels = options.quantiles ?? inferred?.levels;
  if (!levels)
    throw new NewModelRefused(
      `the graph gives ${quantiles.rows[0]?.length ?? 0} increasing values per row: quantiles, whose levels ${first ? "the rows do not tell" : "nothing tells"}`,
      "Give them in order, for example --quantiles 0.1,0.5,0.9.",
    );
  const name = first?.[0] ?? "value";
  return {
    task: "regression",
    output: {
      names: levels.map((level) => `${name}_${formatLevel(level)}`),
      quantiles: levels,
      graphOutputs: quantiles.graphOutputs,
    },
    truth: first ? [first[1]] : [],
    guesses: [],
    scoredGuesses: inferred
      ? [
          {
            subject: "quantiles",
            choice: `${levels.join(", ")}, because ${inferred.shares.map(formatPercent).join(", ")} of the rows' targets lie below the graph's values`,
            alternative:
              "levels that fit the rows make any model look calibrated, and pinball and coverage depend on them: give those of the training with --quantiles",
            isDoubtful: true,
          },
        ]
      : [],
  };
};

/**
 * A regression that gives more than one value for one target: a value with its standard deviation, quantiles, or the score
 * of an outlier detector beside its labels. Undefined where the graph has none of these.
 */
export const inferDistribution = (evidence: TaskEvidence): InferredTask | undefined => {
  const { outputs, options, targets, graph } = evidence;
  const [first] = targets;
  if (targets.size > 1 || (first && !first[1].every(isNumber))) return undefined;
  if (options.quantiles) {
    const quantiles = findQuantiles(evidence);
    if (quantiles) return describeQuantiles(quantiles, evidence);
    throw new NewModelRefused(
      `--quantiles has ${options.quantiles.length} levels, but the graph's outputs (${outputs.floats.map(({ name, width }) => `${name}: ${width} per row`).join(", ") || "no floats"}) have no value for each`,
      "Give one level per column, in the graph's order.",
    );
  }
  if (graph.classLabels.length > 0) return undefined;
  const name = first?.[0] ?? "value";
  const truth = first ? [first[1]] : [];
  const deviation = findDeviation(evidence);
  if (deviation)
    return {
      task: "regression",
      output: {
        name,
        deviation: `${name}_std`,
        graphOutputs: [deviation.value.name, deviation.deviation.name],
      },
      truth,
      guesses: [],
      scoredGuesses: [
        {
          subject: "deviation",
          choice: `the graph's output ${deviation.deviation.name}, by its name`,
          alternative: "if both outputs are quantiles, give their levels with --quantiles",
          isDoubtful: false,
        },
      ],
    };
  const [score, ...others] = outputs.floats.filter(({ width }) => width === 1);
  const continuous = first
    ? isContinuous(first[1], outputs.floats[0]?.width ?? 1)
    : options.task === "regression";
  if (!continuous) return undefined;
  // A label output beside one score: an outlier detector of which the target is the score.
  if (score && others.length === 0 && outputs.floats.length === 1 && outputs.labels.length > 0)
    return {
      task: "regression",
      output: { name, graphOutputs: [score.name] },
      truth,
      guesses: [],
      scoredGuesses: [
        {
          subject: "task",
          choice: `regression of ${score.name}, because the target is no label`,
          alternative: "--task anomaly with a target of normal and anomalous rows",
          isDoubtful: false,
        },
      ],
    };
  const quantiles = outputs.labels.length === 0 ? findQuantiles(evidence) : undefined;
  return quantiles && describeQuantiles(quantiles, evidence);
};
