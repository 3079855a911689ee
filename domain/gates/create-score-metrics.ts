import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { findThinLabels } from "#model-folder/rows/find-thin-labels.ts";
import type { Holdout } from "#model-folder/rows/holdout.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { createEntityMetrics } from "./entity-metrics.ts";
import { createHeadsMetric } from "./heads-metric.ts";
import {
  createCoverageMetric,
  createPinballMetric,
  readNormalBounds,
  readQuantileBounds,
} from "./interval-metrics.ts";
import { createF1Metric } from "./label-set-metrics.ts";
import { createNdcgMetric } from "./ranking-metrics.ts";
import {
  createAccuracyMetric,
  createAucMetric,
  createMaeMetric,
  createRmseMetric,
  type ScoreMetric,
} from "./score-metrics.ts";

type Output<Task extends Manifest["task"]> = Extract<Manifest, { task: Task }>["output"];
type Truth<Task extends Holdout["task"]> = Extract<Holdout, { task: Task }>;

/** AUC tells the positive label from all others, accuracy all labels. */
const listClassificationMetrics = (
  { labels, positive }: Output<"classification">,
  truth: readonly string[],
): readonly ScoreMetric[] => {
  const others = `other than ${positive}`;
  const thinSides =
    positive === undefined
      ? []
      : findThinLabels(
          [positive, others],
          truth.map((label) => (label === positive ? positive : others)),
        );
  return [
    { ...createAccuracyMetric(truth), thinLabels: findThinLabels(labels, truth) },
    { ...createAucMetric(truth, positive), thinLabels: thinSides },
  ];
};

/** Few anomalies decide nothing, as of any label. */
const listAnomalyMetrics = (output: Output<"anomaly">, labels: readonly string[]): readonly ScoreMetric[] => {
  const thinLabels = findThinLabels([output.normal, output.anomaly], labels);
  return measureAnomalies(output, labels).map((metric) => ({ ...metric, thinLabels }));
};

const measureAnomalies = (
  { name, anomaly, anomalyIs }: Output<"anomaly">,
  labels: readonly string[],
): readonly ScoreMetric[] => [
  createAccuracyMetric(labels),
  createAucMetric(labels, anomaly, ({ scores }) => {
    const score = getOwnProperty(scores, name);
    return score === undefined || anomalyIs === "high" ? score : -score;
  }),
  createF1Metric(
    labels.map((label) => [label]),
    {
      name: "f1",
      words: `F1 of ${anomaly}`,
      labels: [anomaly],
      average: "micro",
      read: ({ label }) => (label === undefined ? [] : [label]),
    },
  ),
];

const listMultilabelMetrics = (
  { labels }: Output<"multilabel">,
  { labelSets }: Truth<"multilabel">,
): readonly ScoreMetric[] =>
  (["micro", "macro"] as const).map((average) =>
    createF1Metric(labelSets, {
      name: average === "micro" ? "f1Micro" : "f1Macro",
      words: `F1 ${average}`,
      labels,
      average,
      read: ({ labels }) => labels ?? [],
    }),
  );

const listRegressionMetrics = (
  output: Output<"regression">,
  { values }: Truth<"regression">,
): readonly ScoreMetric[] => {
  const errors = [createMaeMetric(values), createRmseMetric(values)];
  if (!("deviation" in output) || output.deviation === undefined) return errors;
  const { name, deviation } = output;
  const truth = values.map((row) => getOwnProperty(row, name) ?? Number.NaN);
  return [...errors, createCoverageMetric(truth, readNormalBounds(name, deviation))];
};

const listQuantileMetrics = (
  output: Output<"regression">,
  { values }: Truth<"quantiles">,
): readonly ScoreMetric[] => {
  if (!("names" in output)) return [];
  const { names, quantiles = [] } = output;
  return [
    createPinballMetric(
      values,
      names.map((name, index) => ({ name, level: quantiles[index] ?? Number.NaN })),
    ),
    createCoverageMetric(values, readQuantileBounds(names)),
  ];
};

/** The scores that this holdout measures on this model's predictions; none where they do not belong together. */
export const createScoreMetrics = (manifest: Manifest, holdout: Holdout): readonly ScoreMetric[] => {
  switch (holdout.task) {
    case "classification":
      return manifest.task === "classification"
        ? listClassificationMetrics(manifest.output, holdout.labels)
        : [];
    case "regression":
      return manifest.task === "regression" ? listRegressionMetrics(manifest.output, holdout) : [];
    case "quantiles":
      return manifest.task === "regression" ? listQuantileMetrics(manifest.output, holdout) : [];
    case "anomaly":
      return manifest.task === "anomaly" ? listAnomalyMetrics(manifest.output, holdout.labels) : [];
    case "clustering":
      return manifest.task === "clustering"
        ? [
            {
              ...createAccuracyMetric(holdout.labels),
              thinLabels: findThinLabels(manifest.output.labels, holdout.labels),
            },
          ]
        : [];
    case "multilabel":
      return manifest.task === "multilabel" ? listMultilabelMetrics(manifest.output, holdout) : [];
    case "multioutput":
      return [createHeadsMetric(holdout.labels)];
    case "ranking":
      return manifest.task === "ranking" ? [createNdcgMetric(holdout, manifest.output)] : [];
    case "entities":
      return createEntityMetrics(holdout.texts);
    default:
      return holdout satisfies never;
  }
};
