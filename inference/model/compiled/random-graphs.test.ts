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

type Comparison = { readonly operator: string; readonly differences: readonly string[] | "not compiled" };

const compare = async (seed: number): Promise<Comparison> => {
  const random = createSeededRandom(seed);
  const graph = createRandomTreeGraph(random);
  const compiled = compileGraph(graph.onnx);
  const session = await InferenceSession.create(graph.onnx, options);
  const operator = graph.description.split('"')[3] ?? "";
  if (compiled.status === "not-compiled") return { operator, differences: "not compiled" };
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
  return { operator, differences };
};

test("a compiled graph of random trees gives onnxruntime's labels and numbers, on thresholds and beside them", async () => {
  const found: string[] = [];
  const compiled = new Map<string, number>();
  for (let seed = 0; seed < graphs; seed++) {
    const { operator, differences } = await compare(seed);
    if (differences === "not compiled") continue;
    compiled.set(operator, (compiled.get(operator) ?? 0) + 1);
    found.push(...differences);
  }
  expect(found).toEqual([]);
  for (const operator of ["classifier", "regressor", "version 5"])
    expect(compiled.get(operator), operator).toBeGreaterThan(graphs / 10);
});
