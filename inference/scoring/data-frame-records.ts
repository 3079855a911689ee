import { listOutputFields, type OutputField } from "#model-folder/manifest/list-output-fields.ts";
import type { Manifest, NestedValues, Prediction } from "#model-folder/manifest/manifest.ts";

/**
 * A prediction as a data frame record: `label` in its type, `band` if the manifest has bands, and the score of each
 * label; or the values by name; tensors as nested arrays.
 */
export type DataFrameRecord = Readonly<
  Record<string, NestedValues | readonly string[] | NonNullable<Prediction["entities"]>>
>;

/** Fields besides scores: with the same name they win, so a label named `label` loses its score. */
const readField = (field: Exclude<OutputField, { kind: "scores" }>, prediction: Prediction) => {
  switch (field.kind) {
    case "label":
      return field.integers ? Number(field.read(prediction)) : field.read(prediction);
    case "number":
      return field.read(prediction) ?? 0;
    case "band":
    case "labels":
    case "tensor":
    case "entities":
      return field.read(prediction);
    default:
      return field satisfies never;
  }
};

/** Converts predictions to one record per row, equal to those of the model that is registered in MLflow. */
export const toDataFrameRecords = (manifest: Manifest) => {
  const fields = listOutputFields(manifest);
  const scores = fields.filter((field) => field.kind === "scores");
  const others = fields.filter((field) => field.kind !== "scores");
  // Scores of several classifications: a label may be in more than one.
  const prefix = (name: string): string => (manifest.task === "multioutput" ? `${name}.` : "");
  return (predictions: readonly Prediction[]): DataFrameRecord[] =>
    predictions.map((prediction) => {
      const named = Object.fromEntries(others.map((field) => [field.name, readField(field, prediction)]));
      const scored = Object.fromEntries(
        scores.flatMap((field) =>
          Object.entries(field.read(prediction)).map(([label, score]) => [
            `${prefix(field.name)}${label}`,
            score,
          ]),
        ),
      );
      return { ...named, ...scored, ...named };
    });
};
