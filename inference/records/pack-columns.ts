import { bandNames, type ScoreColumns } from "#inference/model/score-columns.ts";
import type { RowTable } from "#model-folder/rows/scan/encode-table.ts";
import type { LayoutColumn, RowLayout } from "#model-folder/rows/scan/scan-rows.ts";
import { createScratchMemory } from "#model-folder/rows/scan/scratch-memory.ts";
import { alignColumn, type ColumnsHead, columnTypes, typeCode } from "./column-format.ts";

/** The rows and predictions of a request in columns. */
export type RequestColumns = {
  readonly table: RowTable;
  /** The inputs that are recorded; empty: none. */
  readonly layout: RowLayout;
  readonly scores: ScoreColumns;
};

export type PackedColumns = {
  /** ColumnsHead as JSON. */
  readonly head: string;
  /** In memory that the next call overwrites. */
  readonly bytes: Buffer;
};

type Numbers = Uint8Array | Uint16Array | Int32Array | Float32Array | Float64Array;

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

const fillBytes = (target: Uint8Array, table: Float64Array, start: number, width: number): void => {
  const { missing } = columnTypes[typeCode.u8];
  let from = start;
  for (let row = 0; row < target.length; row++, from += width) {
    const value = table[from] ?? Number.NaN;
    target[row] = value >= 0 ? value : missing;
  }
};
const fillNumbers = (
  target: Exclude<Numbers, Uint8Array>,
  missing: number,
  table: Float64Array,
  start: number,
  width: number,
): void => {
  let from = start;
  for (let row = 0; row < target.length; row++, from += width) {
    const value = table[from] ?? Number.NaN;
    target[row] = Number.isNaN(value) ? missing : value;
  }
};

type Names = Pick<ScoreColumns, "names" | "labelNames"> & {
  readonly layout: RowLayout;
  readonly hasLabels: boolean;
  readonly hasBands: boolean;
};

/** About the bytes that JSON takes for a row's names. */
const countNameBytes = ({ layout, names }: Names): number =>
  [...layout.map(({ name }) => name), ...names].reduce((sum, name) => sum + name.length + 4, 0);

const isSame = (one: Names, other: Names): boolean =>
  one.layout === other.layout &&
  one.names === other.names &&
  one.labelNames === other.labelNames &&
  one.hasLabels === other.hasLabels &&
  one.hasBands === other.hasBands;

const formatNames = ({ layout, names, labelNames, hasLabels, hasBands }: Names): string => {
  const head: Omit<ColumnsHead, "rows"> = {
    inputs: layout.map(({ name, kind, texts }) => [name, kind === "category" ? [...texts] : kind]),
    scores: [...names],
    ...(hasLabels ? { labels: [...labelNames] } : {}),
    ...(hasBands ? { bands: [...bandNames] } : {}),
  };
  return JSON.stringify(head).slice(1);
};

/**
 * Creates the packer of requests for their records: a list of numbers for each column, and once for all rows what they mean. It
 * writes no text and a tenth of the bytes of JSON. Undefined for so few rows that JSON takes less.
 */
export const createColumnPacker = (): ((columns: RequestColumns) => PackedColumns | undefined) => {
  const takeScratch = createScratchMemory();
  let last: { readonly names: Names; readonly text: string; readonly nameBytes: number } | undefined;
  /** The head's text is kept: most requests have the names of the one before. */
  const formatHead = ({ layout, scores, table: { count } }: RequestColumns): string | undefined => {
    const { names, labelNames, labels, bands } = scores;
    const present = {
      ...{ layout, names, labelNames },
      hasLabels: labels !== undefined,
      hasBands: bands !== undefined,
    };
    if (!last || !isSame(last.names, present))
      last = { names: present, text: formatNames(present), nameBytes: countNameBytes(present) };
    return count * last.nameBytes > last.text.length ? `{"rows":${count},${last.text}` : undefined;
  };

  return (columns) => {
    const head = formatHead(columns);
    if (head === undefined) return undefined;
    const { table, layout, scores } = columns;
    const { count } = table;
    const width = table.table.length / count;
    const lists = layout.length + 3;
    const values = count * (layout.length + scores.names.length + 2);
    const memory = takeScratch(alignColumn(lists) + 8 * (lists + values));
    const { buffer, byteOffset } = memory;
    if (!(buffer instanceof ArrayBuffer)) throw new TypeError("the memory is shared");
    const typeCount = layout.length + 1 + (scores.labels ? 1 : 0) + (scores.bands ? 1 : 0);
    let types = 0;
    let end = typeCount;
    /** Nothing of an earlier request stays between the lists. */
    const align = (): void => {
      for (const aligned = alignColumn(end); end < aligned; end++) memory[end] = 0;
    };
    /** Begins the next list of numbers. */
    const begin = (type: number, length: number): Numbers => {
      const { array: NumberArray } = columnTypes[type] ?? columnTypes[typeCode.f64];
      memory[types++] = type;
      align();
      const list = new NumberArray(buffer, byteOffset + end, length);
      end += list.byteLength;
      return list;
    };
    for (const column of layout) {
      const type = chooseType(column, table);
      const target = begin(type, count);
      if (target instanceof Uint8Array) fillBytes(target, table.table, column.index, width);
      else fillNumbers(target, columnTypes[type]?.missing ?? 0, table.table, column.index, width);
    }
    const isSingle = scores.scores instanceof Float32Array;
    begin(isSingle ? typeCode.f32 : typeCode.f64, scores.scores.length).set(scores.scores);
    if (scores.labels) begin(choosePlaceType(scores.labelNames.length), count).set(scores.labels);
    if (scores.bands) begin(typeCode.u8, count).set(scores.bands);
    align();
    return { head, bytes: memory.subarray(0, end) };
  };
};
