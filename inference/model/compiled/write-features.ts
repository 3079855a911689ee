import type { Column, FloatData } from "./column.ts";
import type { Step, StepIndex } from "./compiled-graph.ts";

type OneHot = Extract<Step, { step: "one-hot" }>;
/** Writes the features of a block's rows from `first` on into a row-major matrix of their type. */
type WriteFeatures = (features: FloatData, first: number, rows: number) => void;

/** The features of one encoded column: for each category, the last being none, the features that it sets. */
type Group = { readonly source: Column; readonly features: number[][] };

const take = (registers: readonly Column[], step: StepIndex): Column => {
  const register = registers[step];
  if (register === undefined) throw new TypeError(`the graph has no step ${step}`);
  return register;
};

const groupFeatures = (
  columns: readonly StepIndex[],
  steps: readonly Step[],
  registers: readonly Column[],
) => {
  const copies: { readonly feature: number; readonly source: Column }[] = [];
  const groups = new Map<StepIndex, Group>();
  const addOneHot = ({ category, key }: OneHot, feature: number): void => {
    const encoded = steps[category];
    const places = encoded?.step === "category" ? encoded.keys.length + 1 : 0;
    const group = groups.get(category) ?? {
      source: take(registers, category),
      features: Array.from({ length: places }, () => []),
    };
    groups.set(category, group);
    group.features[key]?.push(feature);
  };
  for (const [feature, column] of columns.entries()) {
    const step = steps[column];
    if (step?.step === "one-hot") addOneHot(step, feature);
    else copies.push({ feature, source: take(registers, column) });
  }
  return { copies, groups: [...groups.values()] };
};

const isOfType = (values: Column["values"], matrix: FloatData): values is FloatData =>
  values.constructor === matrix.constructor;

type Block = { readonly width: number; readonly first: number; readonly rows: number };

const writeCopy = (
  { values, offset, stride }: Column,
  features: FloatData,
  feature: number,
  { width, first, rows }: Block,
): void => {
  if (!isOfType(values, features)) throw new TypeError("a feature has another type than its matrix");
  let to = feature;
  let from = offset + first * stride;
  for (let row = 0; row < rows; row++) {
    features[to] = values[from] ?? 0;
    to += width;
    from += stride;
  }
};

const writeGroup = ({ source, features: byCategory }: Group, features: FloatData, block: Block): void => {
  const { values, offset, stride } = source;
  if (!(values instanceof Int32Array)) throw new TypeError("a category is no int32");
  const { width, first, rows } = block;
  for (let row = 0; row < rows; row++) {
    const set = byCategory[values[offset + (first + row) * stride] ?? 0] ?? [];
    for (let index = 0; index < set.length; index++) features[row * width + (set[index] ?? 0)] = 1;
  }
};

/**
 * Prepares the features of an ensemble or of sums. Columns of a matrix that are all of its features in order are copied at once; a
 * one-hot encoded column is read once for all of its features.
 */
export const createFeatureWriter = (
  columns: readonly StepIndex[],
  steps: readonly Step[],
  registers: readonly Column[],
): WriteFeatures => {
  const width = columns.length;
  const { copies, groups } = groupFeatures(columns, steps, registers);
  const origin = copies[0]?.source;
  // Elements 0 to width - 1 of one input, or the columns of one matrix.
  const mayBeWhole =
    copies.length === width &&
    columns.every((column, index) => {
      const step = steps[column];
      const start = steps[columns[0] ?? 0];
      return step?.step === "input"
        ? start?.step === "input" && step.input === start.input && step.element === index
        : step?.step === "part" &&
            start?.step === "part" &&
            step.matrix === start.matrix &&
            step.column === index;
    });
  return (features, first, rows) => {
    if (mayBeWhole && origin !== undefined && origin.stride === width && isOfType(origin.values, features)) {
      const start = origin.offset + first * width;
      features.set(origin.values.subarray(start, start + rows * width));
      return;
    }
    const block = { width, first, rows };
    if (groups.length > 0) features.fill(0, 0, rows * width);
    for (const { source, feature } of copies) writeCopy(source, features, feature, block);
    for (const group of groups) writeGroup(group, features, block);
  };
};
