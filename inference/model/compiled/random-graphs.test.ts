import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { createSeededRandom } from "#test/support/seeded-random.ts";
import { createTreeRows } from "#test/support/trees/create-tree-rows.ts";
import { findDifferences } from "#test/support/trees/find-differences.ts";
import { createRandomTreeGraph } from "#test/support/trees/random-tree-graph.ts";
import { runPlainly } from "#test/support/trees/run-plainly.ts";
import { compileGraph } from "./compile-graph.ts";
import { runGraph } from "./run-graph.ts";

const graphs = 300;
const options = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 } as const;

const compare = async (seed: number): Promise<readonly string[] | "not compiled"> => {
  const random = createSeededRandom(seed);
  const graph = createRandomTreeGraph(random);
  const compiled = compileGraph(graph.onnx);
  const session = await InferenceSession.create(graph.onnx, options);
  if (compiled.status === "not-compiled") return "not compiled";
  // As it comes back from a file.
  const run = runGraph(JSON.parse(JSON.stringify(compiled.graph)), compiled.ensembles.map(runPlainly));
  const differences: string[] = [];
  for (const rows of [1, 40]) {
    const data = createTreeRows(random, graph, rows);
    const dims = [rows, graph.input.width];
    const { name, type } = graph.input;
    const expected = await session.run({ [name]: Reflect.construct(Tensor, [type, data, dims]) });
    const own = run({ [name]: { type, data, dims } }, graph.outputs);
    for (const each of findDifferences(graph.outputs, own, expected))
      differences.push(`seed ${seed}, ${rows} rows: ${each} ${graph.description}`);
  }
  await session.release();
  return differences;
};

test("a compiled graph of random trees gives onnxruntime's labels and numbers, on thresholds and beside them", async () => {
  const differences: string[] = [];
  let compiled = 0;
  for (let seed = 0; seed < graphs; seed++) {
    const found = await compare(seed);
    if (found === "not compiled") continue;
    compiled++;
    differences.push(...found);
  }
  expect(differences).toEqual([]);
  expect(compiled).toBeGreaterThan(graphs / 2);
});
