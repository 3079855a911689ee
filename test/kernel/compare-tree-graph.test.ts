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
