import { expect, test } from "vitest";
import { listSeeds } from "#test/decisions/list-seeds.ts";
import { compareTreeGraph } from "./compare-tree-graph.ts";

test("random trees answer through a plan and the kernel as in onnxruntime, on each threshold and beside it", async () => {
  const graphs = 120;
  let compiled = 0;
  for (const seed of listSeeds(graphs)) {
    const { wrong, rows } = await compareTreeGraph(seed);
    expect(wrong, `SLIPWAY_SEED=${seed}`).toEqual([]);
    if (rows > 0) compiled++;
  }
  expect(compiled).toBeGreaterThan(graphs / 2);
});

test("trees of thousands of leaves, which are walked in blocks too, answer as in onnxruntime", async () => {
  const kernels = new Set<string>();
  for (const seed of listSeeds(8)) {
    // Beyond 32,767 leaves a node takes eight bytes.
    const { wrong, bulkKernels } = await compareTreeGraph(seed, seed % 4 === 0 ? 40_000 : 8_000);
    expect(wrong, `SLIPWAY_SEED=${seed}`).toEqual([]);
    for (const kernel of bulkKernels) kernels.add(kernel);
  }
  expect(kernels).toContain("walk");
});
