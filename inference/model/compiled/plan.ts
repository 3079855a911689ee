import type { CompiledGraph } from "./compiled-graph.ts";

/** An ONNX file. `bytes` is called only where the graph is compiled, because others can be larger than the memory. */
export type OnnxFile = { readonly size: number; readonly bytes: () => Promise<Uint8Array> };

/** How a model's requests are answered without onnxruntime; or why onnxruntime must answer them, as a part of a sentence. */
export type Plan =
  | {
      readonly status: "compiled";
      readonly graph: CompiledGraph;
      /** The graph's ensembles as the kernel runs them, in the graph's order. */
      readonly ensembles: readonly Uint8Array[];
      /** The build opened the ensembles, and the file's checksum says that they are the same bytes: a start need not check each node. */
      readonly isChecked?: boolean;
    }
  | { readonly status: "not-compiled"; readonly why: string };
