import { RunFailed } from "#inference/model/model-errors.ts";
import type { Session } from "#inference/model/session.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { LayoutRefused } from "./kernel/layout.ts";
import { openEnsemble } from "./kernel/open-ensemble.ts";
import type { Plan } from "./plan.ts";
import { runGraph } from "./run-graph.ts";

const open = (bytes: Uint8Array) => {
  try {
    return openEnsemble(bytes);
  } catch (error) {
    if (error instanceof LayoutRefused)
      throw new ModelUnreadable(`the plan's trees cannot be run: ${error.message}`, { cause: error });
    throw error;
  }
};

/**
 * A session that needs no onnxruntime. Throws ModelUnreadable for an ensemble that the kernel refuses. Its memory is free
 * when nothing refers to it any more.
 */
export const openCompiledSession = ({ graph, ensembles }: Plan & { status: "compiled" }): Session => {
  const run = runGraph(graph, ensembles.map(open));
  const runNow: NonNullable<Session["runNow"]> = (feeds, outputs, onShape) => {
    if (outputs.length === 0)
      throw new RunFailed("the graph has no output that a prediction can be read from");
    const rows = Object.values(feeds)[0]?.dims[0] ?? 0;
    return run(feeds, outputs).map(({ data, dims }, index) => {
      onShape?.(outputs[index] ?? "", dims, rows);
      return data;
    });
  };
  return {
    inputs: graph.inputs,
    outputs: graph.outputs,
    runNow,
    run: async (feeds, outputs, onShape) => runNow(feeds, outputs, onShape),
    async release() {},
  };
};
