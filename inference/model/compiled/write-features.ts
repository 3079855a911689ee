import { RunFailed } from "../model-errors.ts";
import { type Column, hasIntegers, hasTexts } from "./column.ts";
import type { Scalar, Step, StepIndex } from "./compiled-graph.ts";
import { fromScalar } from "./scalars.ts";

type OneHot = Extract<Step, { step: "one-hot" }>;
/** Writes the features of a block's rows from `first` on into a row-major matrix. */
type WriteFeatures = (features: Float32Array, first: number, rows: number) => void;

/** The features of one encoded column: for each key the features that it sets. */
type Group = {
  readonly source: Column;
  readonly keys: readonly Scalar[];
  readonly mustMatch: boolean;
  readonly features: number[][];
};

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
  const groups = new Map<string, Group>();
  const addOneHot = (step: OneHot, feature: number): void => {
    const key = JSON.stringify([step.column, step.keys, step.mustMatch]);
    const group = groups.get(key) ?? {
      source: take(registers, step.column),
      keys: step.keys,
      mustMatch: step.mustMatch,
      features: step.keys.map(() => []),
    };
    groups.set(key, group);
    group.features[step.key]?.push(feature);
  };
  for (const [feature, column] of columns.entries()) {
    const step = steps[column];
    if (step?.step === "one-hot") addOneHot(step, feature);
    else copies.push({ feature, source: take(registers, column) });
  }
  return { copies, groups: [...groups.values()] };
};

type Block = { readonly width: number; readonly first: number; readonly rows: number };

const writeCopy = (
  { values, offset, stride }: Column,
  features: Float32Array,
  feature: number,
  { width, first, rows }: Block,
): void => {
  if (!(values instanceof Float32Array)) throw new TypeError("a feature is no float32");
  let to = feature;
  let from = offset + first * stride;
  for (let row = 0; row < rows; row++) {
    features[to] = values[from] ?? 0;
    to += width;
    from += stride;
  }
};

type Codes = ReadonlyMap<number | bigint | string, readonly number[]>;
/** The features that each key sets. */
const indexKeys = ({ keys, source, features }: Group): Codes => {
  const type = hasTexts(source) ? "string" : hasIntegers(source) ? "int64" : "float32";
  // The last of equal keys counts, as in onnxruntime.
  return new Map(keys.map((key, place) => [fromScalar(key, type), features[place] ?? []] as const));
};

const prepareGroup = (group: Group) => {
  const { source, mustMatch } = group;
  let codes: Codes | undefined;
  return (features: Float32Array, { width, first, rows }: Block): void => {
    codes ??= indexKeys(group);
    const { values, offset, stride } = source;
    const isFloat = values instanceof Float32Array;
    for (let row = 0; row < rows; row++) {
      const value = values[offset + (first + row) * stride] ?? "";
      // onnxruntime compares a float as the integer that it truncates to.
      const found = codes.get(isFloat ? Math.trunc(Number(value)) + 0 : value);
      if (found === undefined) {
        if (mustMatch)
          throw new RunFailed("a value is none of the categories that the model was trained with");
        continue;
      }
      for (let index = 0; index < found.length; index++) features[row * width + (found[index] ?? 0)] = 1;
    }
  };
};

/**
 * Prepares the features of an ensemble. Columns of a matrix that are all of its features in order are copied at once; a
 * one-hot encoded column is looked up once for all of its features.
 */
export const createFeatureWriter = (
  columns: readonly StepIndex[],
  steps: readonly Step[],
  registers: readonly Column[],
): WriteFeatures => {
  const width = columns.length;
  const { copies, groups } = groupFeatures(columns, steps, registers);
  const writers = groups.map(prepareGroup);
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
    if (
      mayBeWhole &&
      origin !== undefined &&
      origin.stride === width &&
      origin.values instanceof Float32Array
    ) {
      const start = origin.offset + first * width;
      features.set(origin.values.subarray(start, start + rows * width));
      return;
    }
    const block = { width, first, rows };
    if (writers.length > 0) features.fill(0, 0, rows * width);
    for (const { source, feature } of copies) writeCopy(source, features, feature, block);
    for (const write of writers) write(features, block);
  };
};
