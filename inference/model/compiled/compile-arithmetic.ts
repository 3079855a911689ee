import { toElementType } from "#model-folder/onnx/graph-value.ts";
import type { WholeNode } from "#model-folder/onnx/read-graph.ts";
import { canBeNan } from "./can-be-nan.ts";
import { addBias } from "./compile-dense.ts";
import type { CompileOperator, OperatorContext } from "./compile-operator.ts";
import {
  type ArithmeticOperation,
  type ColumnFunction,
  type ColumnType,
  type Comparison,
  columnTypes,
  type StepIndex,
} from "./compiled-graph.ts";
import { NotCompiled } from "./not-compiled.ts";
import { readAttributes } from "./read-attributes.ts";
import {
  type FixedTensor,
  findRowAxis,
  listSizes,
  multiply,
  pick,
  type RowTensor,
  toOffset,
  type Value,
  visitPlaces,
} from "./row-tensor.ts";
import type { TreeEnsemble } from "./tree-ensemble.ts";

/** The element type of a value, if columns can have it. */
const readType = (value: Value, operator: string): ColumnType => {
  const type = value.kind === "rows" ? value.type : value.data.type;
  const found = columnTypes.find((each) => each === type);
  if (found === undefined) throw new NotCompiled(`${operator} takes values of type ${type}`);
  return found;
};

type Broadcast = { readonly dims: RowTensor["dims"]; readonly columns: readonly (readonly StepIndex[])[] };

/**
 * Brings values to common dimensions as NumPy does: missing ones in front and ones of size 1 repeat. Gives the steps of all
 * values for each column.
 */
const broadcast = (values: readonly Value[], { builder }: OperatorContext, operator: string): Broadcast => {
  const rank = Math.max(...values.map(({ dims }) => dims.length));
  const padded = values.map(({ dims }) => [
    ...Array.from({ length: rank - dims.length }, (): number | "rows" => 1),
    ...dims,
  ]);
  const dims = Array.from({ length: rank }, (_, axis): number | "rows" => {
    const sizes = new Set(padded.map((each) => pick(each, axis)).filter((size) => size !== 1));
    if (sizes.size > 1) throw new NotCompiled(`${operator} combines tensors of different shapes`);
    return [...sizes][0] ?? 1;
  });
  if (dims.filter((size) => size === "rows").length !== 1)
    throw new NotCompiled(`${operator} combines rows with each other`);
  const rowAxis = findRowAxis({ dims });
  const columns: StepIndex[][] = [];
  visitPlaces(listSizes({ dims }), (place) => {
    columns.push(
      values.map((value, index) => {
        const own = padded[index] ?? [];
        const sizes = own.filter((_, axis) => axis !== rowAxis).map(Number);
        const offset = toOffset(
          sizes,
          place.map((each, axis) => (sizes[axis] === 1 ? 0 : each)),
        );
        return value.kind === "rows"
          ? pick(value.columns, offset)
          : builder.addConstant(readElement(value, offset), readType(value, operator));
      }),
    );
  });
  return { dims, columns };
};

const readElement = ({ data }: FixedTensor, offset: number): number | bigint | string =>
  pick<number | bigint | string>(data.values, offset);

const readOperands = ({ operator }: WholeNode, { values }: OperatorContext): readonly Value[] =>
  values.map((value) => {
    if (value === undefined) throw new NotCompiled(`${operator} lacks an input`);
    return value;
  });

const assertOneType = (values: readonly Value[], operator: string): ColumnType => {
  const [type, ...others] = new Set(values.map((value) => readType(value, operator)));
  if (type === undefined || others.length > 0)
    throw new NotCompiled(`${operator} takes values of different types`);
  return type;
};

/** A stored row that is added to the sums of a layer becomes a part of it. */
const joinBias = (values: readonly Value[], context: OperatorContext): RowTensor | undefined => {
  const [first, second, ...others] = values;
  if (first === undefined || second === undefined || others.length > 0) return undefined;
  if (first.kind === "rows" && second.kind === "fixed") return addBias(context, first, second);
  if (first.kind === "fixed" && second.kind === "rows") return addBias(context, second, first);
  return undefined;
};

/** Combines the inputs from left to right, as onnxruntime does (Add, Sub, Mul, Div, Sum, Max, Min). */
const combine =
  (operation: ArithmeticOperation): CompileOperator =>
  (node, context) => {
    const { operator } = node;
    readAttributes(node).assertOnly();
    const values = readOperands(node, context);
    const type = assertOneType(values, operator);
    const isCompiled =
      type === "float32" || type === "float64" || (type === "int64" && operation !== "divide");
    if (!isCompiled) throw new NotCompiled(`${operator} computes with values of type ${type}`);
    const layer = operation === "add" ? joinBias(values, context) : undefined;
    if (layer !== undefined) return [layer];
    const { dims, columns } = broadcast(values, context, operator);
    return [
      {
        kind: "rows",
        type,
        dims,
        columns: columns.map((each) =>
          each
            .slice(1)
            .reduce(
              (left, right) => context.builder.add({ step: "arithmetic", type, operation, left, right }),
              pick(each, 0),
            ),
        ),
      },
    ];
  };

/** `true` for types whose elements onnxruntime compares with each other. */
const compare =
  (comparison: Comparison): CompileOperator =>
  (node, context) => {
    const { operator } = node;
    const values = readOperands(node, context);
    const type = assertOneType(values, operator);
    if (values.length !== 2 || (type === "string" && comparison !== "equal"))
      throw new NotCompiled(`${operator} compares values of type ${type}`);
    const { dims, columns } = broadcast(values, context, operator);
    return [
      {
        kind: "rows",
        type: "bool",
        dims,
        columns: columns.map((pair) =>
          context.builder.add({
            step: "compare",
            type: "bool",
            comparison,
            left: pick(pair, 0),
            right: pick(pair, 1),
          }),
        ),
      },
    ];
  };

const where: CompileOperator = (node, context) => {
  const { operator } = node;
  const values = readOperands(node, context);
  const [condition, ...sides] = values;
  if (condition === undefined || sides.length !== 2 || readType(condition, operator) !== "bool")
    throw new NotCompiled(`${operator} has no condition`);
  const type = assertOneType(sides, operator);
  const { dims, columns } = broadcast(values, context, operator);
  return [
    {
      kind: "rows",
      type,
      dims,
      columns: columns.map((each) =>
        context.builder.add({
          step: "choose",
          type,
          condition: pick(each, 0),
          yes: pick(each, 1),
          no: pick(each, 2),
        }),
      ),
    },
  ];
};

const apply =
  (name: ColumnFunction, types: readonly ColumnType[] = ["float32", "float64"]): CompileOperator =>
  (node, { builder, rows }) => {
    const value = rows(0);
    readAttributes(node).assertOnly();
    const { type } = value;
    if (!types.includes(type)) throw new NotCompiled(`${node.operator} computes with values of type ${type}`);
    return [
      builder.mapColumns(value, type, (column) => ({ step: "function", type, function: name, column })),
    ];
  };

/** Whether a column's values are small whole numbers, which every processor converts in the same way. */
const isWhole = (builder: OperatorContext["builder"], column: StepIndex): boolean => {
  const step = builder.getStep(column);
  switch (step.step) {
    case "one-hot":
    case "compare":
      return true;
    case "convert":
      return step.type === "float32" && isWhole(builder, step.column);
    case "function":
      // The sign of NaN is NaN.
      return step.function === "sign" && !canBeNan(builder, step.column);
    case "look-up":
      return step.table.every((value) => isSmallInteger(Number(value)));
    case "map":
      return [...step.values, step.fallback].every((value) => isSmallInteger(Number(value)));
    case "part": {
      const matrix = builder.getStep(step.matrix);
      return matrix.step === "ensemble" && hasWholeSums(pick(builder.ensembles, matrix.ensemble));
    }
    default:
      return false;
  }
};
const isSmallInteger = (value: number): boolean => Number.isInteger(value) && Math.abs(value) < 2 ** 24;

/** Whether each sum is a whole number that float32 holds: isolation forests sum the numbers of leaves. */
const hasWholeSums = ({ trees, base, aggregate }: TreeEnsemble): boolean => {
  let most = 0;
  for (const { leafWeight } of trees) {
    if (!leafWeight.every(Number.isInteger)) return false;
    most += leafWeight.reduce((greatest, weight) => Math.max(greatest, Math.abs(weight)), 0);
  }
  return aggregate !== "average" && base.every((value) => value === 0) && most < 2 ** 24;
};

const cast: CompileOperator = (node, context) => {
  const { operator } = node;
  const { builder } = context;
  const attributes = readAttributes(node);
  attributes.assertOnly("to", "saturate", "round_mode");
  const value = context.rows(0);
  const target = toElementType(attributes.int("to") ?? 0);
  const type = columnTypes.find((each) => each === target);
  const refuse = (): never => {
    throw new NotCompiled(`${operator} converts ${value.type} to ${target}`);
  };
  if (type === undefined) return refuse();
  if (type === value.type) return [value];
  const isFromFloat = value.type === "float32" || value.type === "float64";
  if (value.type === "string") return refuse();
  if (type === "string" && value.type !== "int64" && value.type !== "int32") return refuse();
  if (type === "int32") return refuse();
  return [
    builder.mapColumns(value, type, (column) =>
      type === "int64" && isFromFloat && !isWhole(builder, column)
        ? { step: "convert", type, column, mayOverflow: true }
        : { step: "convert", type, column },
    ),
  ];
};

/** Without a limit onnxruntime takes the least and the greatest float: infinity becomes that. */
const floatLimits = { min: -3.4028234663852886e38, max: 3.4028234663852886e38 } as const;

/** A limit of Clip: an input, or an attribute in old versions. */
const readLimit = (
  node: WholeNode,
  { fixed, values }: OperatorContext,
  input: number,
  name: "min" | "max",
): number | bigint | undefined => {
  const attribute = readAttributes(node).float(name);
  if (attribute !== undefined) return attribute;
  if (values[input] === undefined) return undefined;
  const tensor = fixed(input);
  if (tensor === undefined || multiply(tensor.dims) !== 1)
    throw new NotCompiled(`${node.operator} has a limit that is no number`);
  const element = readElement(tensor, 0);
  if (typeof element === "string") throw new NotCompiled(`${node.operator} has a limit that is no number`);
  return element;
};

const clip: CompileOperator = (node, context) => {
  const { builder } = context;
  let value = context.rows(0);
  const { type } = value;
  if (type !== "float32" && type !== "int64")
    throw new NotCompiled(`${node.operator} limits values of type ${type}`);
  const limits = [
    { limit: readLimit(node, context, 1, "min"), bound: floatLimits.min, operation: "maximum" },
    { limit: readLimit(node, context, 2, "max"), bound: floatLimits.max, operation: "minimum" },
  ] as const;
  for (const { bound, limit = type === "float32" ? bound : undefined, operation } of limits) {
    if (limit === undefined) continue;
    if (Number.isNaN(Number(limit))) throw new NotCompiled(`${node.operator} has NaN as a limit`);
    const right = builder.addConstant(limit, type);
    value = builder.mapColumns(value, type, (left) => ({ step: "arithmetic", type, operation, left, right }));
  }
  return [value];
};

/** Operators that compute each element by itself. */
export const arithmeticOperators: Readonly<Record<string, CompileOperator>> = {
  Add: combine("add"),
  Sum: combine("add"),
  Sub: combine("subtract"),
  Mul: combine("multiply"),
  Div: combine("divide"),
  Max: combine("maximum"),
  Min: combine("minimum"),
  Equal: compare("equal"),
  Less: compare("less"),
  LessOrEqual: compare("less-or-equal"),
  Greater: compare("greater"),
  GreaterOrEqual: compare("greater-or-equal"),
  Where: where,
  Cast: cast,
  Clip: clip,
  Neg: apply("negate"),
  Abs: apply("absolute"),
  Sqrt: apply("square-root"),
  Exp: apply("exponential", ["float32"]),
  Log: apply("logarithm", ["float32"]),
  Sigmoid: apply("sigmoid", ["float32"]),
  Tanh: apply("hyperbolic-tangent", ["float32"]),
  Sign: apply("sign"),
  Not: apply("not", ["bool"]),
  Reciprocal: apply("reciprocal"),
};
