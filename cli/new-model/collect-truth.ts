import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { findGroupColumn, listTruthColumns } from "#model-folder/rows/list-truth-columns.ts";
import type { InferredOutput } from "./infer-output.ts";
import type { UsableRows } from "./select-usable-rows.ts";
import type { InferredTask } from "./task-evidence.ts";

/** The holdout's columns beside the inputs; undefined: the rows have no truth. */
export const collectTruth = (
  manifest: Manifest,
  output: InferredOutput | InferredTask,
  truth: { readonly labels: UsableRows["truth"]; readonly cells: UsableRows["truth"] },
): ReadonlyMap<string, readonly string[]> | undefined => {
  const [first = []] = truth.cells.values();
  const [labels = []] = truth.labels.values();
  const cells =
    "output" in output
      ? output.truth
      : output.task === "regression"
        ? output.names.map((name) => truth.cells.get(name) ?? first)
        : [labels];
  const group = findGroupColumn(manifest);
  return cells.length === 0
    ? undefined
    : new Map([
        ...listTruthColumns(manifest).map((name, index) => [name, cells[index] ?? []] as const),
        ...(group === undefined ? [] : [[group, truth.cells.get(group) ?? []] as const]),
      ]);
};
