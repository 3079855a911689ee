import { readdirSync, readFileSync } from "node:fs";
import { Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { supportedVersions } from "#inference/model/supported-versions.ts";
import { prepareOnnx } from "#model-folder/onnx/prepare-onnx.ts";
import { readGraph } from "#model-folder/onnx/read-graph.ts";
import { createSeededRandom } from "#test/support/seeded-random.ts";
import { createGraphRows } from "#test/support/trees/create-graph-rows.ts";
import { findDifferences } from "#test/support/trees/find-differences.ts";
import { runPlainly } from "#test/support/trees/run-plainly.ts";
import { openSession } from "../session.ts";
import { type CompileResult, compileGraph } from "./compile-graph.ts";
import { runGraph } from "./run-graph.ts";

const exportsFolder = new URL("../../../test/support/onnx-exports/", import.meta.url);
const treesFolder = new URL("../../../test/support/tree-exports/", import.meta.url);
const modelsFolder = new URL("../../../models/", import.meta.url);

/** The file as `slipway new` puts it into a model's folder: without maps. */
const prepare = (path: URL): Uint8Array =>
  prepareOnnx(readFileSync(path), { supported: supportedVersions, joinColumns: false }).bytes;

const compare = async (
  bytes: Uint8Array,
  { graph, ensembles }: Extract<CompileResult, { status: "compiled" }>,
): Promise<readonly string[]> => {
  const session = await openSession({ bytes });
  const run = runGraph(JSON.parse(JSON.stringify(graph)), ensembles.map(runPlainly));
  expect(graph.inputs).toEqual(session.inputs);
  expect(graph.outputs).toEqual(session.outputs);
  const names = graph.outputs.map(({ name }) => name);
  const random = createSeededRandom(7);
  const differences: string[] = [];
  for (const rows of [1, 200]) {
    const feeds = createGraphRows(random, { graph, ensembles }, rows);
    const tensors = Object.fromEntries(
      Object.entries(feeds).map(([name, { type, data, dims }]) => [
        name,
        Reflect.construct(Tensor, [type, data, dims]),
      ]),
    );
    const dims = new Map<string, readonly number[]>();
    const data = await session.run(tensors, names, (name, shape) => dims.set(name, shape));
    const expected = Object.fromEntries(
      names.map((name, index) => [name, { data: data[index], dims: dims.get(name) ?? [] }]),
    );
    differences.push(...findDifferences(names, run(feeds, names), expected));
  }
  await session.release();
  return differences;
};

const treeCases = readdirSync(treesFolder)
  .filter((file) => file.endsWith(".onnx"))
  .map((file) => [file.replace(".onnx", ""), new URL(file, treesFolder)] as const);
const exportCases = readdirSync(exportsFolder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => [name, new URL(`${name}/model.onnx`, exportsFolder)] as const);
const modelCases = ["churn", "review-sentiment", "review-topic", "transit-time"].map(
  (name) => [name, new URL(`${name}/model.onnx`, modelsFolder)] as const,
);

const rounding = "that onnxruntime may round in another way, so a label could differ";
/** Files with trees that onnxruntime runs. */
const refused: Readonly<Record<string, string>> = {
  "ada-boost": "the operator TopK is not compiled",
  "double-boosting": "TreeEnsembleRegressor compares features of type float64",
  "double-forest": "TreeEnsembleClassifier compares features of type float64",
  "isolation-forest": "the operator Pow is not compiled",
  "isolation-forest-labels": "the operator Pow is not compiled",
  sigmoid: `ArgMax or ArgMin decides by numbers ${rounding}`,
  "stacked-linear": "the operator LinearClassifier of ai.onnx.ml is not compiled",
};
const cases = [...treeCases, ...exportCases, ...modelCases].map(
  ([name, path]) => [name, prepare(path)] as const,
);
const hasTrees = (bytes: Uint8Array): boolean =>
  readGraph(bytes).nodes.some(({ operator }) => operator.startsWith("TreeEnsemble"));

test.each(cases.filter(([, bytes]) => hasTrees(bytes)))(
  "%s answers as onnxruntime does, or is left to it for a stated reason",
  async (name, bytes) => {
    // These models have few trees, but what is around them is that of large ones.
    const compiled = compileGraph(bytes, { columnsPerTree: Number.POSITIVE_INFINITY });
    expect(compiled.status === "compiled" ? "compiled" : compiled.why).toBe(refused[name] ?? "compiled");
    if (compiled.status === "compiled") expect(await compare(bytes, compiled)).toEqual([]);
  },
);

test("a model without trees is left to onnxruntime, however large its tensors are", () => {
  const others = cases.filter(([, bytes]) => !hasTrees(bytes));
  expect(others.length).toBeGreaterThan(30);
  for (const [, bytes] of others)
    expect(compileGraph(bytes)).toEqual({ status: "not-compiled", why: "the graph has no trees" });
});

test("a graph that computes much around few trees is left to onnxruntime, which is faster there", () => {
  const [, bytes] = cases.find(([name]) => name === "multilabel-forest") ?? [];
  expect(compileGraph(bytes ?? new Uint8Array())).toEqual({
    status: "not-compiled",
    why: "the graph computes 90 columns around 4 trees (limit 6 for each tree)",
  });
});
