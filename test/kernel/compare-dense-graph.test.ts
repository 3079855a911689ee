import { expect, test } from "vitest";
import { listSeeds } from "#test/decisions/list-seeds.ts";
import { compareDenseGraph } from "./compare-dense-graph.ts";

test("random linear models and networks answer as onnxruntime, at the border of two labels too, or leave it the row", async () => {
  const graphs = 40;
  let [compiled, rows, close] = [0, 0, 0];
  for (const seed of listSeeds(graphs)) {
    const comparison = await compareDenseGraph(seed);
    expect(comparison.wrong, `SLIPWAY_SEED=${seed}`).toEqual([]);
    if (comparison.rows > 0) compiled++;
    rows += comparison.rows;
    close += comparison.close;
  }
  expect(compiled).toBeGreaterThan(graphs / 2);
  // Rows at a border are not all alike: some are certain, some are not.
  expect(close).toBeGreaterThan(graphs);
  expect(rows).toBeGreaterThan(close);
});
