import { describe, expect, test } from "vitest";
import { floatType, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { openSession } from "./session.ts";

describe("a product of a transposed matrix and a vector is what the graph says", () => {
  const vector = [1, 10, 100];
  /** [rows, 3, columns] by rows; each answer is the sum of its column, weighted. */
  const multiply = async (rows: number, columns: number) => {
    const onnx = writeOnnx({
      graph: {
        nodes: [
          {
            op: "Transpose",
            inputs: ["x"],
            outputs: ["t"],
            attributes: [{ name: "perm", ints: [0, 2, 1] }],
          },
          { op: "MatMul", inputs: ["t", "w"], outputs: ["y"] },
        ],
        initializers: [{ name: "w", type: floatType, dims: [3], float: vector }],
        inputs: [{ name: "x", type: floatType, shape: ["N", 3, "C"] }],
        outputs: [{ name: "y", type: floatType, shape: ["N", "C"] }],
      },
    });
    const session = await openSession({ bytes: onnx });
    try {
      const cells = Float32Array.from({ length: rows * 3 * columns }, (_, index) => (index * 7) % 5);
      const feed = { type: "float32", data: cells, dims: [rows, 3, columns] } as const;
      const [data] = await session.run({ x: feed }, ["y"]);
      const expected = Array.from({ length: rows * columns }, (_, at) => {
        const start = Math.floor(at / columns) * 3 * columns + (at % columns);
        return vector.reduce((sum, weight, place) => sum + weight * (cells[start + place * columns] ?? 0), 0);
      });
      return { answers: Array.from(data as Float32Array), expected };
    } finally {
      await session.release();
    }
  };

  test.for([
    [1, 4],
    [2, 3],
    [5, 2],
  ] as const)("%i matrices with %i columns", async ([rows, columns]) => {
    const { answers, expected } = await multiply(rows, columns);
    expect(answers).toEqual(expected);
  });
});
