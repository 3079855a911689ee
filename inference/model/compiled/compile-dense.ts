import type { WholeNode } from "#model-folder/onnx/read-graph.ts";
import { canBeNan } from "./can-be-nan.ts";
import type { CompileOperator, OperatorContext } from "./compile-operator.ts";
import type { ColumnType, Scalar, Step, StepIndex } from "./compiled-graph.ts";
import { findWholeMatrix } from "./find-whole-matrix.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { NotCompiled } from "./not-compiled.ts";
import { readAttributes } from "./read-attributes.ts";
import { type FixedTensor, multiply, pick, type RowTensor } from "./row-tensor.ts";
import { toScalar } from "./scalars.ts";

type Dense = Extract<Step, { step: "dense" }>;

const maxWeights = 100_000;

/** The shortest decimals that round to the same float32: a plan lists all weights. */
const shorten = (value: number): number => Number(value.toPrecision(9));
const toWeight = (value: number, type: Dense["type"]): Scalar => {
  if (!Number.isFinite(value)) throw new NotCompiled("a weight of a sum is not finite");
  return toScalar(type === "float32" && Math.fround(value) === value ? shorten(value) : value);
};

type Layer = {
  readonly operator: string;
  readonly width: number;
  /** The weight of a feature in a sum. */
  readonly weight: (sum: number, feature: number) => number;
  readonly bias: (sum: number) => number;
};

const readFeatures = ({ dims, columns, type }: RowTensor, operator: string): Dense["type"] => {
  if (dims.length !== 2 || dims[0] !== "rows")
    throw new NotCompiled(`${operator} takes a tensor that is no matrix of one row each`);
  if (type !== "float32" && type !== "float64")
    throw new NotCompiled(`${operator} computes with values of type ${type}`);
  if (columns.length === 0) throw new NotCompiled(`${operator} has no columns`);
  return type;
};

/**
 * Refuses a layer of sums that no function limits (Relu, a rotation in front of a linear model): their bounds grow with them,
 * and nearly every row would be left to onnxruntime.
 */
const assertLimited = (
  { getStep, hasBounds }: GraphBuilder,
  columns: readonly StepIndex[],
  operator: string,
): void => {
  const isLimited = (step: Step): boolean =>
    (step.step === "function" && (step.function === "sigmoid" || step.function === "hyperbolic-tangent")) ||
    (step.step === "part" && getStep(step.matrix).step === "transform");
  if (columns.some((column) => hasBounds(column) && !isLimited(getStep(column))))
    throw new NotCompiled(`${operator} takes sums that neither Sigmoid nor Tanh limits`);
};

/** Adds the sums as one matrix. */
const addDense = (
  { builder }: OperatorContext,
  value: RowTensor,
  { operator, width, weight, bias }: Layer,
): { readonly matrix: StepIndex; readonly sums: RowTensor } => {
  const type = readFeatures(value, operator);
  const { columns } = value;
  assertLimited(builder, columns, operator);
  if (width < 1 || width * columns.length > maxWeights)
    throw new NotCompiled(`${operator} has ${width * columns.length} weights (limit ${maxWeights})`);
  const matrix = builder.add({
    step: "dense",
    type,
    width,
    features: columns,
    weights: Array.from({ length: width * columns.length }, (_, index) =>
      toWeight(weight(Math.floor(index / columns.length), index % columns.length), type),
    ),
    bias: Array.from({ length: width }, (_, index) => toWeight(bias(index), type)),
  });
  return {
    matrix,
    sums: { kind: "rows", type, dims: ["rows", width], columns: builder.addParts(matrix, width, type) },
  };
};

/** The numbers of a stored tensor of the rows' type. */
const readNumbers = (
  { data }: FixedTensor,
  type: ColumnType,
  operator: string,
): Float32Array | Float64Array => {
  if (data.type !== type || (data.type !== "float32" && data.type !== "float64"))
    throw new NotCompiled(`${operator} takes numbers of different types`);
  return data.values;
};

const readMatrix = (
  { fixed }: OperatorContext,
  value: RowTensor,
  isTransposed: boolean,
  operator: string,
) => {
  const tensor = fixed(1);
  const isVector = tensor?.dims.length === 1 && !isTransposed;
  if (tensor === undefined || (tensor.dims.length !== 2 && !isVector))
    throw new NotCompiled(`${operator} multiplies with a tensor that is no matrix`);
  const [first = 0, second = 1] = tensor.dims;
  const [depth, width] = isTransposed ? [second, first] : [first, second];
  if (depth !== value.columns.length)
    throw new NotCompiled(`${operator} multiplies matrices of different sizes`);
  const numbers = readNumbers(tensor, value.type, operator);
  return {
    width,
    isVector,
    read: (sum: number, feature: number) =>
      pick(numbers, isTransposed ? sum * depth + feature : feature * width + sum),
  };
};

/** A stored tensor as one number for each sum: it has one number, or one for each. */
const readBias = (
  tensor: FixedTensor | undefined,
  width: number,
  type: ColumnType,
): ((sum: number) => number) | undefined => {
  if (tensor === undefined) return () => 0;
  const { dims, data } = tensor;
  const size = multiply(dims);
  const isRow = dims.slice(0, -1).every((each) => each === 1) && dims.length <= 2;
  if (!isRow || (size !== 1 && size !== width)) return undefined;
  if (data.type !== type || (data.type !== "float32" && data.type !== "float64")) return undefined;
  const { values } = data;
  return (sum) => pick(values, size === 1 ? 0 : sum);
};

const matMul: CompileOperator = (node, context) => {
  const { operator } = node;
  readAttributes(node).assertOnly();
  const value = context.rows(0);
  const { width, read, isVector } = readMatrix(context, value, false, operator);
  const { sums } = addDense(context, value, { operator, width, weight: read, bias: () => 0 });
  return [isVector ? { ...sums, dims: ["rows"] } : sums];
};

const gemm: CompileOperator = (node, context) => {
  const { operator } = node;
  const attributes = readAttributes(node);
  attributes.assertOnly("alpha", "beta", "transA", "transB", "broadcast");
  if ((attributes.int("transA") ?? 0) !== 0) throw new NotCompiled(`${operator} works across the rows`);
  const value = context.rows(0);
  const { width, read, isVector } = readMatrix(
    context,
    value,
    (attributes.int("transB") ?? 0) !== 0,
    operator,
  );
  if (isVector) throw new NotCompiled(`${operator} multiplies with a tensor that is no matrix`);
  const alpha = attributes.float("alpha") ?? 1;
  const beta = attributes.float("beta") ?? 1;
  const bias = readBias(context.fixed(2), width, value.type);
  if (bias === undefined) throw new NotCompiled(`${operator} adds a tensor that is no row`);
  return [
    addDense(context, value, {
      operator,
      width,
      weight: (sum, feature) => alpha * read(sum, feature),
      bias: (sum) => beta * bias(sum),
    }).sums,
  ];
};

/** Adds a stored row to sums that have none: a MatMul and an Add are one layer. Undefined for other operands. */
export const addBias = (
  context: OperatorContext,
  value: RowTensor,
  row: FixedTensor,
): RowTensor | undefined => {
  const { builder } = context;
  const matrix = findWholeMatrix(value.columns, builder.steps);
  const step = matrix === undefined ? undefined : builder.getStep(matrix);
  if (step?.step !== "dense" || step.bias.some((each) => each !== 0)) return undefined;
  const bias = readBias(row, step.width, value.type);
  const isRows = value.dims[0] === "rows" && (value.dims.length === 2 || multiply(row.dims) === 1);
  if (bias === undefined || !isRows || row.dims.length > value.dims.length) return undefined;
  const { type, width } = step;
  const whole = builder.add({
    ...step,
    bias: Array.from({ length: width }, (_, index) => toWeight(bias(index), type)),
  });
  return { ...value, columns: builder.addParts(whole, width, type) };
};

/** 1 for a number above the threshold, else 0. */
const binarizer: CompileOperator = (node, { builder, rows }) => {
  const { operator } = node;
  const attributes = readAttributes(node);
  attributes.assertOnly("threshold");
  const value = rows(0);
  if (value.type !== "float32")
    throw new NotCompiled(`${operator} computes with values of type ${value.type}`);
  // onnxruntime fails there (core/providers/cpu/ml/binarizer.cc), and a comparison would answer.
  if (value.columns.some((column) => canBeNan(builder, column)))
    throw new NotCompiled(`${operator} may get values that are not a number`);
  const right = builder.addConstant(attributes.float("threshold") ?? 0, "float32");
  const flags = builder.mapColumns(value, "bool", (left) => ({
    step: "compare",
    type: "bool",
    comparison: "greater",
    left,
    right,
  }));
  return [builder.mapColumns(flags, "float32", (column) => ({ step: "convert", type: "float32", column }))];
};

/** Numbers of any type as float32, as the operators of ai.onnx.ml take them. */
const toFloats = ({ builder, rows }: OperatorContext, operator: string): RowTensor => {
  const value = rows(0);
  if (value.type === "float32") return value;
  if (value.type === "string" || value.type === "bool")
    throw new NotCompiled(`${operator} computes with values of type ${value.type}`);
  return builder.mapColumns(value, "float32", (column) => ({ step: "convert", type: "float32", column }));
};

const readCoefficients = (
  { operator }: WholeNode,
  coefficients: Float32Array | undefined,
  { columns }: RowTensor,
  width: number,
) => {
  if (coefficients === undefined || coefficients.length !== columns.length * width)
    throw new NotCompiled(`${operator} has other numbers of coefficients than of columns`);
  return (sum: number, feature: number): number => pick(coefficients, sum * columns.length + feature);
};

/** Source of its rules: onnxruntime, core/providers/cpu/ml/linearregressor.cc. */
const linearRegressor: CompileOperator = (node, context) => {
  const { operator } = node;
  const attributes = readAttributes(node);
  attributes.assertOnly("coefficients", "intercepts", "targets", "post_transform");
  if ((attributes.string("post_transform") ?? "NONE") !== "NONE")
    throw new NotCompiled(`${operator} has the transform ${attributes.string("post_transform")}`);
  const value = context.rows(0);
  if (value.type !== "float32")
    throw new NotCompiled(`${operator} computes with values of type ${value.type}`);
  const width = attributes.int("targets") ?? 1;
  const intercepts = attributes.floats("intercepts");
  // onnxruntime ignores another number of them.
  const isUsed = intercepts !== undefined && intercepts.length === width;
  return [
    addDense(context, value, {
      operator,
      width,
      weight: readCoefficients(node, attributes.floats("coefficients"), value, width),
      bias: (sum) => (isUsed ? pick(intercepts, sum) : 0),
    }).sums,
  ];
};

const classTransforms = new Map<string, "none" | "logistic" | "softmax">([
  ["NONE", "none"],
  ["LOGISTIC", "logistic"],
  ["SOFTMAX", "softmax"],
]);

/** Source of its rules: onnxruntime, core/providers/cpu/ml/linearclassifier.cc. */
const linearClassifier: CompileOperator = (node, context) => {
  const { operator } = node;
  const { builder } = context;
  const attributes = readAttributes(node);
  attributes.assertOnly(
    ...["coefficients", "intercepts", "post_transform", "multi_class"],
    ...["classlabels_strings", "classlabels_ints"],
  );
  const texts = attributes.strings("classlabels_strings") ?? [];
  const integers = attributes.ints("classlabels_ints") ?? [];
  const labels = texts.length > 0 ? texts : integers.map(String);
  const name = attributes.string("post_transform") ?? "NONE";
  const transform = classTransforms.get(name);
  if (transform === undefined) throw new NotCompiled(`${operator} has the transform ${name}`);
  const intercepts = attributes.floats("intercepts") ?? new Float32Array();
  const width = intercepts.length;
  if (width < 2 || labels.length !== width)
    throw new NotCompiled(`${operator} has ${width} sums for ${labels.length} labels`);
  const value = toFloats(context, operator);
  const { matrix, sums } = addDense(context, value, {
    operator,
    width,
    weight: readCoefficients(node, attributes.floats("coefficients"), value, width),
    bias: (sum) => pick(intercepts, sum),
  });
  const best = builder.add({ step: "extreme", type: "int64", least: false, columns: sums.columns });
  const type = texts.length > 0 ? "string" : "int64";
  const label = builder.add({ step: "look-up", type, column: best, table: labels });
  return [
    { kind: "rows", type, dims: ["rows"], columns: [label] },
    transform === "none" ? sums : transformSums(builder, sums, matrix, transform),
  ];
};

const transformSums = (
  builder: GraphBuilder,
  sums: RowTensor,
  matrix: StepIndex,
  transform: "logistic" | "softmax",
): RowTensor => {
  const width = sums.columns.length;
  const shares = builder.add({ step: "transform", type: "float32", matrix, width, transform });
  return { ...sums, columns: builder.addParts(shares, width, "float32") };
};

/** Softmax over all sums of a layer; undefined for other columns. */
export const softmaxSums = (builder: GraphBuilder, value: RowTensor): RowTensor | undefined => {
  const matrix = findWholeMatrix(value.columns, builder.steps);
  if (matrix === undefined || builder.getStep(matrix).step !== "dense") return undefined;
  if (value.dims.length !== 2 || value.dims[0] !== "rows" || value.type !== "float32") return undefined;
  return transformSums(builder, value, matrix, "softmax");
};

/**
 * Whether each row of these columns adds up to 1 in every engine: a softmax, or logistic functions of two sums of which one
 * is the negative of the other. Dividing them by their sum changes their last bit.
 */
export const areShares = ({ getStep, steps }: GraphBuilder, { columns }: RowTensor): boolean => {
  const matrix = findWholeMatrix(columns, steps);
  const step = matrix === undefined ? undefined : getStep(matrix);
  if (step?.step !== "transform") return false;
  const sums = getStep(step.matrix);
  if (sums.step !== "dense") return false;
  if (step.transform === "softmax") return true;
  return step.transform === "logistic" && isOpposite(sums.weights, 2) && isOpposite(sums.bias, 2);
};
const isOpposite = (list: readonly Scalar[], width: number): boolean => {
  const half = list.length / width;
  return (
    Number.isInteger(half) &&
    list.slice(0, half).every((weight, index) => Number(weight) === -Number(list[half + index]))
  );
};

/** Operators that sum products: linear models and the layers of networks. */
export const denseOperators: Readonly<Record<string, CompileOperator>> = {
  MatMul: matMul,
  Gemm: gemm,
  "ai.onnx.ml LinearRegressor": linearRegressor,
  "ai.onnx.ml LinearClassifier": linearClassifier,
  "ai.onnx.ml Binarizer": binarizer,
};
