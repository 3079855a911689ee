import { expect, test } from "vitest";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { buildManifest, readChurnManifest } from "#test/support/onnx/churn-folder.ts";
import { measureOffloadThreshold } from "./measure-offload-threshold.ts";

type Rows = readonly Record<string, unknown>[];

/** A model whose runs advance a clock. It remembers the number of rows of each run. */
const createTimedModel = (manifest: Manifest, msOf: (rows: Rows, run: number) => number) => {
  let now = 0;
  const runs: number[] = [];
  return {
    runs,
    readThreadMs: () => now,
    manifest,
    predict: async (rows: unknown) => {
      if (!Array.isArray(rows)) throw new TypeError("no rows");
      runs.push(rows.length);
      now += msOf(rows, runs.length);
      return [];
    },
  };
};
const maximum = { bytes: 65_536, values: 4_096 };
const measure = (model: ReturnType<typeof createTimedModel>) =>
  measureOffloadThreshold(model, { maximum, readThreadMs: model.readThreadMs });
const oneText: Manifest = {
  ...readChurnManifest(),
  inputs: [{ name: "text", type: "string", maxLength: 10_000, required: true }],
};
const perCharacter = (ms: number) => (rows: Rows) =>
  rows.reduce((sum, { text }) => sum + ms * String(text).length, 0);

test("a model with 5 µs per row gets the maximum", async () => {
  expect(await measure(createTimedModel(readChurnManifest(), (rows) => 0.005 * rows.length))).toEqual(
    maximum,
  );
});

test("a model with 100 µs per row and 19 inputs gets as many rows as it predicts in 2 ms", async () => {
  const model = createTimedModel(readChurnManifest(), (rows) => 0.1 * rows.length);
  expect(await measure(model)).toEqual({ ...maximum, values: 16 * 19 });
  expect(Math.max(...model.runs)).toBe(32);
});

test("a model with 3 ms per row gets no threshold after its first row", async () => {
  const slow = createTimedModel(readChurnManifest(), (rows) => 3 * rows.length);
  expect(await measure(slow)).toBeUndefined();
  expect(new Set(slow.runs)).toEqual(new Set([1]));
});

test("the measurement uses no more rows than fit in a body: 4,096 values of 19 inputs are 215 rows", async () => {
  const model = createTimedModel(readChurnManifest(), () => 0);
  await measure(model);
  expect(Math.max(...model.runs)).toBe(215);
});

test("the time for texts limits the bytes of a body", async () => {
  const quick = createTimedModel(oneText, perCharacter(0.000_02));
  expect(await measure(quick)).toEqual(maximum);
  expect(Math.max(...quick.runs)).toBe(65);
  expect(await measure(createTimedModel(oneText, perCharacter(0.000_1)))).toEqual({
    bytes: 16_000,
    values: 16,
  });
  expect(await measure(createTimedModel(oneText, perCharacter(0.01)))).toBeUndefined();
});

test("the elements of arrays are values, those of predictions too", async () => {
  const manifest = buildManifest({
    name: "tiny",
    task: "tensors",
    inputs: [{ name: "x", type: "tensor", element: "float32", shape: [10, 10], required: true }],
    output: { tensors: [{ name: "y", element: "float32", shape: [3, 100] }] },
    gates: { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } },
  });
  const model = createTimedModel(manifest, (rows) => 0.5 * rows.length);
  expect(await measure(model)).toEqual({ ...maximum, values: 4 * 400 });
  expect(Math.max(...model.runs)).toBe(8);
});

test("a single slow run does not count", async () => {
  expect(
    await measure(createTimedModel(readChurnManifest(), (_, run) => (run % 3 === 0 ? 50 : 0.1))),
  ).toEqual(maximum);
});

test("a model that refuses the sample row gets the maximum", async () => {
  const refusing = {
    ...createTimedModel(readChurnManifest(), () => 0),
    predict: async () => {
      throw new Error("no");
    },
  };
  expect(await measure(refusing)).toEqual(maximum);
});
