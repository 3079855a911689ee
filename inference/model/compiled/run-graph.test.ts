import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import {
  floatType,
  int64Type,
  type Node,
  stringType,
  type Value,
  writeOnnx,
} from "#test/support/onnx/write-onnx.ts";
import { runPlainly } from "#test/support/trees/run-plainly.ts";
import { RunFailed } from "../model-errors.ts";
import { compileGraph } from "./compile-graph.ts";
import { type CompiledFeed, runGraph } from "./run-graph.ts";

const ml = "ai.onnx.ml";
/** plan: text → a feature for each category; size: a number. The tree asks for the second plan, then for the size. */
const createNodes = (categories: readonly string[], zeros: number): readonly Node[] => [
  {
    op: "OneHotEncoder",
    domain: ml,
    inputs: ["plan"],
    outputs: ["encoded"],
    attributes: [
      { name: "cats_strings", strings: categories },
      { name: "zeros", int: zeros },
    ],
  },
  { op: "Reshape", inputs: ["encoded", "shape"], outputs: ["plans"] },
  {
    op: "Concat",
    inputs: ["plans", "size"],
    outputs: ["features"],
    attributes: [{ name: "axis", int: 1 }],
  },
  {
    op: "TreeEnsembleClassifier",
    domain: ml,
    inputs: ["features"],
    outputs: ["label", "scores"],
    attributes: [
      { name: "classlabels_strings", strings: ["no", "yes"] },
      { name: "post_transform", string: "LOGISTIC" },
      { name: "nodes_treeids", ints: [0, 0, 0, 0, 0] },
      { name: "nodes_nodeids", ints: [0, 1, 2, 3, 4] },
      { name: "nodes_featureids", ints: [1, 0, categories.length, 0, 0] },
      { name: "nodes_truenodeids", ints: [1, 0, 3, 0, 0] },
      { name: "nodes_falsenodeids", ints: [2, 0, 4, 0, 0] },
      { name: "nodes_modes", strings: ["BRANCH_GT", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"] },
      { name: "nodes_values", floats: [0.5, 0, 100, 0, 0] },
      { name: "class_treeids", ints: [0, 0, 0] },
      { name: "class_nodeids", ints: [1, 3, 4] },
      { name: "class_ids", ints: [0, 0, 0] },
      { name: "class_weights", floats: [1.25, -0.75, 0.5] },
    ],
  },
];
const outputs: readonly Value[] = [
  { name: "label", type: stringType, shape: ["rows"] },
  { name: "scores", type: floatType, shape: ["rows", 2] },
];
const createModel = (categories: readonly string[], zeros = 0) =>
  writeOnnx({
    graph: {
      nodes: createNodes(categories, zeros),
      initializers: [{ name: "shape", type: int64Type, dims: [2], int64: [-1, categories.length] }],
      inputs: [
        { name: "plan", type: stringType, shape: ["rows", 1] },
        { name: "size", type: floatType, shape: ["rows", 1] },
      ],
      outputs,
    },
    opsets: { "": 17, [ml]: 3 },
  });
const plans = ["", "basic", "größer"];
const onnx = createModel(plans);

const compile = (model: Uint8Array) => {
  const compiled = compileGraph(model);
  if (compiled.status === "not-compiled") throw new Error(compiled.why);
  return compiled;
};
const open = (model = onnx) => {
  const { graph, ensembles } = compile(model);
  return runGraph(graph, ensembles.map(runPlainly));
};
/** What onnxruntime answers. */
const runReference = async (model: Uint8Array, feeds: Readonly<Record<string, CompiledFeed>>) => {
  const session = await InferenceSession.create(model, { logSeverityLevel: 4 });
  const answer = await session.run(
    Object.fromEntries(
      Object.entries(feeds).map(([name, { type, data, dims }]) => [
        name,
        Reflect.construct(Tensor, [type, data, dims]),
      ]),
    ),
  );
  await session.release();
  return [answer.label?.data, answer.scores?.data];
};
const names = ["label", "scores"];
const createFeeds = (plans: string[], sizes: readonly number[]): Record<string, CompiledFeed> => ({
  plan: { type: "string", data: plans, dims: [plans.length, 1] },
  size: { type: "float32", data: Float32Array.from(sizes), dims: [sizes.length, 1] },
});
const createRows = (count: number) =>
  createFeeds(
    Array.from({ length: count }, (_, row) => plans[row % 3] ?? ""),
    Array.from({ length: count }, (_, row) => row % 217),
  );

test("a request of many blocks answers each row as a request of its own would, and as onnxruntime does", async () => {
  const run = open();
  const feeds = createRows(1_700);
  const all = run(feeds, names);
  expect(all.map(({ data }) => data)).toEqual(await runReference(onnx, feeds));
  for (const row of [0, 511, 512, 1_023, 1_024, 1_699]) {
    const [label, scores] = run(createFeeds([plans[row % 3] ?? ""], [row % 217]), names);
    expect(label?.data).toEqual(all[0]?.data.slice(row, row + 1));
    expect(scores?.data).toEqual(all[1]?.data.slice(row * 2, row * 2 + 2));
  }
});

test("an answer stays as it was while the next request runs", () => {
  const run = open();
  const first = run(createFeeds(["basic"], [1]), names);
  const kept = structuredClone(first);
  run(createFeeds(["größer"], [200]), names);
  expect(first).toEqual(kept);
});

test("outputs come in the order in which they are asked for, alone too", () => {
  const run = open();
  const feeds = createRows(3);
  const [scores, label] = run(feeds, ["scores", "label"]);
  expect(scores?.dims).toEqual([3, 2]);
  expect(run(feeds, ["label"])).toEqual([label]);
  expect(label).toEqual({ data: ["no", "yes", "no"], dims: [3] });
});

test("a category that the model does not know fails the run as in onnxruntime, and the next run is sound", async () => {
  const run = open();
  const session = await InferenceSession.create(onnx, { logSeverityLevel: 4 });
  const unknown = {
    plan: new Tensor("string", ["premium"], [1, 1]),
    size: new Tensor("float32", Float32Array.of(1), [1, 1]),
  };
  await expect(session.run(unknown)).rejects.toThrow(/Unknown Category/);
  expect(() => run(createFeeds(["premium"], [1]), names)).toThrow(RunFailed);
  expect(run(createFeeds(["basic"], [1]), ["label"])[0]?.data).toEqual(["yes"]);
});

test("thousands of categories, one of them twice, answer as in onnxruntime, and are listed once", async () => {
  const categories = Array.from({ length: 5_000 }, (_, index) => `plan ${index % 4_999}`);
  categories[2] = "plan 1";
  const model = createModel(categories, 1);
  const feeds = createFeeds(
    Array.from({ length: 6_000 }, (_, row) => `plan ${row}`),
    Array.from({ length: 6_000 }, (_, row) => row % 217),
  );
  expect(open(model)(feeds, names).map(({ data }) => data)).toEqual(await runReference(model, feeds));
  const listed = compile(model).graph.steps.flatMap((step) => ("keys" in step ? [step.keys.length] : []));
  expect(listed).toEqual([5_000]);
});

const good = createRows(2);
const wrong: Readonly<Record<string, Readonly<Record<string, CompiledFeed>>>> = {
  "an input is missing": { plan: { type: "string", data: ["", ""], dims: [2, 1] } },
  "an input has another type": {
    ...good,
    size: { type: "float64", data: new Float64Array(2), dims: [2, 1] },
  },
  "an input's data is of another type than it says": {
    ...good,
    size: { type: "float32", data: [1, 2], dims: [2, 1] },
  },
  "an input has another width": {
    ...good,
    size: { type: "float32", data: new Float32Array(4), dims: [2, 2] },
  },
  "an input has another number of dimensions": {
    ...good,
    size: { type: "float32", data: new Float32Array(2), dims: [2] },
  },
  "an input has fewer elements than its dimensions": {
    ...good,
    size: { type: "float32", data: new Float32Array(1), dims: [2, 1] },
  },
  "inputs have different numbers of rows": {
    ...good,
    size: { type: "float32", data: new Float32Array(3), dims: [3, 1] },
  },
  "there are no rows": createRows(0),
};
test.each(Object.entries(wrong))("a run fails if %s", (_why, feeds) => {
  expect(() => open()(feeds, names)).toThrow(RunFailed);
});
test("a run fails for an output that the graph does not have, and for none", () => {
  expect(() => open()(good, ["toString"])).toThrow(RunFailed);
  expect(() => open()(good, [])).toThrow(RunFailed);
});
