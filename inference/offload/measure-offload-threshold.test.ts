import { expect, test } from "vitest";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { readChurnManifest } from "#test/support/onnx/churn-folder.ts";
import { measureOffloadThreshold } from "./measure-offload-threshold.ts";

type Rows = readonly Record<string, unknown>[];

/** A model whose runs take a clock forward, and how many rows they had. */
const model = (manifest: Manifest, msOf: (rows: Rows, run: number) => number) => {
  let now = 0;
  const runs: number[] = [];
  return {
    runs,
    threadMs: () => now,
    manifest,
    predict: async (rows: unknown) => {
      if (!Array.isArray(rows)) throw new TypeError("no rows");
      runs.push(rows.length);
      now += msOf(rows, runs.length);
      return [];
    },
  };
};
const most = { bytes: 65_536, values: 4_096 };
const limits = (given: ReturnType<typeof model>) =>
  measureOffloadThreshold(given, { most, threadMs: given.threadMs });
const oneText: Manifest = {
  ...readChurnManifest(),
  inputs: [{ name: "text", type: "string", maxLength: 10_000, required: true }],
};
const perCharacter = (ms: number) => (rows: Rows) =>
  rows.reduce((sum, { text }) => sum + ms * String(text).length, 0);

test("a model that takes 5 µs a row has no limits of its own", async () => {
  expect(await limits(model(readChurnManifest(), (rows) => 0.005 * rows.length))).toEqual(most);
});

test("a model that takes 100 µs a row keeps as many rows of its 19 inputs as it answers in 2 ms", async () => {
  const given = model(readChurnManifest(), (rows) => 0.1 * rows.length);
  expect(await limits(given)).toEqual({ ...most, values: 16 * 19 });
  expect(Math.max(...given.runs)).toBe(32);
});

test("a model that takes 3 ms a row is found out by its first, and has to run elsewhere", async () => {
  const slow = model(readChurnManifest(), (rows) => 3 * rows.length);
  expect(await limits(slow)).toBeUndefined();
  expect(new Set(slow.runs)).toEqual(new Set([1]));
});

test("no more rows are tried than a body can hold: 4,096 values of 19 inputs are 215 rows", async () => {
  const given = model(readChurnManifest(), () => 0);
  await limits(given);
  expect(Math.max(...given.runs)).toBe(215);
});

test("what a model takes for texts limits a body's bytes", async () => {
  const quick = model(oneText, perCharacter(0.000_02));
  expect(await limits(quick)).toEqual(most);
  expect(Math.max(...quick.runs)).toBe(65);
  expect(await limits(model(oneText, perCharacter(0.000_1)))).toEqual({ bytes: 16_000, values: 16 });
  expect(await limits(model(oneText, perCharacter(0.01)))).toBeUndefined();
});

test("a single slow run is a collection of garbage, not the model", async () => {
  expect(await limits(model(readChurnManifest(), (_, run) => (run % 3 === 0 ? 50 : 0.1)))).toEqual(most);
});

test("a model that refuses the tried row has no limits of its own", async () => {
  const refusing = {
    ...model(readChurnManifest(), () => 0),
    predict: async () => {
      throw new Error("no");
    },
  };
  expect(await limits(refusing)).toEqual(most);
});
