import { supportedVersions } from "#inference/model/supported-versions.ts";
import { findVersionMismatch } from "#model-folder/onnx/compare-versions.ts";
import type { GraphValue } from "#model-folder/onnx/graph-value.ts";
import { GraphTooLarge, readGraph, type WholeGraph, type WholeNode } from "#model-folder/onnx/read-graph.ts";
import { arithmeticOperators } from "./compile-arithmetic.ts";
import { denseOperators } from "./compile-dense.ts";
import { encoderOperators } from "./compile-encoders.ts";
import { compileClassifier, compileRegressor } from "./compile-node-lists.ts";
import type { CompileOperator, OperatorContext } from "./compile-operator.ts";
import { reductionOperators } from "./compile-reductions.ts";
import { shapeOperators } from "./compile-shapes.ts";
import { compileTreeEnsemble } from "./compile-tree-ensemble.ts";
import { type CompiledGraph, type CompiledOutput, columnTypes, type Step } from "./compiled-graph.ts";
import { dropUnusedSums } from "./drop-unused-sums.ts";
import { createGraphBuilder, type GraphBuilder } from "./graph-builder.ts";
import { NotCompiled } from "./not-compiled.ts";
import { readAttributes } from "./read-attributes.ts";
import { multiply, type RowTensor, toFixed, type Value } from "./row-tensor.ts";
import type { TreeEnsemble } from "./tree-ensemble.ts";

export type CompileResult =
  | {
      readonly status: "compiled";
      readonly graph: CompiledGraph;
      /** The ensembles that the graph's steps name by their number. */
      readonly ensembles: readonly TreeEnsemble[];
    }
  /** `why`: a sentence without a period, which names the operator. */
  | { readonly status: "not-compiled"; readonly why: string };

const trees: Readonly<Record<string, CompileOperator>> = {
  "ai.onnx.ml TreeEnsembleClassifier": compileClassifier,
  "ai.onnx.ml TreeEnsembleRegressor": compileRegressor,
  "ai.onnx.ml TreeEnsemble": compileTreeEnsemble,
};
const treeOperators: ReadonlySet<string> = new Set(Object.keys(trees));
/** One of them makes a graph a model that is worth to compile. */
const modelOperators: ReadonlySet<string> = new Set([
  ...Object.keys(trees),
  ...["MatMul", "Gemm", "ai.onnx.ml LinearClassifier", "ai.onnx.ml LinearRegressor"],
]);
const operators: ReadonlyMap<string, CompileOperator> = new Map(
  Object.entries({
    ...shapeOperators,
    ...encoderOperators,
    ...arithmeticOperators,
    ...reductionOperators,
    ...denseOperators,
    ...trees,
  }),
);

/** A new version of an operator set may change what an operator means. */
const newestVersions: ReadonlyMap<string, number> = new Map([
  ["", 25],
  ["ai.onnx.ml", 5],
]);
const oldestVersions: ReadonlyMap<string, number> = new Map([
  ["", 7],
  ["ai.onnx.ml", 1],
]);
const maxInputWidth = 100_000;

type CompileLimits = {
  /** Columns that are computed, for each tree. */
  readonly columnsPerTree: number;
  /** Of sums: their products for a row, and the columns that are computed around them. */
  readonly products: number;
  readonly columnsAroundSums: number;
};
/**
 * A tree takes onnxruntime about 45 ns a row longer than the kernel, a computed column takes us about 6 ns (10,000 rows): with
 * more columns a large request would be slower than in onnxruntime. Sums win for few rows, where a call of onnxruntime costs
 * more than they do, up to some 100 rows of so many products (docs/decisions/59).
 */
const defaultCompileLimits: CompileLimits = { columnsPerTree: 6, products: 200, columnsAroundSums: 60 };

/** Refuses graphs that compute much around few trees, and large sums. */
const assertWorthIt = (
  steps: readonly Step[],
  ensembles: GraphBuilder["ensembles"],
  limits: CompileLimits,
): void => {
  const columns = steps.filter(({ step }) => computedColumns.has(step)).length;
  const count = ensembles.reduce((sum, { trees: { length } }) => sum + length, 0);
  const products = steps.reduce((sum, step) => sum + (step.step === "dense" ? step.weights.length : 0), 0);
  if (products > limits.products)
    throw new NotCompiled(
      `the graph sums ${products} products for each row (limit ${limits.products}): onnxruntime is faster for many rows`,
    );
  const around = products > 0 ? limits.columnsAroundSums : 0;
  if (columns > limits.columnsPerTree * count + around)
    throw new NotCompiled(
      products > 0
        ? `the graph computes ${columns} columns around its sums (limit ${around})`
        : `the graph computes ${columns} columns around ${count} trees (limit ${limits.columnsPerTree} for each tree)`,
    );
};
const computedColumns: ReadonlySet<Step["step"]> = new Set([
  "convert",
  "arithmetic",
  "compare",
  "function",
  "choose",
  "map",
  "look-up",
  "extreme",
]);

const toKey = ({ domain, operator }: WholeNode): string =>
  domain === "" ? operator : `${domain} ${operator}`;

const readVersion = ({ domain, operator }: WholeNode, { opsets }: WholeGraph): number => {
  const version = opsets.get(domain);
  if (version === undefined) throw new NotCompiled(`${operator} is of an operator set without a version`);
  if (version > (newestVersions.get(domain) ?? 0) || version < (oldestVersions.get(domain) ?? 0))
    throw new NotCompiled(`${operator} is of version ${version} of its operator set`);
  return version;
};

/** The columns of an input: [rows] or [rows, …] with known sizes. */
const openInput = (value: GraphValue, index: number, builder: GraphBuilder): RowTensor => {
  const refuse = (what: string): never => {
    throw new NotCompiled(`the input ${value.name} ${what}`);
  };
  if (value.kind !== "tensor") return refuse("is no tensor");
  const type = columnTypes.find((each) => each === value.type);
  if (type === undefined) return refuse(`has the type ${value.type}`);
  const { shape } = value;
  if (shape === null || shape.length === 0) return refuse("has no known dimensions");
  const [rows, ...sizes] = shape;
  if (typeof rows === "number" && rows > 0) return refuse(`has a fixed number of rows (${rows})`);
  const widths = sizes.map((size) =>
    typeof size === "number" && size > 0 ? size : refuse("has an open dimension beside its rows"),
  );
  const width = multiply(widths);
  if (width > maxInputWidth) return refuse(`has more than ${maxInputWidth} elements a row`);
  return {
    kind: "rows",
    type,
    dims: ["rows", ...widths],
    columns: Array.from({ length: width }, (_, element) =>
      builder.add({ step: "input", type, input: index, element }),
    ),
  };
};

const createContext = (
  node: WholeNode,
  version: number,
  builder: GraphBuilder,
  values: ReadonlyMap<string, Value>,
): OperatorContext => {
  const { operator, inputs } = node;
  const found = inputs.map((name) => {
    if (name === "") return undefined;
    const value = values.get(name);
    if (value === undefined)
      throw new NotCompiled(`${operator} takes ${name}, which nothing before it makes`);
    return value;
  });
  return {
    builder,
    version,
    values: found,
    rows: (index) => {
      const value = found[index];
      if (value?.kind !== "rows") throw new NotCompiled(`${operator} takes a constant in place of rows`);
      return value;
    },
    fixed: (index) => {
      const value = found[index];
      if (value?.kind === "rows") throw new NotCompiled(`${operator} takes rows in place of a constant`);
      return value;
    },
  };
};

const readConstant = (node: WholeNode): Value => {
  const attributes = readAttributes(node);
  const tensor = attributes.tensor("value");
  if (tensor !== undefined) return toFixed(tensor);
  const float = attributes.float("value_float");
  if (float !== undefined)
    return { kind: "fixed", dims: [], data: { type: "float32", values: Float32Array.of(float) } };
  const int = attributes.int("value_int");
  if (int !== undefined)
    return { kind: "fixed", dims: [], data: { type: "int64", values: BigInt64Array.of(BigInt(int)) } };
  const floats = attributes.floats("value_floats");
  if (floats !== undefined)
    return { kind: "fixed", dims: [floats.length], data: { type: "float32", values: floats } };
  const ints = attributes.ints("value_ints");
  if (ints !== undefined)
    return {
      kind: "fixed",
      dims: [ints.length],
      data: { type: "int64", values: BigInt64Array.from(ints, BigInt) },
    };
  throw new NotCompiled("Constant holds a value that is not compiled");
};

/** The nodes that the outputs need, in the file's order. */
const listNeededNodes = ({ nodes, outputs }: WholeGraph): readonly WholeNode[] => {
  const makers = new Map<string, WholeNode>();
  for (const node of nodes)
    for (const name of node.outputs) {
      if (name !== "" && makers.has(name)) throw new NotCompiled(`two nodes make ${name}`);
      makers.set(name, node);
    }
  const needed = new Set<WholeNode>();
  const waiting = outputs.map(({ name }) => name);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const node = makers.get(name);
    if (node === undefined || needed.has(node)) continue;
    needed.add(node);
    for (const input of node.inputs) waiting.push(input);
  }
  return nodes.filter((node) => needed.has(node));
};

const findOperator = (node: WholeNode): CompileOperator => {
  const found = operators.get(toKey(node));
  if (found !== undefined) return found;
  const { operator, domain } = node;
  throw new NotCompiled(`the operator ${operator}${domain === "" ? "" : ` of ${domain}`} is not compiled`);
};

const compileNodes = (graph: WholeGraph, builder: GraphBuilder): ReadonlyMap<string, Value> => {
  const values = new Map<string, Value>();
  const needed = listNeededNodes(graph);
  // Before the tensors are read, which can be large.
  for (const node of needed) if (toKey(node) !== "Constant") findOperator(node);
  const taken = new Set(needed.flatMap(({ inputs }) => inputs));
  for (const [name, tensor] of graph.tensors) if (taken.has(name)) values.set(name, toFixed(tensor));
  for (const [index, input] of graph.inputs.entries())
    values.set(input.name, openInput(input, index, builder));
  const define = (name: string, value: Value): void => {
    if (name === "") return;
    if (values.has(name)) throw new NotCompiled(`a node makes ${name}, which is an input or stored tensor`);
    values.set(name, value);
  };
  for (const node of needed) {
    if (toKey(node) === "Constant") {
      define(node.outputs[0] ?? "", readConstant(node));
      continue;
    }
    const compile = findOperator(node);
    const results = compile(node, createContext(node, readVersion(node, graph), builder, values));
    for (const [index, name] of node.outputs.entries()) {
      const result = results[index];
      if (result === undefined) throw new NotCompiled(`${node.operator} has an output that is not compiled`);
      define(name, result);
    }
  }
  return values;
};

const toOutput = (output: GraphValue, values: ReadonlyMap<string, Value>): CompiledOutput => {
  const value = values.get(output.name);
  if (value?.kind !== "rows") throw new NotCompiled(`the output ${output.name} does not depend on the rows`);
  if (output.kind !== "tensor" || output.type !== value.type)
    throw new NotCompiled(`the output ${output.name} is declared with another type than it has`);
  const { type, dims, columns } = value;
  return { type, dims, columns };
};

/** An open dimension has a name or none; onnxruntime shows an empty name as none. */
const toSessionValue = (value: GraphValue): GraphValue =>
  value.kind === "tensor" && value.shape?.length === 0 ? { ...value, shape: null } : value;

/** onnxruntime infers the shape of an output behind sums, and takes the file's word for the name of the rows alone. */
const addShape = (
  value: GraphValue,
  result: CompiledOutput | undefined,
  { inputs, nodes }: WholeGraph,
): GraphValue => {
  if (value.kind !== "tensor" || result === undefined) return value;
  if (nodes.some((node) => treeOperators.has(toKey(node)))) return value;
  // It infers nothing behind this operator.
  if (value.shape !== null && nodes.some(({ operator }) => operator === "ArrayFeatureExtractor"))
    return value;
  const [input] = inputs;
  const declared =
    value.shape?.length === result.dims.length ? value.shape[result.dims.indexOf("rows")] : null;
  const name = declared ?? (input?.kind === "tensor" ? (input.shape?.[0] ?? null) : null);
  return { ...value, shape: result.dims.map((size) => (size === "rows" ? name : size)) };
};

const compile = (onnx: Uint8Array, limits: CompileLimits): CompileResult => {
  const graph = readGraph(onnx);
  if (!graph.nodes.some((node) => modelOperators.has(toKey(node))))
    throw new NotCompiled("the graph has no trees and no sums of products");
  if (graph.hasFunctions) throw new NotCompiled("the model defines functions of its own");
  // Nothing could be compared with what onnxruntime does not read.
  const newer = findVersionMismatch(graph, supportedVersions);
  if (newer !== undefined) throw new NotCompiled(newer.message);
  const builder = createGraphBuilder();
  const values = compileNodes(graph, builder);
  const { steps, results } = dropUnusedSums({
    steps: builder.steps,
    results: graph.outputs.map((output) => toOutput(output, values)),
  });
  if (builder.ensembles.length === 0 && !steps.some(({ step }) => step === "dense"))
    throw new NotCompiled("no output of the graph depends on trees or sums of products");
  assertWorthIt(steps, builder.ensembles, limits);
  return {
    status: "compiled",
    graph: {
      inputs: graph.inputs.map(toSessionValue),
      outputs: graph.outputs.map((output, index) => addShape(toSessionValue(output), results[index], graph)),
      steps,
      results,
    },
    ensembles: builder.ensembles,
  };
};

/**
 * Compiles a graph of tree ensembles, linear models and small networks to steps over columns. Whether it does follows from the graph's operators, shapes and
 * sizes alone, so equal files give equal results on every machine. Throws ModelUnreadable for a file that is no ONNX model.
 */
export const compileGraph = (onnx: Uint8Array, limits: Partial<CompileLimits> = {}): CompileResult => {
  try {
    return compile(onnx, { ...defaultCompileLimits, ...limits });
  } catch (error) {
    if (error instanceof NotCompiled || error instanceof GraphTooLarge)
      return { status: "not-compiled", why: error.message };
    throw error;
  }
};
