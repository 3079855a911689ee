import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { Manifest, NestedValues, Prediction } from "./manifest.ts";
import { readTag } from "./read-tag.ts";
import { valueNames } from "./value-names.ts";

/** A part of a model's prediction, as every protocol can carry it. `read` returns one row's value. */
export type OutputField =
  /** A label; `integers`: typed protocols return it as an integer. */
  | {
      readonly kind: "label";
      readonly name: string;
      readonly labels: readonly string[];
      readonly integers: boolean;
      readonly read: (prediction: Prediction) => string;
    }
  | {
      readonly kind: "band";
      readonly name: "band";
      readonly read: (prediction: Prediction) => string;
    }
  /** A score per label, in the order of `labels`. */
  | {
      readonly kind: "scores";
      readonly name: string;
      readonly labels: readonly string[];
      readonly read: (prediction: Prediction) => Readonly<Record<string, number>>;
    }
  | {
      readonly kind: "number";
      readonly name: string;
      readonly read: (prediction: Prediction) => number | undefined;
    }
  /** Which of `labels` apply. */
  | {
      readonly kind: "labels";
      readonly name: "labels";
      readonly labels: readonly string[];
      readonly read: (prediction: Prediction) => readonly string[];
    }
  | {
      readonly kind: "tensor";
      readonly name: string;
      readonly element: TensorElement;
      /** Of one row; null: any size. */
      readonly shape: readonly (number | null)[];
      readonly read: (prediction: Prediction) => NestedValues;
    }
  | {
      readonly kind: "entities";
      readonly name: "entities";
      readonly labels: readonly string[];
      readonly read: (prediction: Prediction) => NonNullable<Prediction["entities"]>;
    };

export type TensorElement = Extract<Manifest, { task: "tensors" }>["output"]["tensors"][number]["element"];
type Output<Task extends Manifest["task"]> = Extract<Manifest, { task: Task }>["output"];

const areIntegers = (labels: readonly string[]): boolean =>
  labels.every((label) => /^-?(0|[1-9]\d{0,14})$/.test(label));

const toLabelField = (labels: readonly string[], integers = areIntegers(labels)): OutputField => ({
  kind: "label",
  name: "label",
  labels,
  integers,
  read: ({ label }) => label ?? "",
});
const toScoresField = (name: string, labels: readonly string[]): OutputField => ({
  kind: "scores",
  name,
  labels,
  read: ({ scores }) => scores,
});
const toNumberField = (name: string): OutputField => ({
  kind: "number",
  name,
  read: ({ scores }) => getOwnProperty(scores, name),
});
const toTensorField = (
  name: string,
  element: TensorElement,
  shape: readonly (number | null)[],
): OutputField => ({
  kind: "tensor",
  name,
  element,
  shape,
  read: ({ tensors }) => (tensors && getOwnProperty(tensors, name)) ?? [],
});

/** The decision function of two labels is one value: the positive label's. */
const listClassScores = ({ labels, scores, positive }: Output<"classification">): readonly string[] =>
  scores === "decision" && labels.length === 2 && positive !== undefined ? [positive] : labels;

const listHeadFields = ({ heads }: Output<"multioutput">): OutputField[] =>
  heads.flatMap(({ name, labels }): OutputField[] => {
    const read = ({ heads }: Prediction) => heads && getOwnProperty(heads, name);
    return [
      {
        kind: "label",
        name,
        labels,
        integers: areIntegers(labels),
        read: (prediction) => read(prediction)?.label ?? "",
      },
      {
        kind: "scores",
        name: `${name}.probabilities`,
        labels,
        read: (prediction) => read(prediction)?.scores ?? {},
      },
    ];
  });

/**
 * The fields of this model's predictions, in the order in which protocols list them. Every protocol and document is written
 * from these, so a task has the same fields everywhere.
 */
export const listOutputFields = (manifest: Manifest): readonly OutputField[] => {
  switch (manifest.task) {
    case "classification": {
      const { labels, labelType, bands, scores } = manifest.output;
      return [
        toLabelField(labels, labelType === "integer"),
        ...(scores === "none"
          ? []
          : [
              toScoresField(
                scores === "decision" ? "decision" : "probabilities",
                listClassScores(manifest.output),
              ),
            ]),
        ...(bands
          ? [{ kind: "band", name: "band", read: ({ band }: Prediction) => band ?? "" } as const]
          : []),
      ];
    }
    case "regression":
      return valueNames(manifest.output).map(toNumberField);
    case "multilabel": {
      const { labels } = manifest.output;
      return [
        { kind: "labels", name: "labels", labels, read: ({ labels }) => labels ?? [] },
        toScoresField(manifest.output.scores === "decision" ? "decision" : "probabilities", labels),
      ];
    }
    case "multioutput":
      return listHeadFields(manifest.output);
    case "anomaly": {
      const { normal, anomaly, name } = manifest.output;
      return [toLabelField([normal, anomaly]), toNumberField(name)];
    }
    case "clustering": {
      const { labels, distances, probabilities } = manifest.output;
      return [
        toLabelField(labels),
        ...(distances || probabilities
          ? [toScoresField(distances ? "distances" : "probabilities", labels)]
          : []),
      ];
    }
    case "ranking":
      return [toNumberField(manifest.output.name)];
    case "embedding":
      return [toTensorField(manifest.output.name, "float32", [manifest.output.dimensions])];
    case "entities": {
      const { labels: tags, scheme, outside } = manifest.output;
      const names = new Set(tags.map((tag) => readTag(tag, scheme).label));
      names.delete(outside);
      const labels = [...names];
      return [{ kind: "entities", name: "entities", labels, read: ({ entities }) => entities ?? [] }];
    }
    case "tensors":
      return manifest.output.tensors.map(({ name, element, shape }) => toTensorField(name, element, shape));
    default:
      return manifest satisfies never;
  }
};
