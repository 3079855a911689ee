import { supportedVersions } from "#inference/model/supported-versions.ts";
import { findVersionMismatch } from "#model-folder/onnx/compare-versions.ts";
import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { NewModelRefused } from "./new-model-refused.ts";

type Request = {
  /** Whether the caller has a tokenizer. */
  readonly tokenizer: boolean;
  /** Whether outputs of more than two dimensions matter too. */
  readonly wide: boolean;
};

/** Throws NewModelRefused for an unsupported graph, with the export option or the file that it needs. */
export const assertSupportedGraph = (graph: OnnxSummary, { tokenizer, wide }: Request): void => {
  const { inputs, outputs, nodeList } = graph;
  const mismatch = findVersionMismatch(graph, supportedVersions);
  if (mismatch) throw new NewModelRefused(mismatch.message, mismatch.remedy);
  const other = outputs.find(({ kind }) => kind !== "tensor");
  if (other) {
    const maker = nodeList.nodes.find((node) => node.outputs.includes(other.name));
    throw new NewModelRefused(
      `the graph's output ${other.name} is a ${other.kind}${maker ? `, made by ${maker.operator.split("\0").at(1) ?? maker.operator}` : ""}: predictions are read from tensors`,
      "Export its parts as tensors, one output each (skl2onnx: options={id(model): {'zipmap': False}}; onnxmltools: zipmap=False).",
    );
  }
  // With a tokenizer an output can also have numbers for each token: [N, tokens, width].
  const maxRank = tokenizer ? 3 : 2;
  const isReadable =
    wide || outputs.some((value) => value.kind === "tensor" && (value.shape?.length ?? 2) <= maxRank);
  if (!isReadable)
    throw new NewModelRefused(
      `no output of the graph has one value, or one list of values, per row (it has ${outputs
        .map(
          (value) =>
            `${value.name} [${value.kind === "tensor" ? value.shape?.map((size) => size ?? "?").join(", ") : value.kind}]`,
        )
        .slice(0, 20)
        .join("; ")})`,
      "Export one result per row, a tensor [N] or [N, values]: the probabilities of a classifier, or pooled embeddings; or serve all outputs as they are (--task tensors, and --ignore <column> in place of --target).",
    );
  const open = outputs.find(
    (value) => value.kind === "tensor" && value.shape?.slice(1).some((size) => typeof size !== "number"),
  );
  if (wide && tokenizer && open)
    throw new NewModelRefused(
      `the graph's output ${open.name} has an open dimension: with texts of different lengths it would hold the padding`,
      "Serve vectors or labels of tokens (--task embedding, --task entities), or export the output with fixed sizes.",
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
