import type { Column, ColumnData } from "./column.ts";

/** Copies the elements of a table at these places to the start of `data`, which has the table's type. */
export const gather = (table: ColumnData, places: Int32Array, data: ColumnData, rows: number): void => {
  if (Array.isArray(table) && Array.isArray(data)) {
    for (let row = 0; row < rows; row++) data[row] = table[places[row] ?? 0] ?? "";
  } else if (table instanceof BigInt64Array && data instanceof BigInt64Array) {
    // Word by word: a bigint for each row would be an object for each row.
    const from = new Int32Array(table.buffer, table.byteOffset);
    const to = new Int32Array(data.buffer, data.byteOffset);
    for (let row = 0; row < rows; row++) {
      const place = 2 * (places[row] ?? 0);
      to[2 * row] = from[place] ?? 0;
      to[2 * row + 1] = from[place + 1] ?? 0;
    }
  } else if (
    !Array.isArray(table) &&
    !Array.isArray(data) &&
    !(table instanceof BigInt64Array) &&
    !(data instanceof BigInt64Array)
  ) {
    for (let row = 0; row < rows; row++) data[row] = table[places[row] ?? 0] ?? 0;
  } else throw new TypeError("a table has another type than its column");
};

/** Copies a column of small integers from 0 to places. */
export const readPlaces = (
  { values, offset, stride }: Column,
  places: Int32Array,
  rows: number,
): Int32Array => {
  if (values instanceof BigInt64Array) {
    // The low word holds them; the processors that Node runs on here are little-endian.
    const words = new Int32Array(values.buffer, values.byteOffset);
    for (let row = 0; row < rows; row++) places[row] = words[2 * (offset + row * stride)] ?? 0;
  } else for (let row = 0; row < rows; row++) places[row] = Number(values[offset + row * stride] ?? 0);
  return places;
};
