import type { OnnxSummary } from "../../inference/inspect-onnx.ts";
import { NewModelRefused } from "./new-model-refused.ts";

/** Throws NewModelRefused for graphs that no CSV makes a model of, with the export option or the file that they lack. */
export const refuseGraph = ({ inputs, outputs }: OnnxSummary): void => {
  if (outputs.some(({ kind }) => kind === "sequence" || kind === "map"))
    throw new NewModelRefused(
      "the graph ends in ZipMap: its probabilities are a sequence of maps",
      "Export with zipmap off (skl2onnx: convert_sklearn(model, …, options={id(model): {'zipmap': False}}); onnxmltools: zipmap=False).",
    );
  if (inputs.some(({ name }) => name === "input_ids"))
    throw new NewModelRefused(
      "the graph takes input_ids: it is a text model, which needs its tokenizer",
      "Write its folder by hand: docs/adding-a-model.md says how, under `Text models`.",
    );
};
