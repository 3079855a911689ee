import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { NewModelRefused } from "./new-model-refused.ts";

/** Throws NewModelRefused for graphs that no CSV makes a model of, with the export option or the file that they lack. */
export const assertSupportedGraph = ({ inputs, outputs }: OnnxSummary, tokenizer: boolean): void => {
  if (outputs.some(({ kind }) => kind === "sequence" || kind === "map"))
    throw new NewModelRefused(
      "the graph ends in ZipMap: its probabilities are a sequence of maps",
      "Export with zipmap off (skl2onnx: convert_sklearn(model, …, options={id(model): {'zipmap': False}}); onnxmltools: zipmap=False).",
    );
  const takesTokens = inputs.some(({ name }) => name === "input_ids");
  if (takesTokens && !tokenizer)
    throw new NewModelRefused(
      "the graph takes input_ids: it is a text model, which needs its tokenizer",
      "Add --tokenizer tokenizer.json (in Python: tokenizer.save_pretrained(folder) writes it).",
    );
  if (tokenizer && !takesTokens)
    throw new NewModelRefused(
      `the graph takes ${inputs
        .slice(0, 20)
        .map(({ name }) => name)
        .join(", ")}, and no input_ids of a tokenizer`,
      "Leave --tokenizer out: text goes into this graph as it is.",
    );
};
