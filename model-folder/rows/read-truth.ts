import { listTextInputs } from "#model-folder/manifest/list-text-inputs.ts";
import type { Manifest, Row } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { groupTags } from "./group-tags.ts";
import type { Holdout } from "./holdout.ts";
import { splitWords } from "./split-words.ts";

type TruthCells = {
  readonly rows: readonly Row[];
  /** The checked cells of each row, in the order of listTruthColumns. */
  readonly cells: readonly (readonly string[])[];
  /** Each row's cell of the group column; only for a ranking. */
  readonly groups: readonly string[];
};

/** The holdout of this task, from cells that checkTruth accepted. */
export const readTruth = (manifest: Manifest, { rows, cells, groups }: TruthCells): Holdout => {
  const first = cells.map(([text = ""]) => text);
  switch (manifest.task) {
    case "classification":
    case "clustering":
    case "anomaly":
      return { task: manifest.task, rows, labels: first };
    case "multilabel": {
      const { labels } = manifest.output;
      const labelSets = cells.map((flags) => labels.filter((_, index) => flags[index] === "1"));
      return { task: "multilabel", rows, labelSets };
    }
    case "ranking":
      return { task: "ranking", rows, relevances: first.map(Number), groups };
    case "regression": {
      if (!("names" in manifest.output)) {
        const { name } = manifest.output;
        return { task: "regression", rows, values: first.map((text) => ({ [name]: Number(text) })) };
      }
      const { names, quantiles } = manifest.output;
      if (quantiles) return { task: "quantiles", rows, values: first.map(Number) };
      const values = cells.map((texts) =>
        Object.fromEntries(names.map((name, index) => [name, Number(texts[index])])),
      );
      return { task: "regression", rows, values };
    }
    case "entities": {
      const { output } = manifest;
      const [name = ""] = listTextInputs(manifest);
      const texts = rows.map((row, at) => ({
        words: splitWords(String(getOwnProperty(row, name) ?? "")),
        spans: groupTags(
          splitWords(first[at] ?? "").map(({ text }) => text),
          output,
        ),
      }));
      return { task: "entities", rows, texts };
    }
    case "multioutput": {
      const { heads } = manifest.output;
      const labels = cells.map((texts) =>
        Object.fromEntries(heads.map(({ name }, index) => [name, texts[index] ?? ""])),
      );
      return { task: "multioutput", rows, labels };
    }
    case "embedding":
    case "tensors":
      throw new RangeError(`${manifest.task} is not implemented`);
    default:
      return manifest satisfies never;
  }
};
