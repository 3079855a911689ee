import { describe, expect, test } from "vitest";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { smallModels } from "#test/support/onnx/small-models.ts";
import { floatType, type Graph, int64Type, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { findIndexProblems } from "./find-index-problems.ts";
import { type LoadedModel, loadModel } from "./load-model.ts";
import { IndexOutOfRange } from "./model-errors.ts";
import { RowsInvalid } from "./rows-invalid.ts";

const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
const ids = ["user", "item"];
/** The sum of a row of two tables: 5 users, 3 items. The manifest promises more. */
const graph: Graph = {
  nodes: [
    { op: "Gather", inputs: ["U", "user"], outputs: ["u"] },
    { op: "Gather", inputs: ["I", "item"], outputs: ["i"] },
    { op: "Add", inputs: ["u", "i"], outputs: ["s"] },
    { op: "Squeeze", inputs: ["s", "k"], outputs: ["y"] },
  ],
  initializers: [
    { name: "U", type: floatType, dims: [5, 1], float: [0, 1, 2, 3, 4] },
    { name: "I", type: floatType, dims: [3, 1], float: [0, 10, 20] },
    { name: "k", dims: [1], int64: [2] },
  ],
  inputs: ids.map((name) => ({ name, type: int64Type, shape: ["N", 1] })),
  outputs: [{ name: "y", type: floatType, shape: ["N", 1] }],
};
const manifest = buildManifest({
  name: "tables",
  task: "regression",
  inputs: ids.map((name) => ({ name, type: "integer", min: 0, max: 100 })),
  output: { name: "y" },
  gates,
});
const findProblems = async (model: LoadedModel, rows: unknown) => {
  try {
    return await model.predict(rows);
  } catch (error) {
    if (error instanceof RowsInvalid) return error.problems;
    throw error;
  } finally {
    await model.release();
  }
};
const load = () => loadModel({ manifest, model: { bytes: writeOnnx({ graph }) } });

describe("a value outside a table of the graph is the caller's mistake", () => {
  test("and its row and input are named", async () => {
    const rows = [
      { user: 1, item: 1 },
      { user: 60, item: 2 },
      { user: 4, item: 0 },
      { user: 3, item: 7 },
    ];
    expect(await findProblems(await load(), rows)).toMatchObject([
      { row: 1, input: "user", detail: expect.stringMatching(/outside the table .*60/) },
      { row: 3, input: "item", detail: expect.stringMatching(/7/) },
    ]);
  });

  test("without an input's name where two have the value", async () => {
    const [problem, ...others] = (await findProblems(await load(), [{ user: 60, item: 60 }])) as object[];
    expect(others).toEqual([]);
    expect(problem).not.toHaveProperty("input");
  });

  test("of a large request too", async () => {
    const rows = Array.from({ length: 3_000 }, (_, row) => ({ user: row === 2_345 ? 99 : 1, item: 1 }));
    expect(await findProblems(await load(), rows)).toMatchObject([{ row: 2_345, input: "user" }]);
  });

  test("also of a text, whose token the graph does not have", async () => {
    const { manifest: texts, tokenizer, rows } = smallModels["texts with a tokenizer"];
    const bytes = writeOnnx({
      graph: {
        nodes: [
          { op: "Gather", inputs: ["T", "input_ids"], outputs: ["a"] },
          {
            op: "ReduceSum",
            inputs: ["a", "k"],
            outputs: ["y"],
            attributes: [{ name: "keepdims", int: 0 }],
          },
        ],
        // Four of the tokenizer's five words.
        initializers: [
          { name: "T", type: floatType, dims: [4, 2], float: [0, 0, 1, 1, 2, 2, 3, 3] },
          { name: "k", dims: [1], int64: [1] },
        ],
        inputs: [{ name: "input_ids", type: int64Type, shape: ["N", "S"] }],
        outputs: [{ name: "y", type: floatType, shape: ["N", 2] }],
      },
    });
    const model = await loadModel({ manifest: texts, model: { bytes }, tokenizer });
    expect(await findProblems(model, rows)).toMatchObject([{ row: 1, input: "text" }]);
  });
});

test("the search ends after some hundred runs and some twenty rows", async () => {
  let runs = 0;
  const problems = await findIndexProblems(
    Array.from({ length: 10_000 }, (_, row) => row),
    async () => {
      runs++;
      throw new IndexOutOfRange("idx=1");
    },
    () => undefined,
  );
  expect(problems).toHaveLength(20);
  expect(runs).toBeLessThanOrEqual(200);
});
