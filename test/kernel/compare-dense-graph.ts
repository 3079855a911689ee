import { compilePlan } from "#inference/model/compiled/compile-plan.ts";
import { readPlan } from "#inference/model/compiled/read-plan.ts";
import { runGraph } from "#inference/model/compiled/run-graph.ts";
import { writePlan } from "#inference/model/compiled/write-plan.ts";
import { openSession, type Session } from "#inference/model/session.ts";
import { createDenseRows, createRandomDenseGraph } from "#test/support/dense/random-dense-graph.ts";
import { pickFeedRows, selectCertainRows } from "#test/support/dense/select-certain-rows.ts";
import { createSeededRandom } from "#test/support/seeded-random.ts";
import { findDifferences } from "#test/support/trees/find-differences.ts";
import type { TreeGraphComparison } from "./compare-tree-graph.ts";
import { runInOnnxruntime } from "./run-in-onnxruntime.ts";

export type DenseGraphComparison = Omit<TreeGraphComparison, "bulkKernels"> & {
  /** Rows that are left to onnxruntime. */
  readonly close: number;
};

const plainRows = 700;
const pairs = 150;
/** Halvings of the way between two rows of different labels; then they are neighbours in float32. */
const halvings = 26;

const toFeeds = (data: Float32Array, width: number) => ({
  x: { type: "float32" as const, data, dims: [data.length / width, width] },
});

type Search = { readonly session: Session; readonly label: string; readonly width: number };

/** Rows at the border between two labels: between two rows with different ones, as near as float32 comes. */
const findBorderRows = async (
  { session, label, width }: Search,
  from: Float32Array,
  to: Float32Array,
): Promise<Float32Array> => {
  const ask = async (data: Float32Array): Promise<ArrayLike<unknown>> => {
    const [labels] = await session.run(toFeeds(data, width), [label]);
    return labels as ArrayLike<unknown>;
  };
  const low = from.slice();
  const high = to.slice();
  const first = await ask(low);
  for (let halving = 0; halving < halvings; halving++) {
    const middle = low.map((value, at) => (value + (high[at] ?? 0)) / 2);
    const labels = await ask(middle);
    for (let row = 0; row < middle.length / width; row++) {
      const side = labels[row] === first[row] ? low : high;
      side.set(middle.subarray(row * width, (row + 1) * width), row * width);
    }
  }
  return Float32Array.of(...low, ...high);
};

/**
 * Compares a random linear model or network, compiled and through the bytes of a plan, with onnxruntime: alone and in a
 * batch, on plain rows and on rows at the border between two labels. Rows that the compiled graph leaves to onnxruntime are
 * counted and not compared. The seed decides everything.
 */
export const compareDenseGraph = async (seed: number): Promise<DenseGraphComparison> => {
  const random = createSeededRandom(seed);
  const { onnx, width, outputs, label, description } = createRandomDenseGraph(random);
  const file = { size: onnx.length, bytes: async () => onnx };
  const plan = await readPlan(await writePlan(await compilePlan({}, file), file), file);
  if (plan.status === "not-compiled") return { seed, rows: 0, close: 0, wrong: [] };
  const run = runGraph(plan.graph, []);
  const session = await openSession({ bytes: onnx });
  const wrong: string[] = [];
  let [compared, close] = [0, 0];
  try {
    const plain = createDenseRows(random, width, plainRows);
    const from = createDenseRows(random, width, pairs);
    const to = createDenseRows(random, width, pairs);
    const border =
      label === undefined ? new Float32Array() : await findBorderRows({ session, label, width }, from, to);
    const feeds = toFeeds(Float32Array.of(...plain, ...border), width);
    const rows = selectCertainRows(run, feeds, outputs);
    close = (feeds.x.dims[0] ?? 0) - rows.length;
    const compare = async (chosen: readonly number[]): Promise<void> => {
      if (chosen.length === 0) return;
      const part = pickFeedRows(feeds, chosen);
      const expected = await runInOnnxruntime(session, part, outputs);
      for (const difference of findDifferences(outputs, run(part, outputs), expected))
        wrong.push(`${chosen.length} rows: ${difference} ${description}`);
      compared += chosen.length;
    };
    await compare(rows);
    for (const row of rows.filter((_, index) => index % 3 === 0)) await compare([row]);
  } finally {
    await session.release();
  }
  return { seed, rows: compared, close, wrong };
};
