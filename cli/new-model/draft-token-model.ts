import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { anyGates, createManifestDraft } from "./create-manifest-draft.ts";
import { formatManifest } from "./format-manifest.ts";
import { inferTokenOutput } from "./infer-token-output.ts";
import type { ModelSource } from "./model-source.ts";
import type { Tokenizer } from "./probe-model.ts";
import type { GraphRun } from "./run-graph-on-rows.ts";
import { runTokenModel } from "./run-token-model.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A model of entities or embeddings, run as it will be served; undefined for another kind. */
export const draftTokenModel = async (
  source: ModelSource,
  { graph, bytes: onnx }: { readonly graph: OnnxSummary; readonly bytes: Uint8Array },
  guesses: readonly string[],
  run: GraphRun,
  tokenizer: Tokenizer,
) => {
  const { pair, text = run.inputs[0]?.input.name ?? "" } = tokenizer.rules;
  const { rows, truth } = run.usable;
  const inferred = inferTokenOutput(
    {
      outputs: graph.outputs,
      probe: run.probe,
      texts: pair ? undefined : rows.map((row) => String(getOwnProperty(row, text) ?? "")),
      targets: truth,
      task: source.options?.task,
      pooling: source.options?.pooling,
      normalize: source.options?.normalize,
    },
    rows.length,
  );
  return (
    inferred &&
    (await runTokenModel({
      inferred,
      usable: run.usable,
      text,
      labels: source.options?.labels,
      writeFiles: (output) =>
        new Map([
          [
            "model.yaml",
            encode(
              formatManifest(createManifestDraft(source, guesses, run, output, tokenizer)(anyGates, "")),
            ),
          ],
          ["model.onnx", onnx],
          ["tokenizer.json", tokenizer.bytes],
        ]),
    }))
  );
};
