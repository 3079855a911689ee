import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import {
  type Attribute,
  boolType,
  doubleType,
  floatType,
  int64Type,
  type Node,
  stringType,
  writeOnnx,
} from "#test/support/onnx/write-onnx.ts";
import { createSeededRandom } from "#test/support/seeded-random.ts";
import { findDifferences } from "#test/support/trees/find-differences.ts";
import { runPlainly } from "#test/support/trees/run-plainly.ts";
import { compileGraph } from "./compile-graph.ts";
import { runGraph } from "./run-graph.ts";

const ml = "ai.onnx.ml";
const ints = (name: string, list: readonly number[]): Attribute => ({ name, ints: list });
const floats = (name: string, list: readonly number[]): Attribute => ({ name, floats: list });
const strings = (name: string, list: readonly string[]): Attribute => ({ name, strings: list });
const int = (name: string, value: number): Attribute => ({ name, int: value });

/** Two trees of one question each: numbers for three targets, some of which are equal. */
const trees: Node = {
  op: "TreeEnsembleRegressor",
  domain: ml,
  inputs: ["x"],
  outputs: ["t"],
  attributes: [
    int("n_targets", 3),
    ints("nodes_treeids", [0, 0, 0, 1, 1, 1]),
    ints("nodes_nodeids", [0, 1, 2, 0, 1, 2]),
    ints("nodes_featureids", [0, 0, 0, 2, 0, 0]),
    ints("nodes_truenodeids", [1, 0, 0, 1, 0, 0]),
    ints("nodes_falsenodeids", [2, 0, 0, 2, 0, 0]),
    strings("nodes_modes", ["BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_LT", "LEAF", "LEAF"]),
    floats("nodes_values", [0.5, 0, 0, -0.25, 0, 0]),
    ints("target_treeids", [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]),
    ints("target_nodeids", [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2]),
    ints("target_ids", [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]),
    floats("target_weights", [1, 2, 3, -1, -1, 4, 0.5, -0.5, 2, 0, 1, -4]),
  ],
};
const node = (
  op: string,
  inputs: readonly string[],
  attributes: readonly Attribute[] = [],
  outputs: readonly string[] = ["y"],
): Node => ({ op, inputs, outputs, attributes });
const mlNode = (...parts: Parameters<typeof node>): Node => ({ ...node(...parts), domain: ml });

type Case = {
  readonly nodes: readonly Node[];
  readonly type?: number;
  readonly shape?: readonly (number | string)[];
  readonly opsets?: Readonly<Record<string, number>>;
};
const initializers = [
  { name: "columns", dims: [2], int64: [2, 0] },
  { name: "first", dims: [1], int64: [0] },
  { name: "last", dims: [1], int64: [-1] },
  { name: "far", dims: [1], int64: [-100] },
  { name: "one", dims: [1], int64: [1] },
  { name: "three", dims: [1], int64: [3] },
  { name: "cube", dims: [3], int64: [-1, 3, 1] },
  { name: "sizes", dims: [2], int64: [1, 2] },
  { name: "half", type: floatType, dims: [], float: [0.5] },
  { name: "row", type: floatType, dims: [1, 3], float: [2, -1, 0.25] },
  { name: "zero", type: floatType, dims: [1], float: [0] },
  { name: "number", dims: [], int64: [-2] },
  { name: "table", dims: [3], int64: [70, 80, 90] },
  { name: "texts", type: stringType, dims: [3], text: ["a", "b", "c"] },
];

const isLess = node("Less", ["t", "zero"], [], ["flags"]);
const best = node("ArgMax", ["t"], [int("axis", 1), int("keepdims", 0)], ["best"]);
const cases: Readonly<Record<string, Case>> = {
  "Identity and Neg": { nodes: [node("Identity", ["t"], [], ["i"]), node("Neg", ["i"])] },
  "Add of a row": { nodes: [node("Add", ["t", "row"])] },
  "Sub from a number": { nodes: [node("Sub", ["half", "t"])] },
  "Mul of rows": { nodes: [node("Mul", ["t", "t"])] },
  "Div by zero": { nodes: [node("Div", ["t", "zero"])] },
  "Sum of three": { nodes: [node("Sum", ["t", "row", "t"])] },
  "Max and Min": { nodes: [node("Max", ["t", "row"], [], ["m"]), node("Min", ["m", "half"])] },
  "Abs, Sqrt and Reciprocal": {
    nodes: [node("Abs", ["t"], [], ["a"]), node("Sqrt", ["a"], [], ["s"]), node("Reciprocal", ["s"])],
  },
  Exp: { nodes: [node("Exp", ["t"])] },
  Log: { nodes: [node("Abs", ["t"], [], ["a"]), node("Log", ["a"])] },
  Sigmoid: { nodes: [node("Sigmoid", ["t"])] },
  Sign: { nodes: [node("Sign", ["t"])] },
  Softmax: { nodes: [node("Softmax", ["t"])] },
  "Softmax of version 11": { nodes: [node("Softmax", ["t"], [int("axis", 1)])], opsets: { "": 11, [ml]: 1 } },
  Clip: { nodes: [node("Clip", ["t", "zero0", "half"])] },
  "Clip with one limit, of infinities": {
    nodes: [
      node("Div", ["t", "zero"], [], ["d"]),
      node("Clip", ["d", "half"], [], ["c"]),
      node("Clip", ["d", "", "half"], [], ["e"]),
      node("Add", ["c", "e"]),
    ],
  },
  "Clip of version 6": {
    nodes: [
      node(
        "Clip",
        ["t"],
        [
          { name: "min", float: -1 },
          { name: "max", float: 2.5 },
        ],
      ),
    ],
    opsets: { "": 9, [ml]: 1 },
  },
  "Less, Not and Cast": {
    nodes: [isLess, node("Not", ["flags"], [], ["n"]), node("Cast", ["n"], [int("to", floatType)])],
  },
  "comparisons as flags": { nodes: [node("GreaterOrEqual", ["t", "row"])], type: boolType },
  LessOrEqual: { nodes: [node("LessOrEqual", ["t", "row"])], type: boolType },
  Greater: { nodes: [node("Greater", ["t", "half"])], type: boolType },
  Equal: { nodes: [node("Equal", ["t", "row"])], type: boolType },
  Where: { nodes: [isLess, node("Where", ["flags", "row", "t"])] },
  "Cast of flags to integers and arithmetic": {
    nodes: [
      isLess,
      node("Cast", ["flags"], [int("to", int64Type)], ["c"]),
      node("Mul", ["c", "number"], [], ["m"]),
      node("Add", ["m", "one"], [], ["p"]),
      node("Max", ["p", "number"]),
    ],
    type: int64Type,
  },
  "Cast to text": {
    nodes: [best, node("Cast", ["best"], [int("to", stringType)])],
    type: stringType,
    shape: ["rows"],
  },
  "Cast of floats to integers": { nodes: [node("Cast", ["t"], [int("to", int64Type)])], type: int64Type },
  "OneHotEncoder of floats as integers": {
    nodes: [
      node("Cast", ["t"], [int("to", int64Type)], ["c"]),
      mlNode("OneHotEncoder", ["c"], [ints("cats_int64s", [0, 1, 3, -1])]),
    ],
    shape: ["rows", 3, 4],
  },
  "Cast to double": { nodes: [node("Cast", ["t"], [int("to", doubleType)])], type: doubleType },
  ArgMax: { nodes: [node("ArgMax", ["t"], [int("axis", 1)])], type: int64Type, shape: ["rows", 1] },
  "ArgMin without the dimension": {
    nodes: [node("ArgMin", ["t"], [int("axis", -1), int("keepdims", 0)])],
    type: int64Type,
    shape: ["rows"],
  },
  "ReduceSum of two columns": {
    nodes: [node("Gather", ["t", "columns"], [int("axis", 1)], ["g"]), node("ReduceSum", ["g", "one"])],
    shape: ["rows", 1],
  },
  "ReduceMean of three": {
    nodes: [node("ReduceMean", ["t"], [ints("axes", [1]), int("keepdims", 0)])],
    shape: ["rows"],
  },
  ReduceMax: { nodes: [node("ReduceMax", ["t"], [ints("axes", [1])])], shape: ["rows", 1] },
  ReduceMin: { nodes: [node("ReduceMin", ["t"], [ints("axes", [-1])])], shape: ["rows", 1] },
  Concat: { nodes: [node("Concat", ["t", "x", "t"], [int("axis", -1)])], shape: ["rows", 9] },
  "Gather backwards": {
    nodes: [node("Gather", ["t", "last"], [int("axis", 1)])],
    shape: ["rows", 1],
  },
  "Slice backwards": { nodes: [node("Slice", ["t", "last", "far", "one", "last"])] },
  "Slice of version 1": {
    nodes: [node("Slice", ["t"], [ints("axes", [1]), ints("starts", [1]), ints("ends", [9])])],
    shape: ["rows", 2],
    opsets: { "": 9, [ml]: 1 },
  },
  Split: {
    nodes: [node("Split", ["t", "sizes"], [int("axis", 1)], ["s", "y"])],
    shape: ["rows", 2],
  },
  "Transpose and back": {
    nodes: [node("Transpose", ["t"], [ints("perm", [1, 0])], ["s"]), node("Transpose", ["s"])],
  },
  "Transpose alone": { nodes: [node("Transpose", ["t"])], shape: [3, "rows"] },
  "Reshape to three dimensions, summed along the last": {
    nodes: [
      node("Reshape", ["t", "cube"], [], ["c"]),
      node("Concat", ["c", "c"], [int("axis", 2)], ["d"]),
      node("Transpose", ["d"], [ints("perm", [1, 2, 0])]),
    ],
    shape: [3, 2, "rows"],
  },
  Flatten: {
    nodes: [node("Reshape", ["t", "cube"], [], ["c"]), node("Flatten", ["c"], [int("axis", 1)])],
  },
  "Unsqueeze and Squeeze": {
    nodes: [node("Unsqueeze", ["t", "first"], [], ["u"]), node("Squeeze", ["u", "first"])],
  },
  "ArrayFeatureExtractor of columns": {
    nodes: [mlNode("ArrayFeatureExtractor", ["t", "columns"])],
    shape: ["rows", 2],
  },
  "ArrayFeatureExtractor of labels": {
    nodes: [best, mlNode("ArrayFeatureExtractor", ["texts", "best"])],
    type: stringType,
    shape: [1, "rows"],
  },
  "ArrayFeatureExtractor of integers": {
    nodes: [
      best,
      mlNode("ArrayFeatureExtractor", ["table", "best"], [], ["a"]),
      node("Reshape", ["a", "last"]),
    ],
    type: int64Type,
    shape: ["rows"],
  },
  "LabelEncoder from integers to texts": {
    nodes: [
      best,
      mlNode(
        "LabelEncoder",
        ["best"],
        [
          ints("keys_int64s", [2, 0, 2]),
          strings("values_strings", ["two", "none", "again"]),
          { name: "default_string", string: "other" },
        ],
      ),
    ],
    type: stringType,
    shape: ["rows"],
  },
  "LabelEncoder from floats to floats": {
    nodes: [
      mlNode("LabelEncoder", ["t"], [floats("keys_floats", [1.5, 0, 3]), floats("values_floats", [7, 8, 9])]),
    ],
  },
  "LabelEncoder from floats to integers": {
    nodes: [
      mlNode(
        "LabelEncoder",
        ["t"],
        [floats("keys_floats", [1.5, 5, 0]), ints("values_int64s", [1, 2, 3]), int("default_int64", -7)],
      ),
    ],
    type: int64Type,
  },
  "LabelEncoder of version 4, with tensors": {
    nodes: [
      best,
      mlNode(
        "LabelEncoder",
        ["best"],
        [
          { name: "keys_tensor", tensor: { dims: [2], int64: [1, 2] } },
          { name: "values_tensor", tensor: { type: floatType, dims: [2], float: [0.5, 1.5] } },
          { name: "default_tensor", tensor: { type: floatType, dims: [1], float: [-3] } },
        ],
      ),
    ],
    shape: ["rows"],
    opsets: { "": 17, [ml]: 4 },
  },
  Scaler: {
    nodes: [mlNode("Scaler", ["t"], [floats("offset", [0.1, 0.2, 0.3]), floats("scale", [3, 0.7, 1e-3])])],
  },
  "Scaler of integers with one number": {
    nodes: [
      node("ArgMax", ["t"], [int("axis", 1)], ["b"]),
      mlNode("Scaler", ["b"], [floats("offset", [0.3]), floats("scale", [0.7])]),
    ],
    shape: ["rows", 1],
  },
  "Imputer of NaN": {
    nodes: [
      mlNode(
        "Imputer",
        ["x"],
        [floats("imputed_value_floats", [9]), { name: "replaced_value_float", float: Number.NaN }],
        ["i"],
      ),
      node("Add", ["i", "t"]),
    ],
  },
  "Imputer of a number": {
    nodes: [
      mlNode(
        "Imputer",
        ["t"],
        [floats("imputed_value_floats", [4, 5, 6]), { name: "replaced_value_float", float: 1.5 }],
      ),
    ],
  },
  "Normalizer L1": { nodes: [mlNode("Normalizer", ["t"], [{ name: "norm", string: "L1" }])] },
  FeatureVectorizer: {
    nodes: [mlNode("FeatureVectorizer", ["t", "x"], [ints("inputdimensions", [3, 3])])],
    shape: ["rows", 6],
  },
  "OneHotEncoder of floats": {
    nodes: [mlNode("OneHotEncoder", ["t"], [ints("cats_int64s", [-1, 0, 2]), int("zeros", 1)])],
    shape: ["rows", 3, 3],
  },
};

test.each(Object.entries(cases))("%s gives onnxruntime's numbers behind trees", async (_name, given) => {
  const { nodes, type = floatType, shape = ["rows", 3], opsets = { "": 17, [ml]: 3 } } = given;
  const onnx = writeOnnx({
    graph: {
      nodes: [trees, ...nodes],
      initializers: [...initializers, { name: "zero0", type: floatType, dims: [], float: [0] }],
      inputs: [{ name: "x", type: floatType, shape: ["rows", 3] }],
      outputs: [{ name: "y", type, shape }],
    },
    opsets,
  });
  const compiled = compileGraph(onnx, { columnsPerTree: Number.POSITIVE_INFINITY });
  if (compiled.status === "not-compiled") throw new Error(compiled.why);
  const run = runGraph(JSON.parse(JSON.stringify(compiled.graph)), compiled.ensembles.map(runPlainly));
  const session = await InferenceSession.create(onnx, { logSeverityLevel: 4 });
  const random = createSeededRandom(3);
  for (const rows of [1, 29, 600]) {
    const data = Float32Array.from({ length: rows * 3 }, () =>
      random() < 0.1 ? Number.NaN : random() * 2 - 1,
    );
    const feed = { type: "float32", data, dims: [rows, 3] };
    const expected = await session.run({ x: new Tensor("float32", data, feed.dims) });
    expect(findDifferences(["y"], run({ x: feed }, ["y"]), expected)).toEqual([]);
  }
  await session.release();
});
