import type { Column } from "#model-folder/onnx/bind-inputs.ts";
import { maxRows } from "#model-folder/rows/encode-rows.ts";
import { type ColumnRule, createColumnRule } from "./column-rule.ts";
import { openScanner } from "./open-scanner.ts";
import { createTextTable } from "./text-table.ts";

/** What a scan tells of a body's rows, besides their values. */
export type ScannedBody = {
  readonly count: number;
  /** The columns of each row; undefined where a row has other names than the first, or another order of them. */
  readonly layout: RowLayout | undefined;
  /** Absent where nobody wanted it. */
  readonly text?: RowText | undefined;
};

/** The bytes of a body's rows. */
export type RowText = {
  /** The whole body, valid JSON in UTF-8. */
  readonly body: DataView;
  /** Elements 3i to 3i + 2 (placesPerRow): where row i begins and ends in the body, and where its values end in `lists`. */
  readonly places: Int32Array;
  /** The rows without their names, where there is a layout. */
  readonly lists: RowLists | undefined;
  /** Whether the rows go over several lines. */
  readonly hasLines: boolean;
};

/** The rows of a body as numbers and as bytes. */
type ScannedRows = ScannedBody & {
  /** Row-major, `count` × columns; NaN: missing. It is the scanner's memory, which its next scan overwrites. */
  readonly table: Float64Array;
};

/** A column of the rows, and how its numbers in the table are read. */
export type LayoutColumn = Pick<ColumnRule, "kind"> & {
  readonly name: string;
  /** Its place in a row of the table. */
  readonly index: number;
  /** The texts of a category, by their numbers. */
  readonly texts: readonly string[];
};

/** The columns of a row, in the order in which the body has them. The same object for bodies with the same order. */
export type RowLayout = readonly LayoutColumn[];

/** The values of each row as the body writes them, in the order of the layout and with a comma behind each. */
type RowLists = { readonly values: DataView };

/** A larger table would fill the memory. Bodies of that size are read another way. */
const maxValues = 4_000_000;
/** A scanner that needed more memory is not kept for the next body. */
const maxKeptBytes = 24 * 1_024 * 1_024;

/** Readers of a copy take four bytes at a time. */
const copyMargin = 3;

/** A copy; a short one shares memory with others, which costs less than memory of its own. */
const copyBytes = (source: Uint8Array): DataView => {
  const bytes = Buffer.allocUnsafe(source.length + copyMargin);
  bytes.set(source);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
};

/** Finds the layout of an order of columns; bodies usually have the order of the one before. */
const createLayouts = (columns: readonly Column[], rules: readonly ColumnRule[]) => {
  const all = columns.map(
    ({ input }, index): LayoutColumn => ({
      name: input.name,
      kind: rules[index]?.kind ?? "number",
      index,
      texts: input.type === "category" ? input.values : [],
    }),
  );
  let last: RowLayout | undefined;
  return (order: Uint32Array): RowLayout => {
    const isSame = last?.length === order.length && last.every(({ index }, at) => index === order[at]);
    if (!last || !isSame)
      last = Array.from(order, (index) => all[index]).filter((column) => column !== undefined);
    return last;
  };
};

/**
 * Creates a scanner of bodies `{ "rows": [ … ] }` for a model: it reads, validates and encodes the rows in one pass over the
 * bytes, without objects (source/scan.cpp). It returns undefined at the first thing that it does not know or that is not valid;
 * JSON.parse and encodeRows then read the body and name its problems. What it returns is what they would have read.
 * @param columns the manifest's inputs, bound to the graph's inputs (bindInputs)
 * @returns undefined for a model with inputs other than numbers, flags and known categories
 */
export const createRowScanner = (
  columns: readonly Column[],
): ((body: Uint8Array, withText?: boolean) => ScannedRows | undefined) | undefined => {
  const rules: ColumnRule[] = [];
  for (const column of columns) {
    const rule = createColumnRule(column);
    if (!rule) return undefined;
    rules.push(rule);
  }
  const names = createTextTable(columns.map(({ input }) => input.name));
  if (rules.length === 0 || !names.isComplete) return undefined;
  const findLayout = createLayouts(columns, rules);
  let kept: ReturnType<typeof openScanner> | undefined;
  return (body, withText = false) => {
    // Opened by the first body: a cold start without one does not wait for it.
    const scanner = kept ?? openScanner(rules, names, { rows: maxRows, values: maxValues });
    const rows = scanner.scan(body);
    kept = scanner.bytes() <= maxKeptBytes ? scanner : undefined;
    if (!rows) return undefined;
    const { count, table, places, lists, order, areAlike, hasLines } = rows;
    return {
      count,
      table,
      layout: areAlike ? findLayout(order) : undefined,
      text: withText
        ? {
            body: new DataView(body.buffer, body.byteOffset, body.length),
            places: places.slice(),
            lists: areAlike ? { values: copyBytes(lists) } : undefined,
            hasLines,
          }
        : undefined,
    };
  };
};
