import type { WholeNode } from "#model-folder/onnx/read-graph.ts";
import type { CompileOperator, OperatorContext } from "./compile-operator.ts";
import type { Step } from "./compiled-graph.ts";
import { NotCompiled } from "./not-compiled.ts";
import { readAttributes } from "./read-attributes.ts";
import {
  assertColumns,
  type FixedTensor,
  findRowAxis,
  listSizes,
  multiply,
  pick,
  type RowTensor,
  resolveAxis,
  toOffset,
  toSizeAxis,
  visitPlaces,
} from "./row-tensor.ts";
import { toScalars } from "./scalars.ts";

/** The integers of a fixed input, or of the attribute that older versions have instead. */
export const readIntegers = (
  node: WholeNode,
  { fixed }: OperatorContext,
  { input, attribute }: { readonly input: number; readonly attribute?: string },
): readonly number[] | undefined => {
  const { operator } = node;
  const listed = attribute === undefined ? undefined : readAttributes(node).ints(attribute);
  if (listed !== undefined) return listed;
  const tensor = fixed(input);
  if (tensor === undefined) return undefined;
  if (tensor.data.type !== "int64" && tensor.data.type !== "int32")
    throw new NotCompiled(`${operator} takes numbers that are no integers`);
  return Array.from<bigint | number, number>(tensor.data.values, Number);
};

const identity: CompileOperator = (_node, { rows }) => [rows(0)];

/** Gives other dimensions to the same columns; the rows must stay the rows. */
const reshapeTo = (
  value: RowTensor,
  target: readonly (number | "rows" | "open")[],
  operator: string,
): RowTensor => {
  const axis = findRowAxis(value);
  const sizes = listSizes(value);
  const before = multiply(sizes.slice(0, axis));
  const after = multiply(sizes.slice(axis));
  const refuse = (): never => {
    throw new NotCompiled(`${operator} mixes rows with other dimensions`);
  };
  const known = multiply(target.filter((size) => typeof size === "number"));
  const hasRows = target.includes("rows");
  // The open dimension is the rows, unless these are already there.
  const dims = target.map((size) =>
    size === "open" ? (hasRows ? (before * after) / known : ("rows" as const)) : size,
  );
  const place = dims.indexOf("rows");
  if (place < 0 || dims.filter((size) => size === "rows").length !== 1) return refuse();
  const isSame =
    multiply(listSizes({ dims: dims.slice(0, place) })) === before &&
    multiply(listSizes({ dims: dims.slice(place + 1) })) === after;
  return isSame ? { ...value, dims } : refuse();
};

const reshape: CompileOperator = (node, context) => {
  const { operator } = node;
  const attributes = readAttributes(node);
  attributes.assertOnly("allowzero", "shape");
  const value = context.rows(0);
  const shape = readIntegers(node, context, { input: 1, attribute: "shape" });
  if (shape === undefined) throw new NotCompiled(`${operator} has no shape`);
  const keepsZeros = attributes.int("allowzero") === 1;
  const target = shape.map((size, axis) => {
    if (size === -1) return "open" as const;
    if (size === 0 && !keepsZeros) return pick(value.dims, resolveAxis(axis, value.dims.length, operator));
    if (size < 1) throw new NotCompiled(`${operator} makes an empty tensor`);
    return size;
  });
  if (target.filter((size) => size === "open").length > 1)
    throw new NotCompiled(`${operator} has two open dimensions`);
  return [reshapeTo(value, target, operator)];
};

const flatten: CompileOperator = (node, { rows }) => {
  const { operator } = node;
  const value = rows(0);
  const rank = value.dims.length;
  const axis = readAttributes(node).int("axis") ?? 1;
  const split = axis < 0 ? axis + rank : axis;
  const join = (dims: readonly (number | "rows")[]): number | "rows" =>
    dims.includes("rows")
      ? multiply(listSizes({ dims })) === 1
        ? "rows"
        : throwMixed(operator)
      : multiply(listSizes({ dims }));
  return [reshapeTo(value, [join(value.dims.slice(0, split)), join(value.dims.slice(split))], operator)];
};
const throwMixed = (operator: string): never => {
  throw new NotCompiled(`${operator} mixes rows with other dimensions`);
};

const squeeze: CompileOperator = (node, context) => {
  const { operator } = node;
  const value = context.rows(0);
  const axes = readIntegers(node, context, { input: 1, attribute: "axes" });
  if (axes === undefined)
    // A request with one row would lose its rows as well.
    throw new NotCompiled(`${operator} names no dimensions`);
  const removed = new Set(axes.map((axis) => resolveAxis(axis, value.dims.length, operator)));
  for (const axis of removed)
    if (value.dims[axis] !== 1) throw new NotCompiled(`${operator} removes a dimension that is not 1`);
  return [{ ...value, dims: value.dims.filter((_, axis) => !removed.has(axis)) }];
};

const unsqueeze: CompileOperator = (node, context) => {
  const { operator } = node;
  const value = context.rows(0);
  const axes = readIntegers(node, context, { input: 1, attribute: "axes" }) ?? [];
  const rank = value.dims.length + axes.length;
  const added = new Set(axes.map((axis) => resolveAxis(axis, rank, operator)));
  if (added.size !== axes.length) throw new NotCompiled(`${operator} names a dimension twice`);
  const old = value.dims[Symbol.iterator]();
  const dims = Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (old.next().value ?? 1)));
  return [{ ...value, dims }];
};

const transpose: CompileOperator = (node, { rows }) => {
  const { operator } = node;
  const value = rows(0);
  const rank = value.dims.length;
  const order =
    readAttributes(node).ints("perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  if (order.length !== rank || new Set(order).size !== rank)
    throw new NotCompiled(`${operator} does not name each dimension once`);
  const dims = order.map((axis) => pick(value.dims, resolveAxis(axis, rank, operator)));
  const axis = findRowAxis(value);
  const sizeOrder = order.filter((each) => each !== axis).map((each) => (each > axis ? each - 1 : each));
  const sizes = listSizes(value);
  const columns: number[] = [];
  visitPlaces(
    sizeOrder.map((each) => pick(sizes, each)),
    (place) => {
      const source = sizes.map(() => 0);
      for (const [index, each] of sizeOrder.entries()) source[each] = place[index] ?? 0;
      columns.push(pick(value.columns, toOffset(sizes, source)));
    },
  );
  return [{ ...value, dims, columns }];
};

/** Picks places along a dimension; `places` may repeat. */
const pickAlong = (value: RowTensor, sizeAxis: number, places: readonly number[]): readonly number[] => {
  const sizes = listSizes(value);
  const picked = sizes.map((size, axis) => (axis === sizeAxis ? places.length : size));
  const columns: number[] = [];
  visitPlaces(picked, (place) => {
    const source = place.map((each, axis) => (axis === sizeAxis ? pick(places, each) : each));
    columns.push(pick(value.columns, toOffset(sizes, source)));
  });
  return columns;
};

const resize = (
  dims: RowTensor["dims"],
  axis: number,
  size: readonly number[] | number,
): RowTensor["dims"] => [
  ...dims.slice(0, axis),
  ...(typeof size === "number" ? [size] : size),
  ...dims.slice(axis + 1),
];

const concat: CompileOperator = (node, { values, rows }) => {
  const { operator } = node;
  const parts = values.map((_, index) => rows(index));
  const [first] = parts;
  if (first === undefined) throw new NotCompiled(`${operator} has no inputs`);
  const axis = resolveAxis(readAttributes(node).int("axis") ?? 1, first.dims.length, operator);
  const sizeAxis = toSizeAxis(first, axis, operator);
  for (const part of parts)
    if (
      part.type !== first.type ||
      part.dims.length !== first.dims.length ||
      part.dims.some((size, at) => at !== axis && size !== first.dims[at])
    )
      throw new NotCompiled(`${operator} joins tensors of different shapes or types`);
  assertColumns(parts.reduce((sum, part) => sum + part.columns.length, 0));
  const before = multiply(listSizes(first).slice(0, sizeAxis));
  const columns: number[] = [];
  for (let index = 0; index < before; index++)
    for (const part of parts) {
      const length = part.columns.length / before;
      for (let at = index * length; at < (index + 1) * length; at++) columns.push(pick(part.columns, at));
    }
  const size = parts.reduce((sum, part) => sum + pick(listSizes(part), sizeAxis), 0);
  return [{ ...first, dims: resize(first.dims, axis, size), columns }];
};

const gather: CompileOperator = (node, context) => {
  const { operator } = node;
  const indices = context.fixed(1);
  const value = context.rows(0);
  if (indices === undefined) throw new NotCompiled(`${operator} has no indices`);
  const axis = resolveAxis(readAttributes(node).int("axis") ?? 0, value.dims.length, operator);
  const sizeAxis = toSizeAxis(value, axis, operator);
  const size = pick(listSizes(value), sizeAxis);
  const places = (readIntegers(node, context, { input: 1 }) ?? []).map((index) => {
    const place = index < 0 ? index + size : index;
    if (place < 0 || place >= size) throw new NotCompiled(`${operator} picks column ${index} of ${size}`);
    return place;
  });
  return [
    { ...value, dims: resize(value.dims, axis, indices.dims), columns: pickAlong(value, sizeAxis, places) },
  ];
};

/** The places from `start` to `end`, as Slice counts them. */
const listPlaces = (size: number, start: number, end: number, step: number): readonly number[] => {
  const clamp = (at: number): number => {
    const place = at < 0 ? at + size : at;
    return step > 0 ? Math.min(Math.max(place, 0), size) : Math.min(Math.max(place, -1), size - 1);
  };
  const places: number[] = [];
  const last = clamp(end);
  for (let at = clamp(start); step > 0 ? at < last : at > last; at += step) places.push(at);
  return places;
};

const slice: CompileOperator = (node, context) => {
  const { operator } = node;
  let value = context.rows(0);
  const read = (input: number, attribute: string) => readIntegers(node, context, { input, attribute });
  const starts = read(1, "starts") ?? [];
  const ends = read(2, "ends") ?? [];
  const axes = read(3, "axes") ?? starts.map((_, index) => index);
  const steps = readIntegers(node, context, { input: 4 }) ?? starts.map(() => 1);
  for (const [index, start] of starts.entries()) {
    const axis = resolveAxis(pick(axes, index), value.dims.length, operator);
    const sizeAxis = toSizeAxis(value, axis, operator);
    const step = pick(steps, index);
    if (step === 0) throw new NotCompiled(`${operator} has a step of 0`);
    const places = listPlaces(pick(listSizes(value), sizeAxis), start, pick(ends, index), step);
    if (places.length === 0) throw new NotCompiled(`${operator} makes an empty tensor`);
    value = {
      ...value,
      dims: resize(value.dims, axis, places.length),
      columns: pickAlong(value, sizeAxis, places),
    };
  }
  return [value];
};

const split: CompileOperator = (node, context) => {
  const { operator, outputs } = node;
  const value = context.rows(0);
  const axis = resolveAxis(readAttributes(node).int("axis") ?? 0, value.dims.length, operator);
  const sizeAxis = toSizeAxis(value, axis, operator);
  const size = pick(listSizes(value), sizeAxis);
  const sizes =
    readIntegers(node, context, { input: 1, attribute: "split" }) ??
    outputs.map(() => Math.ceil(size / outputs.length));
  if (sizes.length !== outputs.length || sizes.reduce((sum, each) => sum + each, 0) !== size)
    throw new NotCompiled(`${operator} does not split a dimension evenly`);
  let start = 0;
  return sizes.map((length) => {
    const places = Array.from({ length }, (_, index) => start + index);
    start += length;
    return {
      ...value,
      dims: resize(value.dims, axis, length),
      columns: pickAlong(value, sizeAxis, places),
    };
  });
};

/** Looks up integers of each row, known to be below the table's length, in a table. */
const lookUp = (
  table: FixedTensor,
  indices: RowTensor,
  { builder }: OperatorContext,
  operator: string,
): RowTensor => {
  const { data } = table;
  const last = table.dims.at(-1) ?? 1;
  const outer = multiply(table.dims.slice(0, -1));
  if (indices.columns.length !== 1) throw new NotCompiled(`${operator} looks up several values a row`);
  if (data.type === "uint8") throw new NotCompiled(`${operator} looks up uint8 values`);
  const [column] = indices.columns;
  if (column === undefined) throw new NotCompiled(`${operator} has no indices`);
  const most = findGreatestIndex(builder.getStep(column));
  if (most === undefined || most >= last)
    throw new NotCompiled(`${operator} looks up an index that may be outside of its table`);
  const { type } = data;
  const scalars = toScalars(data);
  return {
    kind: "rows",
    type,
    // A table of one dimension gives one row of results.
    dims: table.dims.length === 1 ? [1, "rows"] : [...table.dims.slice(0, -1), "rows"],
    columns: Array.from({ length: outer }, (_, index) =>
      builder.add({
        step: "look-up",
        type,
        column,
        table: scalars.slice(index * last, (index + 1) * last),
      }),
    ),
  };
};

/** The greatest value of a column of indices from 0; undefined where the rules do not know it. */
const findGreatestIndex = (step: Step): number | undefined => {
  if (step.step === "extreme") return step.columns.length - 1;
  if (step.step !== "label" || step.type !== "int64") return undefined;
  const labels = step.labels.map(Number);
  return labels.every((label) => label >= 0) ? Math.max(...labels) : undefined;
};

const arrayFeatureExtractor: CompileOperator = (node, context) => {
  const { operator } = node;
  const [table, indices] = context.values;
  if (table?.kind === "fixed" && indices?.kind === "rows") return [lookUp(table, indices, context, operator)];
  const value = context.rows(0);
  const rank = value.dims.length;
  const places = readIntegers(node, context, { input: 1 }) ?? [];
  if (rank < 2) throw new NotCompiled(`${operator} picks rows`);
  const sizeAxis = toSizeAxis(value, rank - 1, operator);
  const size = pick(listSizes(value), sizeAxis);
  if (places.some((place) => place < 0 || place >= size))
    throw new NotCompiled(`${operator} picks a column that its input does not have`);
  return [
    {
      ...value,
      dims: resize(value.dims, rank - 1, places.length),
      columns: pickAlong(value, sizeAxis, places),
    },
  ];
};

/** Operators that rename, order or pick columns, and compute nothing. */
export const shapeOperators: Readonly<Record<string, CompileOperator>> = {
  Identity: identity,
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: concat,
  Gather: gather,
  Slice: slice,
  Split: split,
  "ai.onnx.ml ArrayFeatureExtractor": arrayFeatureExtractor,
};
