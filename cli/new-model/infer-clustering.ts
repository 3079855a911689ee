import { areShares } from "#model-folder/rows/are-shares.ts";
import { assertGivenLabels } from "./infer-labels.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import { type FloatOutput, splitRows } from "./read-graph-outputs.ts";
import type { ScoredGuess } from "./scored-guess.ts";
import type { InferredTask, TaskEvidence } from "./task-evidence.ts";

type Clusters = {
  readonly labelOutput: string;
  readonly labels: readonly string[];
  readonly distances?: string;
  readonly probabilities?: string;
};

const sortNumbers = (labels: readonly string[]): readonly string[] =>
  labels.toSorted((one, other) => Number(one) - Number(other) || (one < other ? -1 : 1));

/** Whether the cluster of each row is the column with the least, or the greatest, number. */
const matches = (
  output: FloatOutput,
  labels: readonly string[],
  pick: (...values: readonly number[]) => number,
): boolean =>
  splitRows(output).every((values, row) => values.indexOf(pick(...values)) === Number(labels[row]));

const findClusters = ({ outputs }: TaskEvidence): Clusters | undefined => {
  const label = outputs.labels.find(({ width }) => width === 1);
  if (!label) return undefined;
  for (const output of outputs.floats.filter(({ width }) => width >= 2)) {
    const labels = Array.from({ length: output.width }, (_, index) => String(index));
    if (!label.data.every((cluster) => labels.includes(cluster))) continue;
    if (areShares(splitRows(output), { type: output.type }) && matches(output, label.data, Math.max))
      return { labelOutput: label.name, labels, probabilities: output.name };
    if (matches(output, label.data, Math.min))
      return { labelOutput: label.name, labels, distances: output.name };
  }
  return { labelOutput: label.name, labels: sortNumbers([...new Set(label.data)]) };
};

/**
 * What the graph's own label output says: the nearest of its distances (`distances`), or the likeliest of its shares
 * without a classifier node (`probabilities`), which a classifier may have too.
 */
export const findClusterKind = (evidence: TaskEvidence): "distances" | "probabilities" | undefined => {
  if (evidence.graph.classLabels.length > 0) return undefined;
  const clusters = findClusters(evidence);
  return clusters?.distances ? "distances" : clusters?.probabilities ? "probabilities" : undefined;
};

/** The output of a clustering: the graph's own label. Throws NewModelRefused where it has none, or the target is another column. */
export const inferClustering = (evidence: TaskEvidence): InferredTask => {
  const clusters = findClusters(evidence);
  const given = evidence.options.labels;
  if (!clusters)
    throw new NewModelRefused(
      "a clustering needs an output with the cluster of each row; the graph has none of text or integers",
      "Export the clusters' labels too (skl2onnx does for KMeans and GaussianMixture).",
    );
  const hasColumns = (clusters.distances ?? clusters.probabilities) !== undefined;
  const labels = given
    ? assertGivenLabels(given, clusters.labels, hasColumns ? clusters.labels.length : undefined).labels
    : clusters.labels;
  const [first] = evidence.targets;
  const foreign = first?.[1].find((cell) => !labels.includes(cell));
  if (first && foreign !== undefined)
    throw new NewModelRefused(
      `the graph is a clustering with the clusters ${labels.slice(0, 10).join(", ")}, but the target ${first[0]} has ${JSON.stringify(foreign.slice(0, 40))}`,
      "Leave the column out with --ignore <column> in place of --target, or give the column with each row's cluster from Python; for a classification use --task classification.",
    );
  const { labelOutput, distances, probabilities } = clusters;
  const kind = distances
    ? `the nearest of ${distances}`
    : probabilities
      ? `the likeliest of ${probabilities}`
      : undefined;
  return {
    task: "clustering",
    output: {
      labels: labels.map((label) => (/^(0|[1-9]\d{0,14})$/.test(label) ? Number(label) : label)),
      labelOutput,
      ...(distances ? { distances } : {}),
      ...(probabilities ? { probabilities } : {}),
    },
    truth: first ? [first[1]] : [],
    guesses: [],
    scoredGuesses: [
      ...(kind === undefined && given === undefined
        ? [
            {
              subject: "labels" as const,
              choice: `those of ${labelOutput} on these rows`,
              alternative: "--labels lists all clusters, also those that no row has",
              isDoubtful: true,
            },
          ]
        : []),
      ...(kind !== undefined && evidence.options.task === undefined
        ? [
            {
              subject: "task" as const,
              choice: `clustering, because the graph's own label ${labelOutput} is ${kind} in all rows`,
              alternative: "--task classification takes it for a classifier",
              isDoubtful: false,
            },
          ]
        : []),
    ],
  };
};

/** A mixture with a target looks like a classifier: its label is the likeliest of its probabilities. */
export const guessMixture = (evidence: TaskEvidence): readonly ScoredGuess[] =>
  evidence.options.task === undefined &&
  evidence.targets.size === 1 &&
  findClusterKind(evidence) === "probabilities"
    ? [
        {
          subject: "task",
          choice: "classification, because there is a target",
          alternative:
            "the graph names no labels and its own label is the number of its likeliest column, as of a mixture (GaussianMixture): --task clustering if the target is the cluster. Labels and probabilities are the same",
          isDoubtful: false,
        },
      ]
    : [];
