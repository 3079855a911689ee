import { areShares } from "#model-folder/rows/are-shares.ts";
import { findClusterKind, inferClustering } from "./infer-clustering.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import { splitRows } from "./read-graph-outputs.ts";
import type { InferredTask, TaskEvidence } from "./task-evidence.ts";

const isInteger = (text: string): boolean => /^-?(0|[1-9]\d{0,14})$/.test(text);

/** A graph that stores its labels, with a score for each. */
const inferStoredLabels = ({ graph, outputs }: TaskEvidence): InferredTask | undefined => {
  const scores = outputs.floats.find(({ width }) =>
    graph.classLabels.some(({ labels }) => labels.length === width),
  );
  const stored = graph.classLabels.filter(({ labels }) => labels.length === scores?.width);
  const [first] = stored;
  if (!scores || !first || new Set(stored.map(({ labels }) => labels.join("\0"))).size > 1) return undefined;
  const areProbabilities = areShares(splitRows(scores), { type: scores.type });
  return {
    task: "classification",
    output: {
      labels: first.labels.every(isInteger) ? first.labels.map(Number) : first.labels,
      ...(areProbabilities ? {} : { scores: "logits" }),
    },
    truth: [],
    guesses: [],
    scoredGuesses: areProbabilities
      ? []
      : [
          {
            subject: "scores",
            choice: "logits, because a row's scores are no shares of 1",
            alternative: "scores: decision with labelOutput in model.yaml serves the raw values",
            isDoubtful: false,
          },
        ],
  };
};

/** A graph whose own label is the number of the likeliest column. */
const inferNumberedLabels = (evidence: TaskEvidence): InferredTask | undefined => {
  if (findClusterKind(evidence) !== "probabilities") return undefined;
  return {
    task: "classification",
    output: { labels: inferClustering(evidence).output.labels },
    truth: [],
    guesses: ["labels: numbered as the graph's own label output has them"],
  };
};

/** The output of a graph whose rows have no truth. Throws NewModelRefused where the graph does not say what its numbers mean. */
export const inferWithoutTruth = (evidence: TaskEvidence): InferredTask => {
  const { outputs, options } = evidence;
  const classification =
    options.task === "regression"
      ? undefined
      : (inferStoredLabels(evidence) ??
        (options.task === "classification" ? inferNumberedLabels(evidence) : undefined));
  if (classification) return classification;
  const [single, ...others] = outputs.floats;
  const [label] = outputs.labels;
  if (label && options.task === undefined)
    throw new NewModelRefused(
      `without --target nothing says what the graph's output ${label.name} means (it has ${[...new Set(label.data)].slice(0, 5).join(", ")})`,
      "Add --target <column>, or give --task: anomaly or clustering serve the label, regression serves a number alone.",
    );
  if (options.task !== "classification" && single?.width === 1 && others.length === 0)
    return {
      task: "regression",
      output: { name: single.name.slice(0, 128), graphOutputs: [single.name] },
      truth: [],
      guesses: [],
      scoredGuesses: [
        {
          subject: "task",
          choice: `regression of ${single.name}, because the graph has one number per row and stores no labels`,
          alternative: "another task with --task (anomaly, ranking, …)",
          isDoubtful: false,
        },
      ],
    };
  throw new NewModelRefused(
    `without --target nothing says what the graph's outputs mean (${outputs.floats.map(({ name, width }) => `${name}: ${width} per row`).join(", ") || "no floats"})`,
    outputs.floats.some(({ width }) => width > 1)
      ? "Add --target <column>; or give --task embedding for vectors, --task tensors for other numbers, --labels a,b,c for scores of labels, or --quantiles."
      : "Add --target <column>, or give --task (anomaly, clustering, …).",
  );
};
