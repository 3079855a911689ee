import { readPredictions } from "#inference/model/read-predictions.ts";
import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { findOutput } from "#model-folder/onnx/find-output.ts";
import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { isLabelTensor } from "#model-folder/onnx/output-candidates.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import type { Probe } from "./probe-model.ts";
import { readRowCells } from "./read-row-cells.ts";

/** The predictions that the runtime will return for these outputs of the graph. */
export const readGraphPredictions = (
  manifest: Manifest,
  graph: OnnxSummary,
  { outputs }: Probe,
  rows: number,
): Prediction[] => {
  const output = findOutput(manifest, graph.outputs);
  if (output.status === "missing")
    throw new NewModelRefused(
      output.message,
      // The names are those of this run: only the declared sizes can differ.
      "graphOutputs" in manifest.output
        ? "The graph returns other sizes than it declares: its exporter may not know this kind of model (onnxmltools does not know XGBoost's quantile_alpha). Compare it with Python, or export one model for each value."
        : output.remedy,
    );
  const find = (name: string): Pick<Probe["outputs"][number], "data" | "widths"> =>
    outputs.find((each) => each.name === name) ?? { data: [] };
  const isRagged = output.names.some((name) => find(name).widths !== undefined);
  const readNumbers = (name: string, cells: Probe["outputs"][number]["data"]) => {
    const value = graph.outputs.find((each) => each.name === name);
    if (value && isLabelTensor(value) && manifest.task !== "regression" && manifest.task !== "classification")
      return cells.map(String);
    const isSingle = value?.kind === "tensor" && (value.type === "float32" || value.type === "float16");
    return isSingle ? Float32Array.from(cells, Number) : Float64Array.from(cells, Number);
  };
  const labels = output.label === undefined ? [] : [output.label];
  const readRows = (count: number, read: (name: string) => Probe["outputs"][number]["data"]) =>
    readPredictions(manifest, output.width)(
      [
        ...output.names.map((name) => readNumbers(name, read(name))),
        ...labels.map((name) => read(name).map(String)),
      ],
      count,
    );
  return isRagged
    ? Array.from({ length: rows }, (_, row) =>
        readRows(1, (name) => readRowCells(find(name), row, rows)),
      ).flat()
    : readRows(rows, (name) => find(name).data);
};
