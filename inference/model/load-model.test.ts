import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { Golden, type Manifest } from "#model-folder/manifest/manifest.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { findGoldenDifferences } from "#model-folder/rows/compare-golden.ts";
import {
  buildManifest,
  readChurnFiles,
  readChurnGolden,
  readChurnManifest,
} from "#test/support/onnx/churn-folder.ts";
import { floatType, type Graph, int64Type, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { loadModel } from "./load-model.ts";
import { OutputNotFinite } from "./output-not-finite.ts";
import { RowsInvalid } from "./rows-invalid.ts";

const churn = readChurnFiles().get("model.onnx") ?? new Uint8Array();
const open = (manifest: Manifest, bytes: Uint8Array) => loadModel({ manifest, model: { bytes } });

const regression = buildManifest({
  task: "regression",
  inputs: [{ name: "x", type: "number", min: -10, max: 10 }],
  output: { name: "y" },
  gates: { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } },
});
/** y = op(x), a regression. */
const unary = (op: string): Graph => ({
  nodes: [{ op, inputs: ["x"], outputs: ["y"] }],
  inputs: [{ name: "x", type: floatType, shape: ["N", 1] }],
  outputs: [{ name: "y", type: floatType, shape: ["N", 1] }],
});

describe("loadModel", () => {
  test("churn predicts its golden rows as at training, with the manifest's bands", async () => {
    const golden = Golden.parse(readChurnGolden());
    const model = await open(readChurnManifest(), churn);
    const predictions = await model.predict(golden.rows);
    expect(findGoldenDifferences(golden, predictions)).toEqual([]);
    for (const { band, scores } of predictions) {
      const score = scores.churn ?? Number.NaN;
      expect(band).toBe(score < 0.4 ? "low" : score < 0.7 ? "medium" : "high");
    }
    await model.release();
  });

  test("any rows for churn give finite scores or RowsInvalid", async () => {
    const model = await open(readChurnManifest(), churn);
    const [row] = readChurnGolden().rows;
    const value = fc.oneof(fc.jsonValue(), fc.integer({ min: 0, max: 1 }), fc.double());
    const rows = fc.oneof(
      fc.jsonValue(),
      fc.array(
        fc
          .tuple(fc.constantFrom(...Object.keys(row), "__proto__", "x"), value, fc.boolean())
          .map(([name, one, change]) => (change ? { ...row, [name]: one } : row)),
        { maxLength: 4 },
      ),
    );
    await fc.assert(
      fc.asyncProperty(rows, async (some) => {
        const answered = await model.predict(some).catch((error: unknown) => error);
        if (answered instanceof RowsInvalid) {
          expect(answered.problems.length).toBeGreaterThan(0);
          return;
        }
        expect(answered).toBeInstanceOf(Array);
        expect(JSON.stringify(answered)).not.toContain("null");
      }),
      { numRuns: 500 },
    );
    await model.release();
  });

  test("a regression predicts its value", async () => {
    const model = await open(regression, writeOnnx({ graph: unary("Neg") }));
    expect(await model.predict([{ x: 2 }, { x: -3 }])).toEqual([
      { value: -2, scores: { y: -2 } },
      { value: 3, scores: { y: 3 } },
    ]);
    await model.release();
  });

  test("a score that is NaN or infinite is an error, never a prediction", async () => {
    const log = await open(regression, writeOnnx({ graph: unary("Log") }));
    await expect(log.predict([{ x: 1 }, { x: -1 }])).rejects.toBeInstanceOf(OutputNotFinite);
    await expect(log.predict([{ x: 0 }])).rejects.toBeInstanceOf(OutputNotFinite);
    expect(await log.predict([{ x: 1 }])).toEqual([{ value: 0, scores: { y: 0 } }]);
    await log.release();
  });

  test("a graph that returns another number of rows is an error, never a prediction", async () => {
    const graph = { ...unary("ReduceSum"), outputs: [{ name: "y", type: floatType, shape: ["M", 1] }] };
    const sum = await open(regression, writeOnnx({ graph }));
    await expect(sum.predict([{ x: 1 }, { x: 2 }])).rejects.toBeInstanceOf(OutputNotFinite);
    await sum.release();
  });

  test("a missing file, broken bytes and a mismatched graph are ModelUnreadable", async () => {
    const manifest = readChurnManifest();
    await expect(loadModel({ manifest, model: { path: "/nowhere/model.onnx" } })).rejects.toBeInstanceOf(
      ModelUnreadable,
    );
    await expect(open(manifest, churn.subarray(0, 5_000))).rejects.toBeInstanceOf(ModelUnreadable);
    await expect(open(buildManifest({ inputs: regression.inputs }), churn)).rejects.toThrow(/no input x/);
    const whole = {
      ...unary("Neg"),
      nodes: [{ op: "Cast", inputs: ["x"], outputs: ["y"], attributes: [{ name: "to", int: floatType }] }],
      inputs: [{ name: "x", type: int64Type, shape: ["N", 1] }],
    };
    await expect(open(regression, writeOnnx({ graph: whole }))).rejects.toThrow(/takes x as int64/);
  });
});
