import { createScoreMetrics } from "#domain/gates/create-score-metrics.ts";
import type { ScoreMetric } from "#domain/gates/score-metrics.ts";
import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import type { Holdout } from "#model-folder/rows/holdout.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

/** The value below which a share `level` of the values lies. */
const findQuantile = (values: readonly number[], level: number): number =>
  values.toSorted((one, other) => one - other)[
    Math.min(values.length - 1, Math.floor(values.length * level))
  ] ?? 0;

const findMostFrequent = (labels: readonly string[]): string =>
  [...Map.groupBy(labels, (label) => label)].toSorted(
    ([, one], [, other]) => other.length - one.length,
  )[0]?.[0] ?? "";

type Constant = { readonly score: ScoreMetric["name"]; readonly prediction: Prediction };

/** A prediction that does not look at the row, and the score that compares the model with it. */
const createConstant = (holdout: Holdout, manifest: Manifest): Constant => {
  switch (holdout.task) {
    case "classification":
    case "clustering":
      return { score: "accuracy", prediction: { label: findMostFrequent(holdout.labels), scores: {} } };
    case "anomaly":
      // Nearly all rows are normal, so the accuracy of "normal" is high.
      return {
        score: "auc",
        prediction: { scores: manifest.task === "anomaly" ? { [manifest.output.name]: 0 } : {} },
      };
    case "regression": {
      const names = Object.keys(holdout.values[0] ?? {});
      const read = (name: string) => holdout.values.map((row) => getOwnProperty(row, name) ?? 0);
      const scores = Object.fromEntries(names.map((name) => [name, findQuantile(read(name), 0.5)]));
      return { score: "mae", prediction: { scores } };
    }
    case "quantiles": {
      const { names = [], quantiles = [] } =
        manifest.task === "regression" && "names" in manifest.output ? manifest.output : {};
      const scores = Object.fromEntries(
        names.map((name, index) => [name, findQuantile(holdout.values, quantiles[index] ?? 0)]),
      );
      return { score: "pinball", prediction: { scores } };
    }
    case "multilabel":
      return {
        score: "f1Micro",
        prediction: { labels: manifest.task === "multilabel" ? manifest.output.labels : [], scores: {} },
      };
    case "multioutput": {
      const names = Object.keys(holdout.labels[0] ?? {});
      const heads = Object.fromEntries(
        names.map((name) => {
          const label = findMostFrequent(holdout.labels.map((row) => getOwnProperty(row, name) ?? ""));
          return [name, { label, scores: {} }];
        }),
      );
      return { score: "accuracy", prediction: { scores: {}, heads } };
    }
    case "ranking":
      return {
        score: "ndcg",
        prediction: { scores: manifest.task === "ranking" ? { [manifest.output.name]: 0 } : {} },
      };
    case "entities":
      // Most words belong to no entity, so the accuracy of "none" is high.
      return { score: "f1Micro", prediction: { entities: [], scores: {} } };
    default:
      return holdout satisfies never;
  }
};

/**
 * The score of a constant prediction: the most frequent label, the truth's median or quantiles, all labels at once, one
 * score for all rows. Undefined where it cannot be measured.
 */
export const measureBaseline = (
  holdout: Holdout,
  manifest: Manifest,
):
  | { readonly name: ScoreMetric["name"]; readonly score: number; readonly higherIsBetter: boolean }
  | undefined => {
  const { score: name, prediction } = createConstant(holdout, manifest);
  const metric = createScoreMetrics(manifest, holdout).find((each) => each.name === name);
  const score = metric?.measure(holdout.rows.map(() => prediction));
  return metric === undefined || score === undefined || typeof score === "string"
    ? undefined
    : { name, score: score.estimate, higherIsBetter: metric.higherIsBetter };
};
