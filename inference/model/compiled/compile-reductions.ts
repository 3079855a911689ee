import type { WholeNode } from "#model-folder/onnx/read-graph.ts";
import { canBeNan } from "./can-be-nan.ts";
import { areShares, softmaxSums } from "./compile-dense.ts";
import type { CompileOperator, OperatorContext } from "./compile-operator.ts";
import { readIntegers } from "./compile-shapes.ts";
import type { ArithmeticOperation, StepIndex } from "./compiled-graph.ts";
import { NotCompiled } from "./not-compiled.ts";
import { readAttributes } from "./read-attributes.ts";
import {
  findRowAxis,
  listSizes,
  pick,
  type RowTensor,
  resolveAxis,
  toOffset,
  toSizeAxis,
  visitPlaces,
} from "./row-tensor.ts";

/** The columns along one dimension, for each place in the others; `keep` leaves the dimension with size 1. */
const listAlong = (
  value: RowTensor,
  axis: number,
  operator: string,
  keep: boolean,
): { readonly dims: RowTensor["dims"]; readonly groups: readonly (readonly StepIndex[])[] } => {
  const sizeAxis = toSizeAxis(value, axis, operator);
  const sizes = listSizes(value);
  const count = pick(sizes, sizeAxis);
  const groups: StepIndex[][] = [];
  visitPlaces(
    sizes.map((size, each) => (each === sizeAxis ? 1 : size)),
    (place) => {
      groups.push(
        Array.from({ length: count }, (_, index) => {
          const source = place.map((each, at) => (at === sizeAxis ? index : each));
          return pick(value.columns, toOffset(sizes, source));
        }),
      );
    },
  );
  const dims = value.dims.flatMap((size, each) => (each === axis ? (keep ? [1] : []) : [size]));
  return { dims, groups };
};

const assertFloat = ({ type }: RowTensor, { operator }: WholeNode): void => {
  if (type !== "float32") throw new NotCompiled(`${operator} computes with values of type ${type}`);
};

const chain = (
  { builder }: OperatorContext,
  operation: ArithmeticOperation,
  columns: readonly StepIndex[],
): StepIndex =>
  columns
    .slice(1)
    .reduce(
      (left, right) => builder.add({ step: "arithmetic", type: "float32", operation, left, right }),
      pick(columns, 0),
    );

/**
 * Whether onnxruntime adds these numbers in their order, or the order does not matter. Across the first dimension it adds
 * row to row; along another it adds four or more in vectors, whose width depends on the processor.
 */
const isOrdered = (value: RowTensor, axis: number, count: number): boolean => {
  const before = value.dims.slice(0, axis);
  const after = value.dims.slice(axis + 1);
  const isFirst = before.every((size) => size === 1);
  const isLast = after.every((size) => size === 1);
  return count <= 2 || isFirst || (isLast && count <= 3);
};

const reduce =
  (operation: ArithmeticOperation, isMean: boolean): CompileOperator =>
  (node, context) => {
    const { operator } = node;
    const { builder } = context;
    const attributes = readAttributes(node);
    attributes.assertOnly("axes", "keepdims", "noop_with_empty_axes");
    const value = context.rows(0);
    assertFloat(value, node);
    // onnxruntime gives NaN or the extreme of the others, which depends on its place.
    if (operation !== "add" && value.columns.some((column) => canBeNan(builder, column)))
      throw new NotCompiled(`${operator} compares numbers that may be missing`);
    const [axisNumber, ...others] = readIntegers(node, context, { input: 1, attribute: "axes" }) ?? [];
    if (axisNumber === undefined || others.length > 0)
      throw new NotCompiled(`${operator} reduces other than one dimension`);
    const axis = resolveAxis(axisNumber, value.dims.length, operator);
    const { dims, groups } = listAlong(value, axis, operator, (attributes.int("keepdims") ?? 1) === 1);
    const columns = groups.map((group) => {
      const total = chain(context, operation, group);
      if (operation === "add" && !isOrdered(value, axis, group.length)) builder.markRounded(total);
      return isMean
        ? builder.add({
            step: "arithmetic",
            type: "float32",
            operation: "divide",
            left: total,
            right: builder.addConstant(group.length, "float32"),
          })
        : total;
    });
    return [{ ...value, dims, columns }];
  };

const findExtreme =
  (least: boolean): CompileOperator =>
  (node, context) => {
    const { operator } = node;
    const attributes = readAttributes(node);
    attributes.assertOnly("axis", "keepdims", "select_last_index");
    if (attributes.int("select_last_index") === 1)
      throw new NotCompiled(`${operator} selects the last of equal values`);
    const value = context.rows(0);
    if (value.type !== "float64") assertFloat(value, node);
    const axis = resolveAxis(attributes.int("axis") ?? 0, value.dims.length, operator);
    const { dims, groups } = listAlong(value, axis, operator, (attributes.int("keepdims") ?? 1) === 1);
    return [
      {
        ...value,
        type: "int64",
        dims,
        columns: groups.map((columns) =>
          context.builder.add({ step: "extreme", type: "int64", least, columns }),
        ),
      },
    ];
  };

/** Subtracts the greatest number first, as onnxruntime does. */
const softmax: CompileOperator = (node, context) => {
  const { operator } = node;
  const { builder, version } = context;
  const attributes = readAttributes(node);
  attributes.assertOnly("axis");
  const value = context.rows(0);
  assertFloat(value, node);
  const rank = value.dims.length;
  const axis = resolveAxis(attributes.int("axis") ?? (version < 13 ? 1 : -1), rank, operator);
  // Before version 13 it runs over all dimensions from the axis on.
  if (version < 13 && axis !== rank - 1) throw new NotCompiled(`${operator} runs over several dimensions`);
  const layer = axis === rank - 1 ? softmaxSums(builder, value) : undefined;
  if (layer !== undefined) return [layer];
  if (value.columns.some((column) => builder.hasBounds(column)))
    throw new NotCompiled(`${operator} takes other sums than all of one layer`);
  const { groups } = listAlong(value, axis, operator, true);
  const combine = (operation: ArithmeticOperation, left: StepIndex, right: StepIndex): StepIndex =>
    builder.add({ step: "arithmetic", type: "float32", operation, left, right });
  const shares = new Map<StepIndex, StepIndex>();
  for (const group of groups) {
    const greatest = chain(context, "maximum", group);
    const powers = group.map((column) =>
      builder.add({
        step: "function",
        type: "float32",
        function: "exponential",
        column: combine("subtract", column, greatest),
      }),
    );
    const total = chain(context, "add", powers);
    for (const [index, column] of group.entries())
      shares.set(column, combine("divide", pick(powers, index), total));
  }
  if (new Set(value.columns).size !== value.columns.length)
    throw new NotCompiled(`${operator} takes one column twice`);
  return [
    {
      ...value,
      columns: value.columns.map((column) => shares.get(column) ?? column),
    },
  ];
};

/** Divides each row by its norm. Source: onnxruntime, core/providers/cpu/ml/normalizer.cc. */
const normalizer: CompileOperator = (node, context) => {
  const { operator } = node;
  const { builder } = context;
  const attributes = readAttributes(node);
  attributes.assertOnly("norm");
  const value = context.rows(0);
  assertFloat(value, node);
  if (value.dims.length !== 2 || findRowAxis(value) !== 0)
    throw new NotCompiled(`${operator} takes a tensor that is no matrix of one row each`);
  if (attributes.string("norm") !== "L1")
    throw new NotCompiled(`${operator} divides by another norm than L1`);
  if (areShares(builder, value)) return [value];
  if (value.columns.some((column) => builder.hasBounds(column)))
    throw new NotCompiled(`${operator} divides sums that do not add up to 1`);
  const type = "float32";
  const zero = builder.addConstant(0, type);
  const sizes = value.columns.map((column) =>
    builder.add({ step: "function", type, function: "absolute", column }),
  );
  const total = chain(context, "add", sizes);
  const condition = builder.add({
    step: "compare",
    type: "bool",
    comparison: "equal",
    left: total,
    right: zero,
  });
  const divisor = builder.add({
    step: "choose",
    type,
    condition,
    yes: builder.addConstant(1, type),
    no: total,
  });
  return [
    builder.mapColumns(value, type, (left) => ({
      step: "arithmetic",
      type,
      operation: "divide",
      left,
      right: divisor,
    })),
  ];
};

/** Operators that compute one element from several of a row. */
export const reductionOperators: Readonly<Record<string, CompileOperator>> = {
  ReduceSum: reduce("add", false),
  ReduceMean: reduce("add", true),
  ReduceMax: reduce("maximum", false),
  ReduceMin: reduce("minimum", false),
  ArgMax: findExtreme(false),
  ArgMin: findExtreme(true),
  Softmax: softmax,
  "ai.onnx.ml Normalizer": normalizer,
};
