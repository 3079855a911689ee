import { type Column, type ColumnData, wrapColumn } from "./column.ts";

/** Copies the elements of a table at these places. */
export const gather = (table: ColumnData, places: Int32Array): Column => {
  const rows = places.length;
  if (Array.isArray(table)) {
    const data = new Array<string>(rows);
    for (let row = 0; row < rows; row++) data[row] = table[places[row] ?? 0] ?? "";
    return wrapColumn(data);
  }
  if (table instanceof BigInt64Array) {
    // Word by word: a bigint for each row would be an object for each row.
    const data = new BigInt64Array(rows);
    const from = new Int32Array(table.buffer, table.byteOffset);
    const to = new Int32Array(data.buffer);
    for (let row = 0; row < rows; row++) {
      const place = 2 * (places[row] ?? 0);
      to[2 * row] = from[place] ?? 0;
      to[2 * row + 1] = from[place + 1] ?? 0;
    }
    return wrapColumn(data);
  }
  const data = allocateLike(table, rows);
  for (let row = 0; row < rows; row++) data[row] = table[places[row] ?? 0] ?? 0;
  return wrapColumn(data);
};

type Numbers = Float32Array | Float64Array | Int32Array | Uint8Array;
const allocateLike = (table: Numbers, rows: number): Numbers => {
  if (table instanceof Float32Array) return new Float32Array(rows);
  if (table instanceof Float64Array) return new Float64Array(rows);
  return table instanceof Int32Array ? new Int32Array(rows) : new Uint8Array(rows);
};

/** A column of small integers from 0 as places. */
export const toPlaces = ({ values, offset, stride }: Column, rows: number): Int32Array => {
  const places = new Int32Array(rows);
  if (values instanceof BigInt64Array) {
    // The low word holds them; both processors that Node runs on here are little-endian.
    const words = new Int32Array(values.buffer, values.byteOffset);
    for (let row = 0; row < rows; row++) places[row] = words[2 * (offset + row * stride)] ?? 0;
  } else for (let row = 0; row < rows; row++) places[row] = Number(values[offset + row * stride] ?? 0);
  return places;
};
