import { describe, expect, test } from "vitest";
import { compileGraph } from "#inference/model/compiled/compile-graph.ts";
import { type LoadedModel, loadModel } from "#inference/model/load-model.ts";
import { Golden, type Row } from "#model-folder/manifest/manifest.ts";
import { readChurnFiles, readChurnGolden, readChurnManifest } from "#test/support/onnx/churn-folder.ts";
import { findEngineDifferences } from "./find-engine-differences.ts";
import { generateRows } from "./generate-rows.ts";
import { listThresholdValues } from "./list-threshold-values.ts";

const bytes = readChurnFiles().get("model.onnx") ?? new Uint8Array();
const manifest = readChurnManifest();
const golden = Golden.parse(readChurnGolden()).rows;
const open = async () => {
  const result = compileGraph(bytes);
  if (result.status !== "compiled") throw new Error(result.why);
  const model = { bytes };
  const compiled = await loadModel({ manifest, model });
  expect(compiled.engine).toEqual({ name: "compiled" });
  return {
    ...{ manifest, file: "model.onnx", golden, holdout: golden.slice(3) },
    ...{ compiled, onnxruntime: await loadModel({ manifest, model, plan: "onnxruntime" }) },
    ...{ graph: result.graph, ensembles: result.ensembles },
  };
};
/** A model that differs from another where a row has a property. */
const changeWhere = (
  model: LoadedModel,
  isDifferent: (row: Row) => boolean,
  change: (prediction: Awaited<ReturnType<LoadedModel["predict"]>>[number]) => object,
): Pick<LoadedModel, "predict"> => ({
  predict: async (rows) => {
    const predictions = await model.predict(rows);
    return predictions.map((prediction, index) =>
      isDifferent((rows as Row[])[index] ?? {}) ? { ...prediction, ...change(prediction) } : prediction,
    );
  },
});

describe("the compiled churn and onnxruntime", () => {
  test("do not differ", async () => {
    expect(await findEngineDifferences(await open())).toEqual([]);
  });

  test("differ if a number is off by more than 1e-6 on one side of a single threshold", async () => {
    const needs = await open();
    const { graph, ensembles } = needs;
    const [row = {}] = golden;
    const values = listThresholdValues({ manifest, graph, ensembles, row }).get("monthly_charges") ?? [];
    const edge = values[Math.floor(values.length / 2)] ?? 0;
    expect(Math.fround(edge)).toBe(edge);
    expect(golden.some((each) => each.monthly_charges === edge)).toBe(false);
    const moved = changeWhere(
      needs.compiled,
      ({ monthly_charges: charges }) => charges === edge,
      ({ scores: { churn = 0, stay = 0 } }) => ({ scores: { stay: stay - 3e-6, churn: churn + 3e-6 } }),
    );
    const [problem, ...others] = await findEngineDifferences({ ...needs, compiled: moved });
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ severity: "error", file: "model.onnx" });
    expect(problem?.message).toMatch(
      /^the compiled model and onnxruntime differ: (stay|churn) of generated row \d+ is 0\.\d+ compiled and 0\.\d+ in onnxruntime, in requests of 500 rows$/,
    );
    expect(problem?.remedy).toContain("engine: onnxruntime");
  });

  test("are compared on a few rows only where runs take long, and the check says on how many", async () => {
    let now = 0;
    const tick = () => (now += 1_500);
    const [problem, ...others] = await findEngineDifferences({ ...(await open()), tick });
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ severity: "warning", file: "model.onnx" });
    expect(problem?.message).toMatch(
      /on a few rows only, because a run takes long: .*9 of \d+ golden rows in requests of 3, .*9 of \d+ generated rows in requests of 3$/,
    );
  });

  test("differ if only requests of a few rows, or only those of many, have another number", async () => {
    const needs = await open();
    for (const [isChanged, size] of [
      [(rows: readonly Row[]) => rows.length < 8, 3],
      [(rows: readonly Row[]) => rows.length > 50, 500],
    ] as const) {
      const changed: Pick<LoadedModel, "predict"> = {
        predict: async (rows) => {
          const predictions = await needs.compiled.predict(rows);
          if (!isChanged(rows as Row[])) return predictions;
          return predictions.map((prediction) => ({ ...prediction, scores: { stay: 0.25, churn: 0.75 } }));
        },
      };
      const [problem] = await findEngineDifferences({ ...needs, compiled: changed });
      expect(problem?.message).toMatch(new RegExp(`, in requests of ${size} rows$`));
    }
  });

  test("do not differ by rounding, below 1e-6", async () => {
    const needs = await open();
    const moved = changeWhere(
      needs.compiled,
      () => true,
      ({ scores: { churn = 0, stay = 0 } }) => ({ scores: { stay: stay - 5e-7, churn: churn + 5e-7 } }),
    );
    expect(await findEngineDifferences({ ...needs, compiled: moved })).toEqual([]);
  });

  test("differ if one label does, or if one of them has no prediction for a row", async () => {
    const needs = await open();
    const [, row = {}] = golden;
    const isRow = (other: Row) => JSON.stringify(other) === JSON.stringify(row);
    const labelled = changeWhere(needs.compiled, isRow, () => ({ label: "other" }));
    expect((await findEngineDifferences({ ...needs, compiled: labelled }))[0]?.message).toMatch(
      /differ: golden row 1 is predicted other instead of /,
    );
    const failing: Pick<LoadedModel, "predict"> = {
      predict: async (rows) => {
        if ((rows as Row[]).some(isRow)) throw new Error("no");
        return needs.compiled.predict(rows);
      },
    };
    expect((await findEngineDifferences({ ...needs, compiled: failing }))[0]?.message).toMatch(
      /differ: golden row 1 has no compiled prediction \(no\)/,
    );
  });
});

test("generated rows are rows that the manifest allows, and hold each value around a threshold", async () => {
  const { graph, ensembles, compiled } = await open();
  const [row = {}] = golden;
  const values = listThresholdValues({ manifest, graph, ensembles, row });
  const numbers = manifest.inputs.filter(({ type }) => type === "integer" || type === "number");
  expect([...values.keys()].sort()).toEqual(numbers.map(({ name }) => name).sort());
  const rows = generateRows({ inputs: manifest.inputs, rows: golden, values, least: 50, most: 20_000 });
  expect([...values.values()].flat().length).toBeGreaterThan(20);
  for (const [name, list] of values) {
    const held = new Set(rows.map((each) => each[name]));
    expect(list.filter((value) => !held.has(value))).toEqual([]);
  }
  expect(await compiled.predict(rows)).toHaveLength(rows.length);
});
