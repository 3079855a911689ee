import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { NewModelRefused } from "./new-model-refused.ts";

/** Throws NewModelRefused for an unsupported graph, with the export option or the file that it needs. */
export const assertSupportedGraph = ({ inputs, outputs }: OnnxSummary, tokenizer: boolean): void => {
  if (outputs.some(({ kind }) => kind === "sequence" || kind === "map"))
    throw new NewModelRefused(
      "the graph ends in ZipMap: its probabilities are a sequence of maps",
      "Export with zipmap off (skl2onnx: convert_sklearn(model, …, options={id(model): {'zipmap': False}}); onnxmltools: zipmap=False).",
    );
  const takesTokens = inputs.some(({ name }) => name === "input_ids");
  if (takesTokens && !tokenizer)
    throw new NewModelRefused(
      "the graph has the input input_ids: it is a text model and needs its tokenizer",
      "Add --tokenizer tokenizer.json (write it in Python with tokenizer.save_pretrained(folder)).",
    );
  if (tokenizer && !takesTokens)
    throw new NewModelRefused(
      `the graph has the inputs ${inputs
        .slice(0, 20)
        .map(({ name }) => name)
        .join(", ")}, but not input_ids`,
      "Remove --tokenizer: this graph takes text without one.",
    );
};
