import type { Manifest } from "./manifest.ts";
import { valueNames } from "./value-names.ts";

/** Which number of a prediction is its score, for the distribution that a canary shows. */
export type ReportedScore = {
  /** The score of the label `name`, of the label that the row got, or the value `name`. */
  readonly of: "label" | "predicted label" | "value";
  /** Null for the predicted label. */
  readonly name: string | null;
  readonly scale: "probability" | "decision" | "distance" | "value";
  /** Of the value, as the manifest states it. */
  readonly unit: string | null;
};

const labelScore = (name: string | undefined, scale: ReportedScore["scale"]): ReportedScore =>
  name === undefined
    ? { of: "predicted label", name: null, scale, unit: null }
    : { of: "label", name, scale, unit: null };
const value = (name: string, unit?: string): ReportedScore => ({
  of: "value",
  name,
  scale: "value",
  unit: unit ?? null,
});

/**
 * The score of a model's predictions: of a classification the positive label's where the manifest names it, otherwise the
 * predicted label's; of a regression its value. Undefined where a prediction has no score, or several and none of them
 * first. The service's hot path imports it: it must not load the manifest's schema.
 */
export const findReportedScore = (manifest: Manifest): ReportedScore | undefined => {
  switch (manifest.task) {
    case "classification": {
      const { scores, positive } = manifest.output;
      return scores === "none"
        ? undefined
        : labelScore(positive, scores === "decision" ? "decision" : "probability");
    }
    case "regression": {
      const [name = ""] = valueNames(manifest.output);
      // Of several values none is first; a deviation belongs to its value.
      return "names" in manifest.output ? undefined : value(name, manifest.output.unit);
    }
    case "anomaly":
    case "ranking":
      return value(manifest.output.name);
    case "clustering": {
      const { distances, probabilities } = manifest.output;
      if (distances === undefined && probabilities === undefined) return undefined;
      return labelScore(undefined, distances === undefined ? "probability" : "distance");
    }
    case "multilabel":
    case "multioutput":
    case "embedding":
    case "entities":
    case "tensors":
      return undefined;
    default:
      return manifest satisfies never;
  }
};
