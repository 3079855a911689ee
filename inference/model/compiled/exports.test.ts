import { readdirSync, readFileSync } from "node:fs";
import { Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { supportedVersions } from "#inference/model/supported-versions.ts";
import { prepareOnnx } from "#model-folder/onnx/prepare-onnx.ts";
import { readGraph } from "#model-folder/onnx/read-graph.ts";
import { pickFeedRows, selectCertainRows } from "#test/support/dense/select-certain-rows.ts";
import { createSeededRandom } from "#test/support/seeded-random.ts";
import { createGraphRows } from "#test/support/trees/create-graph-rows.ts";
import { findDifferences } from "#test/support/trees/find-differences.ts";
import { runPlainly } from "#test/support/trees/run-plainly.ts";
import { openSession } from "../session.ts";
import { type CompileResult, compileGraph } from "./compile-graph.ts";
import { layOutEnsemble } from "./kernel/lay-out-ensemble.ts";
import { openEnsemble } from "./kernel/open-ensemble.ts";
import { runGraph } from "./run-graph.ts";

const exportsFolder = new URL("../../../test/support/onnx-exports/", import.meta.url);
const treesFolder = new URL("../../../test/support/tree-exports/", import.meta.url);
const linearFolder = new URL("../../../test/support/linear-exports/", import.meta.url);
const modelsFolder = new URL("../../../models/", import.meta.url);

/** The file as `slipway new` puts it into a model's folder: without maps. */
const prepare = (path: URL): Uint8Array =>
  prepareOnnx(readFileSync(path), { supported: supportedVersions, joinColumns: false }).bytes;

const compare = async (
  bytes: Uint8Array,
  { graph, ensembles }: Extract<CompileResult, { status: "compiled" }>,
): Promise<readonly string[]> => {
  const session = await openSession({ bytes });
  const copy = JSON.parse(JSON.stringify(graph));
  const run = runGraph(copy, ensembles.map(runPlainly));
  const runInKernel = runGraph(
    copy,
    ensembles.map((ensemble) => openEnsemble(layOutEnsemble(ensemble))),
  );
  expect(graph.inputs).toEqual(session.inputs);
  expect(graph.outputs).toEqual(session.outputs);
  const names = graph.outputs.map(({ name }) => name);
  const random = createSeededRandom(7);
  const differences: string[] = [];
  for (const rows of [1, 3, 200]) {
    const given = createGraphRows(random, { graph, ensembles }, rows);
    const certain = selectCertainRows(run, given, names);
    if (rows > 3) expect(certain.length).toBeGreaterThan(rows / 4);
    if (certain.length === 0) continue;
    const feeds = pickFeedRows(given, certain);
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
    for (const answer of [run, runInKernel])
      differences.push(...findDifferences(names, answer(feeds, names), expected));
  }
  await session.release();
  return differences;
};

const listFiles = (folder: URL) =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".onnx"))
    .map((file) => [file.replace(".onnx", ""), new URL(file, folder)] as const);
const treeCases = listFiles(treesFolder);
const linearCases = listFiles(linearFolder);
const exportCases = readdirSync(exportsFolder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => [name, new URL(`${name}/model.onnx`, exportsFolder)] as const);
const modelCases = ["churn", "review-sentiment", "review-topic", "transit-time"].map(
  (name) => [name, new URL(`${name}/model.onnx`, modelsFolder)] as const,
);

const rounding = "that onnxruntime may round in another way, so a label could differ";
const otherwise =
  "sums are used otherwise than the rules know, and onnxruntime may round them in another way";
/** Files with trees or sums of products that onnxruntime runs. */
const refused: Readonly<Record<string, string>> = {
  "ada-boost": "the operator TopK is not compiled",
  "double-boosting": "TreeEnsembleRegressor compares features of type float64",
  "double-forest": "TreeEnsembleClassifier compares features of type float64",
  "isolation-forest": "the operator Pow is not compiled",
  "isolation-forest-labels": "the operator Pow is not compiled",
  sigmoid: `ArgMax or ArgMin decides by numbers ${rounding}`,
  "bayesian-ridge": otherwise,
  components: "LinearRegressor takes sums that neither Sigmoid nor Tanh limits",
  "mlp-logits": "the operator Relu is not compiled",
  "multilabel-mlp": "the operator Relu is not compiled",
  "network-deep": "the operator Relu is not compiled",
  "network-relu": "the operator Relu is not compiled",
  "gaussian-mixture": "the operator ReduceSumSquare is not compiled",
  "k-means": "the operator ReduceSumSquare is not compiled",
  kmeans: "the operator ReduceSumSquare is not compiled",
  "logistic-double": "Sigmoid computes with values of type float64",
  "one-vs-rest": "the operator LpNormalization is not compiled",
  "sklearn-no-shape": "the input X has no known dimensions",
  stochastic: otherwise,
  "torch-fixed-batch": "the input x has a fixed number of rows (16)",
};
const cases = [...treeCases, ...linearCases, ...exportCases, ...modelCases].map(
  ([name, path]) => [name, prepare(path)] as const,
);
const isModel = (bytes: Uint8Array): boolean =>
  readGraph(bytes).nodes.some(({ operator }) => /^(TreeEnsemble|Linear|Gemm|MatMul$)/.test(operator));
/** Networks of text and images hold operators that nothing here compiles. */
const isLarge = (name: string): boolean => /^(bert|plain|torch-(image|window)|review|gaussian-p)/.test(name);

test.each(cases.filter(([name, bytes]) => isModel(bytes) && !isLarge(name)))(
  "%s answers as onnxruntime does, or is left to it for a stated reason",
  async (name, bytes) => {
    // These models are small, but what is around them is that of large ones.
    const compiled = compileGraph(bytes, {
      columnsPerTree: Number.POSITIVE_INFINITY,
      columnsAroundSums: Number.POSITIVE_INFINITY,
      products: Number.POSITIVE_INFINITY,
    });
    expect(compiled.status === "compiled" ? "compiled" : compiled.why).toBe(refused[name] ?? "compiled");
    if (compiled.status === "compiled") expect(await compare(bytes, compiled)).toEqual([]);
  },
);

test("a model without trees and sums, or with an operator that is not compiled, is left to onnxruntime", () => {
  const others = cases.filter(([name, bytes]) => !isModel(bytes) || isLarge(name));
  expect(others.length).toBeGreaterThan(15);
  for (const [, bytes] of others)
    expect(compileGraph(bytes)).toEqual({
      status: "not-compiled",
      why: expect.stringMatching(/^the (graph has no trees and no sums|operator .* is not compiled|input )/),
    });
});

test("a graph that computes much around few trees is left to onnxruntime, which is faster there", () => {
  const [, bytes] = cases.find(([name]) => name === "multilabel-forest") ?? [];
  expect(compileGraph(bytes ?? new Uint8Array())).toEqual({
    status: "not-compiled",
    why: "the graph computes 90 columns around 4 trees (limit 6 for each tree)",
  });
});
