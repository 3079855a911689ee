import type { Bound, Doubts } from "./bounds.ts";
import { allocateColumn, allocateFloats, type Column, type ColumnData, findKeyType } from "./column.ts";
import type { ClassRule, ColumnType, Scalar, Step, StepIndex } from "./compiled-graph.ts";
import type { EnsembleRunner } from "./ensemble-runner.ts";
import { gather, readPlaces } from "./gather.ts";
import { labelRows, scoreRows, transformRows } from "./link-scores.ts";
import { createPrefixView } from "./prefix-view.ts";
import { prepareCategory } from "./prepare-category.ts";
import {
  isWithinInt64,
  runArithmetic,
  runChoice,
  runComparison,
  runConversion,
  runFunction,
} from "./run-arithmetic.ts";
import { prepareDense } from "./run-dense.ts";
import { fromScalar } from "./scalars.ts";
import { createFeatureWriter } from "./write-features.ts";

/** Fills the step's register for the rows of one block, which begins at row `start` of the request. */
export type RunStep = (start: number, rows: number) => void;

export type StepContext = {
  readonly steps: readonly Step[];
  /** One for each step; a matrix is a column whose stride is its width. */
  readonly registers: readonly Column[];
  /** The feeds of the present request. */
  readonly inputs: readonly Column[];
  readonly runners: readonly EnsembleRunner[];
  readonly blockRows: number;
  /** One for each step whose numbers have bounds. */
  readonly bounds: (Bound | undefined)[];
  readonly doubts: Doubts;
};

const take = <Item>(list: readonly Item[], index: number): Item => {
  const item = list[index];
  if (item === undefined) throw new TypeError(`the graph names ${index} of ${list.length}`);
  return item;
};

const fillColumn = (data: ColumnData, values: readonly (number | bigint | string)[]): ColumnData => {
  for (const [index, value] of values.entries())
    if (Array.isArray(data)) data[index] = String(value);
    else if (data instanceof BigInt64Array) data[index] = BigInt(value);
    else data[index] = Number(value);
  return data;
};
const toTable = (values: readonly Scalar[], type: ColumnType): ColumnData =>
  fillColumn(
    allocateColumn(type, values.length),
    values.map((value) => fromScalar(value, type)),
  );

type Of<Name extends Step["step"]> = Extract<Step, { step: Name }>;

const prepareMap = (
  { type, keys, values, fallback }: Of<"map">,
  source: Column,
  data: ColumnData,
  blockRows: number,
): RunStep => {
  // The last place holds the fallback.
  const table = toTable([...values, fallback], type);
  const places = new Int32Array(blockRows);
  let known: Map<number | bigint | string, number> | undefined;
  const index = (): Map<number | bigint | string, number> => {
    const keyType = findKeyType(source);
    const found = new Map<number | bigint | string, number>();
    for (const [place, key] of keys.entries()) {
      const value = fromScalar(key, keyType);
      // The first of equal keys counts, as in onnxruntime.
      if (!found.has(value)) found.set(value, place);
    }
    return found;
  };
  return (_start, rows) => {
    known ??= index();
    for (let row = 0; row < rows; row++)
      places[row] = known.get(source.values[source.offset + row * source.stride] ?? "") ?? keys.length;
    gather(table, places, data, rows);
  };
};

const readAt = ({ values, offset, stride }: Column, row: number): number | bigint | string =>
  values[offset + row * stride] ?? 0;

const prepareExtreme = (least: boolean, sources: readonly Column[], data: BigInt64Array): RunStep => {
  const words = new Int32Array(data.buffer);
  return (_start, rows) => {
    for (let row = 0; row < rows; row++) {
      let best = 0;
      let value = readAt(take(sources, 0), row);
      for (let index = 1; index < sources.length; index++) {
        const other = readAt(take(sources, index), row);
        if (least ? other < value : other > value) {
          best = index;
          value = other;
        }
      }
      words[2 * row] = best;
    }
  };
};

const prepareEnsemble = (
  { ensemble, width, features }: Of<"ensemble">,
  { steps, registers, runners }: StepContext,
  values: Float32Array,
): RunStep => {
  const runner = take(runners, ensemble);
  if (runner.featureCount !== features.length || runner.width !== width)
    throw new TypeError(`the graph's ensemble ${ensemble} has no runner of its shape`);
  const writeFeatures = createFeatureWriter(features, steps, registers);
  return (_start, rows) => {
    for (let first = 0; first < rows; first += runner.maxRows) {
      const count = Math.min(runner.maxRows, rows - first);
      writeFeatures(runner.features(count), first, count);
      values.set(runner.run(count), first * width);
    }
  };
};

/** Sums, and their bounds beside them. */
const prepareSums = (step: Of<"dense">, index: StepIndex, context: StepContext): RunStep => {
  const { steps, registers, bounds, blockRows } = context;
  const { type, width, features } = step;
  const toNumbers = (list: readonly Scalar[]): Float64Array => Float64Array.from(list, Number);
  const sum = prepareDense({ type, width, weights: toNumbers(step.weights), bias: toNumbers(step.bias) });
  const values = allocateFloats(type, blockRows * width);
  const register = take(registers, index);
  register.values = values;
  register.stride = width;
  const bound = { values: new Float64Array(blockRows * width), offset: 0, stride: width };
  bounds[index] = bound;
  const featureBounds = features.map((feature) => bounds[feature]);
  const writeFeatures = createFeatureWriter(features, steps, registers);
  const count = features.length;
  const hasBounds = featureBounds.some((each) => each !== undefined);
  const block = {
    features: allocateFloats(type, blockRows * count),
    featureBounds: hasBounds ? new Float64Array(blockRows * count) : undefined,
    values,
    bounds: bound.values,
  };
  return (_start, rows) => {
    writeFeatures(block.features, 0, rows);
    for (let index = 0; index < featureBounds.length; index++) {
      const each = featureBounds[index];
      if (each !== undefined && block.featureBounds !== undefined)
        for (let row = 0; row < rows; row++)
          block.featureBounds[row * count + index] = each.values[each.offset + row * each.stride] ?? 0;
    }
    sum(block, rows);
  };
};

const toRule = (rule: ClassRule) => ({ ...rule, base: rule.base.map((value) => Number(value)) });

const isWords = (data: ColumnData): data is BigInt64Array => data instanceof BigInt64Array;

/** A step that computes a column into memory of its own. */
const prepareColumn = (
  step: Exclude<
    Step,
    Of<"input"> | Of<"part"> | Of<"constant"> | Of<"ensemble" | "transform" | "scores" | "dense">
  >,
  { registers, steps, blockRows, doubts }: StepContext,
  data: ColumnData,
): RunStep => {
  const column = (index: StepIndex): Column => take(registers, index);
  switch (step.step) {
    case "convert": {
      const source = column(step.column);
      return (_start, rows) => {
        if (step.mayOverflow && !isWithinInt64(source, rows)) doubts.found = true;
        else runConversion(source, step.type, data, rows);
      };
    }
    case "arithmetic": {
      const left = column(step.left);
      const right = column(step.right);
      return (_start, rows) => runArithmetic(step.operation, left, right, data, rows);
    }
    case "compare": {
      const left = column(step.left);
      const right = column(step.right);
      return (_start, rows) => runComparison(step.comparison, left, right, data, rows);
    }
    case "function": {
      const source = column(step.column);
      return (_start, rows) => runFunction(step.function, source, data, rows);
    }
    case "choose": {
      const condition = column(step.condition);
      const yes = column(step.yes);
      const no = column(step.no);
      return (_start, rows) => runChoice(condition, yes, no, data, rows);
    }
    case "map":
      return prepareMap(step, column(step.column), data, blockRows);
    case "category":
      if (!(data instanceof Int32Array)) throw new TypeError("a category is no int32");
      return prepareCategory(step, column(step.column), data);
    case "one-hot": {
      // One feature of an ensemble of one feature.
      const write = createFeatureWriter([steps.indexOf(step)], steps, registers);
      if (!(data instanceof Float32Array)) throw new TypeError("a one-hot column is no float32");
      return (_start, rows) => write(data, 0, rows);
    }
    case "look-up": {
      const source = column(step.column);
      const table = toTable(step.table, step.type);
      const places = new Int32Array(blockRows);
      return (_start, rows) => gather(table, readPlaces(source, places, rows), data, rows);
    }
    case "extreme":
      if (!isWords(data)) throw new TypeError("an index is no int64");
      return prepareExtreme(step.least, step.columns.map(column), data);
    case "label": {
      const { values } = column(step.matrix);
      const width = step.rule.weighed.length;
      const rule = toRule(step.rule);
      const table = toTable(step.labels, step.type);
      const places = new Int32Array(blockRows);
      const sums = new Float32Array(blockRows * width);
      if (!(values instanceof Float32Array)) throw new TypeError("a label has no sums");
      return (_start, rows) => {
        sums.set(values.subarray(0, rows * width));
        labelRows(sums.subarray(0, rows * width), rule, places);
        gather(table, places, data, rows);
      };
    }
    default:
      return step satisfies never;
  }
};

/** A step that changes a copy of a matrix. */
const prepareMatrix = (step: Of<"transform" | "scores">, source: Column, values: Float32Array): RunStep => {
  const { width } = step;
  const from = source.values;
  if (!(from instanceof Float32Array)) throw new TypeError("a matrix is no float32");
  const rule = step.step === "scores" ? toRule(step.rule) : undefined;
  const readSource = createPrefixView(from);
  const readCopy = createPrefixView(values);
  return (_start, rows) => {
    const block = readCopy(rows * width);
    block.set(readSource(rows * width));
    if (rule !== undefined) scoreRows(block, rule);
    else if (step.step === "transform") transformRows(block, width, step.transform);
  };
};

/** Prepares a step, whose register and those of its sources keep their place for as long as the graph is open. */
export const prepareStep = (index: StepIndex, context: StepContext): RunStep => {
  const { steps, registers, inputs, blockRows } = context;
  const step = take(steps, index);
  const register = take(registers, index);
  switch (step.step) {
    case "input": {
      const input = take(inputs, step.input);
      const { element } = step;
      return (start) => {
        register.values = input.values;
        register.stride = input.stride;
        register.offset = element + start * input.stride;
      };
    }
    case "part": {
      const matrix = take(registers, step.matrix);
      register.values = matrix.values;
      register.offset = step.column;
      register.stride = matrix.stride;
      return () => {};
    }
    case "constant":
      register.values = toTable([step.value], step.type);
      register.stride = 0;
      return () => {};
    case "dense":
      return prepareSums(step, index, context);
    case "ensemble":
    case "transform":
    case "scores": {
      const values = new Float32Array(blockRows * step.width);
      register.values = values;
      register.stride = step.width;
      return step.step === "ensemble"
        ? prepareEnsemble(step, context, values)
        : prepareMatrix(step, take(registers, step.matrix), values);
    }
    default: {
      const data = allocateColumn(step.type, blockRows);
      register.values = data;
      return prepareColumn(step, context, data);
    }
  }
};
