import { bandNames, type ScoreColumns } from "#inference/model/score-columns.ts";
import type { RowTable } from "#model-folder/rows/scan/encode-table.ts";
import type { LayoutColumn, RowLayout } from "#model-folder/rows/scan/scan-rows.ts";
import { createScratchMemory } from "#model-folder/rows/scan/scratch-memory.ts";
import {
  alignLists,
  type ColumnNames,
  columnTypes,
  typeBytes,
  typeCode,
  typeOrder,
} from "./column-format.ts";

/** The rows and predictions of a request in columns. */
export type RequestColumns = {
  readonly table: RowTable;
  /** The inputs that are recorded; empty: none. */
  readonly layout: RowLayout;
  readonly scores: ScoreColumns;
};

export type PackedColumns = {
  /** What the numbers mean. The same object for requests with the same names. */
  readonly names: ColumnNames;
  /** In memory that the next call overwrites. */
  readonly bytes: Buffer;
};

/** The same memory as numbers of each type, by its code. */
type Views = readonly [Uint8Array, Uint16Array, Int32Array, Float32Array, Float64Array];

const createViews = (buffer: ArrayBuffer): Views => [
  new Uint8Array(buffer),
  new Uint16Array(buffer),
  new Int32Array(buffer),
  new Float32Array(buffer),
  new Float64Array(buffer),
];

/** The least type that holds a column of the table exactly. */
const chooseNumberType = (table: Float64Array, start: number, width: number): number => {
  let lowest = 0;
  let highest = 0;
  for (let at = start; at < table.length; at += width) {
    const value = table[at] ?? 0;
    if (value === (value | 0)) {
      if (value < lowest) lowest = value;
      else if (value > highest) highest = value;
      // All others but NaN, which is a missing value.
    } else if (!Number.isNaN(value)) return typeCode.f64;
  }
  if (lowest < 0) return lowest > columnTypes[typeCode.i32].missing ? typeCode.i32 : typeCode.f64;
  return choosePlaceType(highest + 1);
};

/** The least type for the places in a list of this length. */
const choosePlaceType = (length: number): number => {
  if (length <= columnTypes[typeCode.u8].missing) return typeCode.u8;
  return length <= columnTypes[typeCode.u16].missing ? typeCode.u16 : typeCode.i32;
};

const chooseType = ({ kind, index, texts }: LayoutColumn, { table, count }: RowTable): number =>
  kind === "number"
    ? chooseNumberType(table, index, table.length / count)
    : choosePlaceType(Math.max(2, texts.length));

/** The column's number in each row of the table; one function for each kind of view, because V8 makes slow code of one for all. */
const copyBytes = (bytes: Uint8Array, to: number, { table, count }: RowTable, from: number): void => {
  const width = table.length / count;
  const { missing } = columnTypes[typeCode.u8];
  for (let row = 0, at = from; row < count; row++, at += width) {
    const value = table[at] ?? Number.NaN;
    bytes[to + row] = value >= 0 ? value : missing;
  }
};
const copyDoubles = (numbers: Float64Array, to: number, { table, count }: RowTable, from: number): void => {
  const width = table.length / count;
  for (let row = 0, at = from; row < count; row++, at += width) numbers[to + row] = table[at] ?? Number.NaN;
};
const copyIntegers = (
  numbers: Uint16Array | Int32Array,
  to: number,
  missing: number,
  { table, count }: RowTable,
  from: number,
): void => {
  const width = table.length / count;
  for (let row = 0, at = from; row < count; row++, at += width) {
    const value = table[at] ?? Number.NaN;
    numbers[to + row] = Number.isNaN(value) ? missing : value;
  }
};

type Names = Pick<ScoreColumns, "names" | "labelNames"> & {
  readonly layout: RowLayout;
  readonly hasLabels: boolean;
  readonly hasBands: boolean;
};

const isSame = (one: Names, other: Names): boolean =>
  one.layout === other.layout &&
  one.names === other.names &&
  one.labelNames === other.labelNames &&
  one.hasLabels === other.hasLabels &&
  one.hasBands === other.hasBands;

const listNames = ({ layout, names, labelNames, hasLabels, hasBands }: Names): ColumnNames => ({
  inputs: layout.map(({ name, kind, texts }) => [name, kind === "category" ? [...texts] : kind]),
  scores: [...names],
  ...(hasLabels ? { labels: [...labelNames] } : {}),
  ...(hasBands ? { bands: [...bandNames] } : {}),
});

/** The names of the request before are kept: most requests have the same. */
const createNameLists = () => {
  let last: { readonly names: Names; readonly lists: ColumnNames } | undefined;
  return ({ layout, scores: { names, labelNames, labels, bands } }: RequestColumns): ColumnNames => {
    const present = {
      ...{ layout, names, labelNames },
      hasLabels: labels !== undefined,
      hasBands: bands !== undefined,
    };
    if (!last || !isSame(last.names, present)) last = { names: present, lists: listNames(present) };
    return last.lists;
  };
};

/** The number of lists: one for each input, one for the scores, and for labels and bands where there are some. */
const countLists = ({ layout, scores: { labels, bands } }: RequestColumns): number =>
  layout.length + 1 + (labels ? 1 : 0) + (bands ? 1 : 0);

/** The types of all lists, in their order. */
const chooseTypes = ({ layout, scores, table }: RequestColumns, types: Uint8Array): void => {
  let list = 0;
  for (const column of layout) types[list++] = chooseType(column, table);
  types[list++] = scores.scores instanceof Float32Array ? typeCode.f32 : typeCode.f64;
  if (scores.labels) types[list++] = choosePlaceType(scores.labelNames.length);
  if (scores.bands) types[list++] = typeCode.u8;
};

/**
 * Creates the packer of requests for their records: a list of numbers for each column, and once for all requests what they
 * mean. It writes no text and a tenth of the bytes of JSON.
 */
export const createColumnPacker = (): ((columns: RequestColumns) => PackedColumns) => {
  const takeScratch = createScratchMemory();
  const findNames = createNameLists();
  let memory: Buffer = Buffer.alloc(0);
  let views = createViews(new ArrayBuffer(0));
  /** Where the next list of each type begins, in bytes. */
  const ends = new Int32Array(columnTypes.length);

  const takeMemory = (bytes: number): void => {
    const taken = takeScratch(bytes);
    if (taken === memory) return;
    memory = taken;
    const { buffer, byteOffset } = taken;
    if (!(buffer instanceof ArrayBuffer) || byteOffset > 0) throw new TypeError("the memory is shared");
    views = createViews(buffer);
  };

  /** Sets where the lists of each type begin; returns where the last one ends. */
  const placeLists = (columns: RequestColumns, lists: number): number => {
    const { layout, table, scores } = columns;
    ends.fill(0);
    for (let list = 0; list < lists; list++) {
      const type = memory[list] ?? 0;
      const length = list === layout.length ? scores.scores.length : table.count;
      ends[type] = (ends[type] ?? 0) + length * (typeBytes[type] ?? 0);
    }
    let end = alignLists(lists);
    for (const type of typeOrder) {
      const bytes = ends[type] ?? 0;
      ends[type] = end;
      end += bytes;
    }
    return end;
  };

  /** Returns where the next list of the type begins, in numbers of this type. */
  const takePlace = (type: number, length: number): number => {
    const size = typeBytes[type] ?? 1;
    const start = ends[type] ?? 0;
    ends[type] = start + length * size;
    return start / size;
  };

  return (columns) => {
    const names = findNames(columns);
    const { table, layout, scores } = columns;
    const { count } = table;
    const lists = countLists(columns);
    takeMemory(alignLists(lists) + 8 * count * (layout.length + scores.names.length + 2));
    chooseTypes(columns, memory);
    // Nothing of an earlier request stays behind the types.
    memory.fill(0, lists, alignLists(lists));
    const end = placeLists(columns, lists);
    let list = 0;
    /** Copies a list that has no missing values. */
    const copy = (numbers: ArrayLike<number>): void => {
      const type = memory[list++] ?? 0;
      const place = takePlace(type, numbers.length);
      views[type]?.set(numbers, place);
    };
    for (const { index } of layout) {
      const type = memory[list++] ?? 0;
      const place = takePlace(type, count);
      if (type === typeCode.u8) copyBytes(views[typeCode.u8], place, table, index);
      else if (type === typeCode.f64) copyDoubles(views[typeCode.f64], place, table, index);
      else {
        const code = type === typeCode.u16 ? typeCode.u16 : typeCode.i32;
        copyIntegers(views[code], place, columnTypes[code].missing, table, index);
      }
    }
    copy(scores.scores);
    if (scores.labels) copy(scores.labels);
    if (scores.bands) copy(scores.bands);
    return { names, bytes: memory.subarray(0, end) };
  };
};
