import type { ColumnType } from "./compiled-graph.ts";

/** The elements of columns; flags are 0 and 1. */
export type ColumnData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array | string[];
/** One column of some data: its element in row i is `values[offset + i × stride]`. A run moves it from block to block. */
export type ColumnOf<Data extends ColumnData> = { values: Data; offset: number; stride: number };
export type Column = ColumnOf<ColumnData>;
export type FloatData = Float32Array | Float64Array;
/** Data that arithmetic in JavaScript's numbers fits. */
export type NumberData = Float32Array | Float64Array | Int32Array | Uint8Array;

export const allocateFloats = (type: "float32" | "float64", length: number): FloatData =>
  type === "float32" ? new Float32Array(length) : new Float64Array(length);

export const allocateColumn = (type: ColumnType, rows: number): ColumnData => {
  switch (type) {
    case "float32":
      return new Float32Array(rows);
    case "float64":
      return new Float64Array(rows);
    case "int32":
      return new Int32Array(rows);
    case "int64":
      return new BigInt64Array(rows);
    case "bool":
      return new Uint8Array(rows);
    case "string":
      return new Array<string>(rows).fill("");
    default:
      return type satisfies never;
  }
};

export const hasNumbers = (column: Column): column is ColumnOf<NumberData> =>
  !Array.isArray(column.values) && !(column.values instanceof BigInt64Array);
export const hasIntegers = (column: Column): column is ColumnOf<BigInt64Array> =>
  column.values instanceof BigInt64Array;
export const hasTexts = (column: Column): column is ColumnOf<string[]> => Array.isArray(column.values);

/** The type of the keys that a column's values are looked up by. */
export const findKeyType = (column: Column): "string" | "int64" | "float32" =>
  hasTexts(column) ? "string" : hasIntegers(column) ? "int64" : "float32";

/** A column whose numbers arithmetic can use. The compiler makes no other step of this kind. */
export const toNumbers = (column: Column): ColumnOf<NumberData> => {
  if (!hasNumbers(column)) throw new TypeError("a step got a column of another type");
  return column;
};
