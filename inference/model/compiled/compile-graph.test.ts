import { expect, test } from "vitest";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import {
  type Attribute,
  floatType,
  int64Type,
  type Model,
  type Node,
  stringType,
  type Value,
  writeOnnx,
} from "#test/support/onnx/write-onnx.ts";
import { compileGraph } from "./compile-graph.ts";

const ml = "ai.onnx.ml";
const ints = (name: string, list: readonly number[]): Attribute => ({ name, ints: list });
const floats = (name: string, list: readonly number[]): Attribute => ({ name, floats: list });
const modes = (...list: readonly string[]): Attribute => ({ name: "nodes_modes", strings: list });

/** One tree of one question and two leaves. */
const lists = (prefix: "target" | "class"): readonly Attribute[] => [
  ints("nodes_treeids", [0, 0, 0]),
  ints("nodes_nodeids", [0, 1, 2]),
  ints("nodes_featureids", [0, 0, 0]),
  ints("nodes_truenodeids", [1, 0, 0]),
  ints("nodes_falsenodeids", [2, 0, 0]),
  modes("BRANCH_LEQ", "LEAF", "LEAF"),
  floats("nodes_values", [0.5, 0, 0]),
  ints(`${prefix}_treeids`, [0, 0]),
  ints(`${prefix}_nodeids`, [1, 2]),
  ints(`${prefix}_ids`, [0, 0]),
  floats(`${prefix}_weights`, [1, -1]),
];
const replace = (list: readonly Attribute[], changes: readonly Attribute[]): readonly Attribute[] => [
  ...list.filter(({ name }) => changes.every((change) => change.name !== name)),
  ...changes,
];
const regressor = (...changes: readonly Attribute[]): Node => ({
  op: "TreeEnsembleRegressor",
  domain: ml,
  inputs: ["x"],
  outputs: ["t"],
  attributes: replace([{ name: "n_targets", int: 1 }, ...lists("target")], changes),
});
const classifier = (...changes: readonly Attribute[]): Node => ({
  op: "TreeEnsembleClassifier",
  domain: ml,
  inputs: ["x"],
  outputs: ["label", "t"],
  attributes: replace([ints("classlabels_int64s", [0, 1]), ...lists("class")], changes),
});
const versionFive = (...changes: readonly Attribute[]): Node => ({
  op: "TreeEnsemble",
  domain: ml,
  inputs: ["x"],
  outputs: ["t"],
  attributes: replace(
    [
      { name: "n_targets", int: 1 },
      ints("tree_roots", [0]),
      ints("nodes_featureids", [0]),
      ints("nodes_truenodeids", [0]),
      ints("nodes_falsenodeids", [1]),
      ints("nodes_trueleafs", [1]),
      ints("nodes_falseleafs", [1]),
      { name: "nodes_modes", tensor: { type: 2, dims: [1], int32: [6] } },
      { name: "nodes_splits", tensor: { type: floatType, dims: [1], float: [0] } },
      { name: "membership_values", tensor: { type: floatType, dims: [3], float: [1, 2, Number.NaN] } },
      ints("leaf_targetids", [0, 0]),
      { name: "leaf_weights", tensor: { type: floatType, dims: [2], float: [1, 2] } },
    ],
    changes,
  ),
});

const input: Value = { name: "x", type: floatType, shape: ["rows", 2] };
const output: Value = { name: "t", type: floatType, shape: ["rows", 1] };
type Graph = Model["graph"];
const write = (nodes: readonly Node[], graph: Graph = {}, more: Partial<Model> = {}): Uint8Array =>
  writeOnnx({
    graph: { nodes, inputs: [input], outputs: [output], ...graph },
    opsets: { "": 17, [ml]: 3 },
    ...more,
  });
const pair: Graph = { outputs: [{ name: "t", type: floatType, shape: ["rows", 2] }] };
const five: Partial<Model> = { opsets: { "": 17, [ml]: 5 } };
const behind = (op: string, more: Partial<Node> = {}): readonly Node[] => [
  regressor(),
  { op, inputs: ["t"], outputs: ["y"], ...more },
];
const named = (name: string, type = floatType, shape: readonly (number | string)[] = ["rows", 1]): Graph => ({
  outputs: [{ name, type, shape }],
});

test("the smallest graph of each kind is compiled", () => {
  expect(compileGraph(write([regressor()])).status).toBe("compiled");
  expect(compileGraph(write([classifier()], pair)).status).toBe("compiled");
  expect(compileGraph(write([versionFive()], {}, five)).status).toBe("compiled");
});

test("a compiled graph is JSON that reads back as it was", () => {
  const compiled = compileGraph(
    write([regressor(floats("base_values", [-0])), ...behind("Neg").slice(1)], named("y")),
  );
  if (compiled.status === "not-compiled") throw new Error(compiled.why);
  expect(JSON.parse(JSON.stringify(compiled.graph))).toEqual(compiled.graph);
});

test("what may be missing is marked where it becomes an integer", () => {
  const toInteger: Node = {
    op: "Cast",
    inputs: ["s"],
    outputs: ["y"],
    attributes: [{ name: "to", int: int64Type }],
  };
  const compile = (source: string, width: number) =>
    compileGraph(
      write([regressor(), { op: "Sign", inputs: [source], outputs: ["s"] }, toInteger], {
        outputs: [output, { name: "y", type: int64Type, shape: ["rows", width] }],
      }),
    );
  const findMarks = (result: ReturnType<typeof compileGraph>) => {
    if (result.status === "not-compiled") throw new Error(result.why);
    return result.graph.steps.flatMap((step) => (step.step === "convert" ? [step.mayOverflow ?? false] : []));
  };
  expect(findMarks(compile("t", 1))).toEqual([false]);
  expect(findMarks(compile("x", 2))).toEqual([true, true]);
});

const reasons: Readonly<Record<string, Uint8Array>> = {
  "the graph has no trees and no sums of products": write([
    { op: "Identity", inputs: ["x"], outputs: ["t"] },
  ]),
  "no output of the graph depends on trees or sums of products": write([
    { ...regressor(), outputs: ["unused"] },
    { op: "Identity", inputs: ["x"], outputs: ["t"] },
  ]),
  "the operator TopK is not compiled": write(behind("TopK"), named("y")),
  "the operator CDist of com.microsoft is not compiled": write(
    behind("CDist", { domain: "com.microsoft" }),
    named("y"),
  ),
  "the operator If is not compiled": write(
    behind("If", { attributes: [{ name: "then_branch", graph: {} }] }),
    named("y"),
  ),
  "the operator ZipMap of ai.onnx.ml is not compiled": write(behind("ZipMap", { domain: ml }), {
    outputs: [{ name: "y", sequence: true }],
  }),
  "Neg is of version 26 of its operator set": write(behind("Neg"), named("y"), {
    opsets: { "": 26, [ml]: 3 },
  }),
  "the model has opset 99; ONNX Runtime 1.30 reads up to opset 26": write(
    [regressor()],
    {},
    {
      opsets: { "": 99, [ml]: 3 },
    },
  ),
  "the model has IR version 14; ONNX Runtime 1.30 reads up to IR version 13": write(
    [regressor()],
    {},
    {
      irVersion: 14,
    },
  ),
  "the model defines functions of its own": write(
    [regressor()],
    {},
    {
      functions: [{ domain: "own", name: "f", inputs: [], outputs: [], nodes: [] }],
    },
  ),
  "the input x has a fixed number of rows (4)": write([regressor()], {
    inputs: [{ ...input, shape: [4, 2] }],
  }),
  "the input x has an open dimension beside its rows": write([regressor()], {
    inputs: [{ ...input, shape: ["a", "b"] }],
  }),
  "the input x has the type float16": write([regressor()], { inputs: [{ ...input, type: 10 }] }),
  "TreeEnsembleRegressor takes features that are no matrix of one row each": write([regressor()], {
    inputs: [{ ...input, shape: ["rows", 1, 2] }],
  }),
  "TreeEnsembleRegressor compares features of type float64": write([regressor()], {
    inputs: [{ ...input, type: 11 }],
  }),
  "TreeEnsembleRegressor compares features of type int64": write([regressor()], {
    inputs: [{ ...input, type: int64Type }],
  }),
  "the output t is declared with another type than it has": write([regressor()], {
    outputs: [{ ...output, type: int64Type }],
  }),
  "the output c does not depend on the rows": write([regressor()], {
    initializers: [{ name: "c", dims: [1], int64: [1] }],
    outputs: [output, { name: "c", type: int64Type, shape: [1] }],
  }),
  "TreeEnsembleRegressor takes nowhere, which nothing before it makes": write([
    { ...regressor(), inputs: ["nowhere"] },
  ]),
  "two nodes make t": write([regressor(), regressor()]),
  "TreeEnsembleRegressor has the attribute new_option": write([regressor({ name: "new_option", int: 1 })]),
  "TreeEnsembleRegressor has the attribute n_targets in another type": write([
    regressor(floats("n_targets", [1])),
  ]),
  "TreeEnsembleRegressor computes in float64 (nodes_values_as_tensor)": write([
    regressor({ name: "nodes_values_as_tensor", tensor: { type: 11, dims: [3], double: [0.5, 0, 0] } }),
  ]),
  "ReduceMax compares numbers that may be missing": write(
    [regressor(), { op: "ReduceMax", inputs: ["x"], outputs: ["y"], attributes: [ints("axes", [1])] }],
    { outputs: [output, { name: "y", type: floatType, shape: ["rows", 1] }] },
  ),
  "Clip has NaN as a limit": write(behind("Clip", { inputs: ["t", "nan"] }), {
    ...named("y"),
    initializers: [{ name: "nan", type: floatType, dims: [], float: [Number.NaN] }],
  }),
  "a tensor has more than 1000000 columns": write(
    [
      regressor(),
      ...Array.from(
        { length: 40 },
        (_, index): Node => ({
          op: "Concat",
          inputs: [index === 0 ? "x" : `c${index}`, index === 0 ? "x" : `c${index}`],
          outputs: [index === 39 ? "y" : `c${index + 1}`],
          attributes: [{ name: "axis", int: 1 }],
        }),
      ),
    ],
    { outputs: [output, { name: "y", type: floatType, shape: ["rows", "columns"] }] },
  ),
  "TreeEnsembleRegressor has 2000 targets": write([regressor({ name: "n_targets", int: 2_000 })]),
  "TreeEnsembleRegressor has no nodes": write([regressor(ints("nodes_nodeids", []))]),
  "TreeEnsembleRegressor lists its nodes with different lengths": write([
    regressor(ints("nodes_featureids", [0])),
  ]),
  "TreeEnsembleRegressor lists its weights with different lengths": write([
    regressor(floats("target_weights", [1])),
  ]),
  "TreeEnsembleRegressor lists a tree in two parts": write([regressor(ints("nodes_treeids", [0, 1, 0]))]),
  "TreeEnsembleRegressor lists a node twice": write([regressor(ints("nodes_nodeids", [0, 1, 1]))]),
  "TreeEnsembleRegressor leads to a node that its tree does not have": write([
    regressor(ints("nodes_truenodeids", [9, 0, 0])),
  ]),
  "TreeEnsembleRegressor asks for feature 2 of 2": write([regressor(ints("nodes_featureids", [2, 0, 0]))]),
  "TreeEnsembleRegressor asks for feature -1 of 2": write([regressor(ints("nodes_featureids", [-1, 0, 0]))]),
  "TreeEnsembleRegressor compares with NaN": write([regressor(floats("nodes_values", [Number.NaN, 0, 0]))]),
  "TreeEnsembleRegressor has a node of the mode BRANCH_NEAR": write([
    regressor(modes("BRANCH_NEAR", "LEAF", "LEAF")),
  ]),
  "TreeEnsembleRegressor leads to more nodes than it lists, or to more than 8000000": write([
    regressor(ints("nodes_truenodeids", [0, 0, 0])),
  ]),
  "TreeEnsembleRegressor weighs target 1 of 1": write([regressor(ints("target_ids", [0, 1]))]),
  "TreeEnsembleRegressor has a leaf without a weight": write([
    regressor(
      ints("target_treeids", [0]),
      ints("target_nodeids", [1]),
      ints("target_ids", [0]),
      floats("target_weights", [1]),
    ),
  ]),
  "TreeEnsembleRegressor has a leaf that no path leads to": write([
    regressor(
      ints("nodes_treeids", [0, 0, 0, 0]),
      ints("nodes_nodeids", [0, 1, 2, 3]),
      ints("nodes_featureids", [0, 0, 0, 0]),
      ints("nodes_truenodeids", [1, 0, 0, 0]),
      ints("nodes_falsenodeids", [2, 0, 0, 0]),
      modes("BRANCH_LEQ", "LEAF", "LEAF", "LEAF"),
      floats("nodes_values", [0.5, 0, 0, 0]),
      ints("target_treeids", [0, 0, 0]),
      ints("target_nodeids", [1, 2, 3]),
      ints("target_ids", [0, 0, 0]),
      floats("target_weights", [1, 2, 3]),
    ),
  ]),
  "TreeEnsembleRegressor compares a feature with several values in a row, to leaves of several targets":
    write([
      regressor(
        // x = 1 → (5, 1), x = 2 → (5, 2), else (7, 3): onnxruntime gives (5, 1) for 2.
        { name: "n_targets", int: 2 },
        ints("nodes_treeids", [0, 0, 0, 0, 0]),
        ints("nodes_nodeids", [0, 1, 2, 3, 4]),
        ints("nodes_featureids", [0, 0, 0, 0, 0]),
        ints("nodes_truenodeids", [1, 0, 3, 0, 0]),
        ints("nodes_falsenodeids", [2, 0, 4, 0, 0]),
        modes("BRANCH_EQ", "LEAF", "BRANCH_EQ", "LEAF", "LEAF"),
        floats("nodes_values", [1, 0, 2, 0, 0]),
        ints("target_treeids", [0, 0, 0, 0, 0, 0]),
        ints("target_nodeids", [1, 1, 3, 3, 4, 4]),
        ints("target_ids", [0, 1, 0, 1, 0, 1]),
        floats("target_weights", [5, 1, 5, 2, 7, 3]),
      ),
    ]),
  "TreeEnsembleRegressor has a weight on a node that is no leaf": write([
    regressor(ints("target_nodeids", [0, 2])),
  ]),
  "TreeEnsembleRegressor has two weights for one target on one leaf": write([
    regressor(ints("target_nodeids", [1, 1])),
  ]),
  "TreeEnsembleRegressor has a weight that is no finite number": write([
    regressor(floats("target_weights", [Number.POSITIVE_INFINITY, 1])),
  ]),
  "TreeEnsembleRegressor has a base value that is no finite number": write([
    regressor(floats("base_values", [Number.NaN])),
  ]),
  "TreeEnsembleRegressor has 2 base values for 1 targets": write([regressor(floats("base_values", [1, 2]))]),
  "TreeEnsembleRegressor has the aggregate MEDIAN": write([
    regressor({ name: "aggregate_function", string: "MEDIAN" }),
  ]),
  "TreeEnsembleRegressor has the transform PROBIT": write([
    regressor({ name: "post_transform", string: "PROBIT" }),
  ]),
  "TreeEnsembleRegressor has rows that no tree gives a weight for a target with a base value": write([
    regressor({ name: "n_targets", int: 2 }, ints("target_ids", [0, 1]), floats("base_values", [0, 5])),
  ]),
  "TreeEnsembleClassifier has 1 classes": write([classifier(ints("classlabels_int64s", [0]))]),
  "TreeEnsembleClassifier has no weights": write(
    [
      classifier(
        ints("class_treeids", []),
        ints("class_nodeids", []),
        ints("class_ids", []),
        floats("class_weights", []),
      ),
    ],
    pair,
  ),
  "TreeEnsembleClassifier has rows that no tree gives a weight for class 0": write([
    classifier(ints("class_ids", [0, 1])),
  ]),
  "TreeEnsembleClassifier labels two classes with other integers than 0 and 1": write([
    classifier(ints("classlabels_int64s", [3, 4]), ints("class_ids", [0, 1])),
  ]),
  "TreeEnsembleClassifier has 3 base values for 2 classes": write([
    classifier(floats("base_values", [1, 2, 3])),
  ]),
  "TreeEnsemble has the transform 2": write(
    [versionFive({ name: "n_targets", int: 2 }, { name: "post_transform", int: 2 })],
    {},
    five,
  ),
  "TreeEnsemble has a set of other values than integers from 0 to 30": write(
    [
      versionFive({
        name: "membership_values",
        tensor: { type: floatType, dims: [2], float: [31, Number.NaN] },
      }),
    ],
    {},
    five,
  ),
  "TreeEnsemble has an empty set": write(
    [versionFive({ name: "membership_values", tensor: { type: floatType, dims: [1], float: [Number.NaN] } })],
    {},
    five,
  ),
  "TreeEnsemble computes in another type (nodes_splits)": write(
    [versionFive({ name: "nodes_splits", tensor: { type: 11, dims: [1], double: [0] } })],
    {},
    five,
  ),
  "TreeEnsemble has a tree of one leaf": write(
    [versionFive(ints("nodes_truenodeids", [1]), ints("nodes_falsenodeids", [1]))],
    {},
    five,
  ),
  "Reshape mixes rows with other dimensions": write(
    [
      regressor({ name: "n_targets", int: 2 }, ints("target_ids", [0, 1])),
      { op: "Reshape", inputs: ["t", "shape"], outputs: ["y"] },
    ],
    { ...named("y"), initializers: [{ name: "shape", dims: [1], int64: [-1] }] },
  ),
  "Concat works across the rows": write(
    [
      regressor(),
      { op: "Concat", inputs: ["t", "t"], outputs: ["y"], attributes: [{ name: "axis", int: 0 }] },
    ],
    named("y"),
  ),
  "ReduceSum works across the rows": write(
    [regressor(), { op: "ReduceSum", inputs: ["t", "axes"], outputs: ["y"] }],
    { ...named("y"), initializers: [{ name: "axes", dims: [1], int64: [0] }] },
  ),
  "Add combines rows with each other": write(
    [
      regressor(),
      { op: "Transpose", inputs: ["t"], outputs: ["s"] },
      { op: "Add", inputs: ["t", "s"], outputs: ["y"] },
    ],
    named("y"),
  ),
  "Gather takes rows in place of a constant": write(
    [
      regressor(),
      { op: "ArgMax", inputs: ["t"], outputs: ["a"], attributes: [{ name: "axis", int: 1 }] },
      { op: "Gather", inputs: ["t", "a"], outputs: ["y"], attributes: [{ name: "axis", int: 1 }] },
    ],
    named("y"),
  ),
  "Cast converts float32 to int32": write(
    [
      regressor(floats("target_weights", [0.5, 1])),
      { op: "Cast", inputs: ["t"], outputs: ["y"], attributes: [{ name: "to", int: 6 }] },
    ],
    named("y", 6),
  ),
  "Cast converts float32 to string": write(
    [
      regressor(),
      { op: "Cast", inputs: ["t"], outputs: ["y"], attributes: [{ name: "to", int: stringType }] },
    ],
    named("y", stringType),
  ),
  "ArrayFeatureExtractor looks up an index that may be outside of its table": write(
    [
      classifier(ints("classlabels_int64s", [0, 5])),
      { op: "ArrayFeatureExtractor", domain: ml, inputs: ["table", "label"], outputs: ["y"] },
    ],
    { ...named("y", int64Type, [1, "rows"]), initializers: [{ name: "table", dims: [2], int64: [1, 2] }] },
  ),
  "a comparison decides by numbers that onnxruntime may round in another way, so a label could differ": write(
    [
      regressor(),
      { op: "Sigmoid", inputs: ["t"], outputs: ["s"] },
      { op: "Greater", inputs: ["s", "half"], outputs: ["y"] },
    ],
    { ...named("y", 9), initializers: [{ name: "half", type: floatType, dims: [1], float: [0.5] }] },
  ),
};

test.each(Object.entries(reasons))("not compiled: %s", (why, onnx) => {
  expect(compileGraph(onnx)).toEqual({ status: "not-compiled", why });
});

test("a file that is no ONNX model is an error, never a graph without trees", () => {
  const onnx = write([classifier()], pair);
  expect(() => compileGraph(new TextEncoder().encode("not a model"))).toThrow(ModelUnreadable);
  for (let length = 0; length < onnx.length; length++) {
    const result = () => compileGraph(onnx.subarray(0, length));
    // A cut between two fields of the model leaves a smaller model.
    try {
      expect(result().status).toBe("not-compiled");
    } catch (error) {
      expect(error).toBeInstanceOf(ModelUnreadable);
    }
  }
});
