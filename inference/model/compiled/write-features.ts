import { RunFailed } from "../model-errors.ts";
import { type Column, hasIntegers, hasTexts } from "./column.ts";
import type { Step, StepIndex } from "./compiled-graph.ts";
import { fromScalar } from "./scalars.ts";

type OneHot = Extract<Step, { step: "one-hot" }>;
type GetColumn = (step: StepIndex) => Column;
/** Writes the features of rows from `start` on into a row-major matrix. */
type WriteFeatures = (getColumn: GetColumn, features: Float32Array, start: number, rows: number) => void;

/** Neighbouring columns of one source, copied together. */
type Copy = { readonly feature: number; readonly column: StepIndex };
/** The features of one encoded column: for each key the features that it sets. */
type Group = {
  readonly column: StepIndex;
  readonly keys: OneHot["keys"];
  readonly mustMatch: boolean;
  readonly features: number[][];
};

const groupFeatures = (columns: readonly StepIndex[], steps: readonly Step[]) => {
  const copies: Copy[] = [];
  const groups = new Map<string, Group>();
  for (const [feature, column] of columns.entries()) {
    const step = steps[column];
    if (step?.step !== "one-hot") {
      copies.push({ feature, column });
      continue;
    }
    const key = JSON.stringify([step.column, step.keys, step.mustMatch]);
    const group: Group = groups.get(key) ?? {
      column: step.column,
      keys: step.keys,
      mustMatch: step.mustMatch,
      features: step.keys.map(() => []),
    };
    groups.set(key, group);
    group.features[step.key]?.push(feature);
  }
  return { copies, groups: [...groups.values()] };
};

const writeCopy = (
  { values, offset, stride }: Column,
  features: Float32Array,
  { feature, width, start, rows }: { feature: number; width: number; start: number; rows: number },
): void => {
  if (!(values instanceof Float32Array)) throw new TypeError("a feature is no float32");
  let to = feature;
  let from = offset + start * stride;
  for (let row = 0; row < rows; row++) {
    features[to] = values[from] ?? 0;
    to += width;
    from += stride;
  }
};

type Codes = ReadonlyMap<number | bigint | string, readonly number[]>;
const openGroup = ({ column, keys, mustMatch, features: targets }: Group) => {
  let codes: Codes | undefined;
  const open = (source: Column): Codes => {
    const type = hasTexts(source) ? "string" : hasIntegers(source) ? "int64" : "float32";
    const opened = new Map<number | bigint | string, readonly number[]>();
    // The last of equal keys counts, as in onnxruntime.
    for (const [index, key] of keys.entries()) opened.set(fromScalar(key, type), targets[index] ?? []);
    return opened;
  };
  return (getColumn: GetColumn, features: Float32Array, width: number, start: number, rows: number): void => {
    const source = getColumn(column);
    codes ??= open(source);
    const { values, offset, stride } = source;
    for (let row = 0; row < rows; row++) {
      const value = values[offset + (start + row) * stride] ?? "";
      // onnxruntime compares a float as the integer that it truncates to.
      const found = codes.get(typeof value === "number" ? Math.trunc(value) + 0 : value);
      if (found === undefined) {
        if (mustMatch)
          throw new RunFailed("a value is none of the categories that the model was trained with");
        continue;
      }
      for (const feature of found) features[row * width + feature] = 1;
    }
  };
};

/**
 * Prepares the features of an ensemble. Columns of a matrix that are all of its features in order are copied at once; a
 * one-hot encoded column is looked up once for all of its features.
 */
export const createFeatureWriter = (columns: readonly StepIndex[], steps: readonly Step[]): WriteFeatures => {
  const width = columns.length;
  const { copies, groups } = groupFeatures(columns, steps);
  const opened = groups.map(openGroup);
  return (getColumn, features, start, rows) => {
    const [first] = copies;
    if (first !== undefined && copies.length === width) {
      const { values, offset, stride } = getColumn(first.column);
      const isWhole =
        values instanceof Float32Array &&
        offset === 0 &&
        stride === width &&
        copies.every(({ column }, index) => {
          const other = getColumn(column);
          return other.values === values && other.offset === index;
        });
      if (isWhole) {
        features.set(values.subarray(start * width, (start + rows) * width));
        return;
      }
    }
    if (groups.length > 0) features.fill(0, 0, rows * width);
    for (const { feature, column } of copies)
      writeCopy(getColumn(column), features, { feature, width, start, rows });
    for (const write of opened) write(getColumn, features, width, start, rows);
  };
};
