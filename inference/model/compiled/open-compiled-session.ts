import { RunFailed } from "#inference/model/model-errors.ts";
import type { Session } from "#inference/model/session.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import type { CompiledGraph } from "./compiled-graph.ts";
import { LayoutRefused } from "./kernel/layout.ts";
import { openEnsemble } from "./kernel/open-ensemble.ts";
import type { Plan } from "./plan.ts";
import { RowTooClose, runGraph } from "./run-graph.ts";

const open = (bytes: Uint8Array, isChecked: boolean) => {
  try {
    return openEnsemble(bytes, { isChecked });
  } catch (error) {
    if (error instanceof LayoutRefused)
      throw new ModelUnreadable(`the plan's trees cannot be run: ${error.message}`, { cause: error });
    throw error;
  }
};

/** Sums of more rows or products are faster in onnxruntime (docs/decisions/59). */
const mostSummed = { rows: 50, products: 4_000 } as const;
/** How many rows of a request are summed here; all of them where the graph has no sums. */
const countSummedRows = ({ steps }: CompiledGraph): number => {
  const products = steps.reduce((sum, step) => sum + (step.step === "dense" ? step.weights.length : 0), 0);
  return products === 0
    ? Number.POSITIVE_INFINITY
    : Math.min(mostSummed.rows, Math.floor(mostSummed.products / products));
};

/** Whether a request's values can make it onnxruntime's. */
const dependsOnValues = ({ steps }: CompiledGraph): boolean =>
  steps.some((step) => step.step === "dense" || (step.step === "convert" && step.mayOverflow === true));

const countRows = (feeds: Parameters<Session["run"]>[0]): number => Object.values(feeds)[0]?.dims[0] ?? 0;

/** Opens onnxruntime's session of the same model when a request needs it, and keeps it. */
const createReference = (open: () => Promise<Session>) => {
  let opened: Promise<Session> | undefined;
  return {
    get(): Promise<Session> {
      // Another request tries again if it cannot be opened.
      opened ??= open().catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
      return opened;
    },
    async release(): Promise<void> {
      await (await opened)?.release();
    },
  };
};

/**
 * A session that needs no onnxruntime, but for sums of many rows, rows that are too close to call, and numbers that no integer
 * holds: what `openReference` opens then answers these requests. Throws ModelUnreadable for an ensemble that the kernel refuses.
 */
export const openCompiledSession = (
  { graph, ensembles, isChecked = false }: Plan & { status: "compiled" },
  openReference: () => Promise<Session>,
): Session => {
  const run = runGraph(
    graph,
    ensembles.map((bytes) => open(bytes, isChecked)),
  );
  const reference = createReference(openReference);
  const runNow: NonNullable<Session["runNow"]> = (feeds, outputs, onShape) => {
    if (outputs.length === 0)
      throw new RunFailed("the graph has no output that a prediction can be read from");
    const results = run(feeds, outputs);
    if (onShape) {
      const rows = countRows(feeds);
      for (const [index, { dims }] of results.entries()) onShape(outputs[index] ?? "", dims, rows);
    }
    return results.map(({ data }) => data);
  };
  const maxRows = countSummedRows(graph);
  let onnxruntimeRuns = 0;
  const runInReference: Session["run"] = async (...parts) => {
    onnxruntimeRuns += 1;
    return (await reference.get()).run(...parts);
  };
  const takeOnnxruntimeRuns = (): number => {
    const runs = onnxruntimeRuns;
    onnxruntimeRuns = 0;
    return runs;
  };
  return {
    inputs: graph.inputs,
    outputs: graph.outputs,
    ...(dependsOnValues(graph) ? { takeOnnxruntimeRuns } : { runNow }),
    async run(feeds, outputs, onShape) {
      if (countRows(feeds) > maxRows) return runInReference(feeds, outputs, onShape);
      try {
        return runNow(feeds, outputs, onShape);
      } catch (error) {
        if (!(error instanceof RowTooClose)) throw error;
        return runInReference(feeds, outputs, onShape);
      }
    },
    release: () => reference.release(),
  };
};
