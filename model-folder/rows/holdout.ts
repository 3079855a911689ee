import type { Row } from "#model-folder/manifest/manifest.ts";
import type { WordSpan } from "./group-tags.ts";
import type { Word } from "./split-words.ts";

/** Rows with their truth, on which a model is measured. */
export type Holdout = { readonly rows: readonly Row[] } & (
  | {
      readonly task: "classification" | "anomaly" | "clustering";
      readonly labels: readonly string[];
    }
  | {
      readonly task: "regression";
      /** The true values of each row by their name in the manifest's output. */
      readonly values: readonly Readonly<Record<string, number>>[];
    }
  /** A regression that predicts quantiles of one value. */
  | { readonly task: "quantiles"; readonly values: readonly number[] }
  | {
      readonly task: "multilabel";
      /** The labels that apply to each row, in the manifest's order. */
      readonly labelSets: readonly (readonly string[])[];
    }
  | {
      readonly task: "multioutput";
      /** The true label of each row by the head's name. */
      readonly labels: readonly Readonly<Record<string, string>>[];
    }
  | {
      readonly task: "ranking";
      /** 0 or more; higher is more relevant. */
      readonly relevances: readonly number[];
      /** Rows with the same text are ranked together. */
      readonly groups: readonly string[];
    }
  | {
      readonly task: "entities";
      /** The words of each row's text, and the entities among them. */
      readonly texts: readonly { readonly words: readonly Word[]; readonly spans: readonly WordSpan[] }[];
    }
);
