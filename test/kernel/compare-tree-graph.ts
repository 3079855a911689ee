import { compilePlan } from "#inference/model/compiled/compile-plan.ts";
import { bulkKernels } from "#inference/model/compiled/kernel/kernel-numbers.ts";
import { readLayout } from "#inference/model/compiled/kernel/layout.ts";
import { openEnsemble } from "#inference/model/compiled/kernel/open-ensemble.ts";
import { readPlan } from "#inference/model/compiled/read-plan.ts";
import { runGraph } from "#inference/model/compiled/run-graph.ts";
import { writePlan } from "#inference/model/compiled/write-plan.ts";
import type { Feeds } from "#inference/model/feed-tensor.ts";
import { openSession } from "#inference/model/session.ts";
import { createSeededRandom } from "#test/support/seeded-random.ts";
import { createTreeRows } from "#test/support/trees/create-tree-rows.ts";
import { findDifferences } from "#test/support/trees/find-differences.ts";
import { createRandomTreeGraph } from "#test/support/trees/random-tree-graph.ts";
import { runInOnnxruntime } from "./run-in-onnxruntime.ts";

export type TreeGraphComparison = {
  readonly seed: number;
  /** Rows that both engines answered; 0 where the rules do not compile the graph. */
  readonly rows: number;
  readonly wrong: readonly string[];
  /** The kernels that ran blocks of its trees. */
  readonly bulkKernels: readonly string[];
};

/** One row and a few, which kernels of their own answer, and more than a block of the bulk kernels. */
const rowCounts = [1, 1, 1, 2, 3, 3, 3, 3, 9, 40, 943];

/**
 * Compares a random graph of trees, compiled and through the bytes of a plan, with onnxruntime: on thresholds and the floats
 * beside them, not a number, zeros and infinities. The seed decides everything.
 * @param leaves the most leaves of a tree; absent: the seed decides
 */
export const compareTreeGraph = async (seed: number, leaves?: number): Promise<TreeGraphComparison> => {
  const random = createSeededRandom(seed);
  const graph = createRandomTreeGraph(random, { leaves });
  const { onnx, input, outputs } = graph;
  const file = { size: onnx.length, bytes: async () => onnx };
  const plan = await readPlan(await writePlan(await compilePlan({}, file), file), file);
  if (plan.status === "not-compiled") return { seed, rows: 0, wrong: [], bulkKernels: [] };
  const run = runGraph(
    plan.graph,
    plan.ensembles.map((bytes) => openEnsemble(bytes)),
  );
  const onnxruntime = await openSession({ bytes: onnx });
  const wrong: string[] = [];
  let compared = 0;
  try {
    for (const rows of rowCounts) {
      const data = createTreeRows(random, graph, rows);
      const feeds: Feeds = { [input.name]: { type: input.type, data, dims: [rows, input.width] } };
      const expected = await runInOnnxruntime(onnxruntime, feeds, outputs);
      for (const difference of findDifferences(outputs, run(feeds, outputs), expected))
        wrong.push(`${rows} rows: ${difference} ${graph.description}`);
      compared += rows;
    }
  } finally {
    await onnxruntime.release();
  }
  const kernels = plan.ensembles.map((bytes) => bulkKernels[readLayout(bytes).numbers.bulkKernel] ?? "none");
  return { seed, rows: compared, wrong, bulkKernels: kernels };
};
