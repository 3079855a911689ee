import type { Column } from "#model-folder/onnx/bind-inputs.ts";
import { maxRows } from "#model-folder/rows/encode-rows.ts";
import { type ColumnRule, createColumnRule } from "./column-rule.ts";
import { createNumberScanner } from "./scan-number.ts";
import { createTextTable } from "./text-table.ts";

/** The rows of a body in a table of numbers, with the bytes that they came from. */
export type ScannedRows = {
  readonly count: number;
  /** Row-major, `count` × columns; NaN: missing. */
  readonly table: Float64Array;
  /** The whole body, valid JSON in UTF-8. */
  readonly body: DataView;
  /** Where row i begins and ends in the body: elements 2i and 2i + 1. */
  readonly places: Int32Array;
  /** The rows without their names; undefined where a row has other names than the first, or another order of them. */
  readonly lists: RowLists | undefined;
  /** Whether the rows go over several lines. */
  readonly hasLines: boolean;
};

/** The values of each row as the body writes them, in the order of `names` and with a comma behind each. */
export type RowLists = {
  readonly names: readonly string[];
  /** May be longer than the values. */
  readonly values: DataView;
  /** Where the values of row i end. */
  readonly ends: Int32Array;
};

/** A larger table would fill the memory. Bodies of that size are read another way. */
const maxValues = 4_000_000;

const tab = 0x09;
const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openingBracket = 0x5b;
const closingBracket = 0x5d;
const openingBrace = 0x7b;
const closingBrace = 0x7d;

const encodeWord = (word: string): Uint8Array => new Uint8Array(Buffer.from(word));
const trueWord = encodeWord("true");
const falseWord = encodeWord("false");
const nullWord = encodeWord("null");
const rowsWord = encodeWord('"rows"');

const startsWith = (json: Uint8Array, start: number, word: Uint8Array): boolean => {
  for (let at = 0; at < word.length; at++) if (json[start + at] !== word[at]) return false;
  return true;
};

const isSpace = (byte: number | undefined): boolean =>
  byte === space || byte === newline || byte === carriageReturn || byte === tab;

const skipSpace = (json: Uint8Array, start: number): number => {
  let at = start;
  while (isSpace(json[at])) at++;
  return at;
};

const hasNewline = (json: Uint8Array, start: number, end: number): boolean => {
  const at = json.indexOf(newline, start);
  return at >= 0 && at < end;
};

/** Where the first row begins in `{ "rows": [ … ] }`; -1 for any other beginning. */
const findFirstRow = (json: Uint8Array): number => {
  let at = skipSpace(json, 0);
  if (json[at] !== openingBrace) return -1;
  at = skipSpace(json, at + 1);
  if (!startsWith(json, at, rowsWord)) return -1;
  at = skipSpace(json, at + rowsWord.length);
  if (json[at] !== colon) return -1;
  at = skipSpace(json, at + 1);
  return json[at] === openingBracket ? skipSpace(json, at + 1) : -1;
};

/** Whether nothing follows the rows but the end of their object. */
const isEnd = (json: Uint8Array, start: number): boolean => {
  const at = skipSpace(json, start);
  return json[at] === closingBrace && skipSpace(json, at + 1) === json.length;
};

/** What a scan has found so far; `table` and its companions grow as rows come. */
const createGrowingTable = (width: number, body: Uint8Array) => {
  let capacity = 1;
  const growing = {
    table: new Float64Array(width),
    places: new Int32Array(2),
    ends: new Int32Array(1),
    /** Makes room for another row than `count`, whose bytes end at `end`. False where the table would be too large. */
    grow(count: number, end: number): boolean {
      if (count < capacity) return true;
      // The rows so far tell how many will come.
      const expected = Math.ceil((count * body.length) / end) + 1;
      capacity = Math.min(maxRows, Math.max(2 * count, expected));
      if (count >= capacity || capacity * width > maxValues) return false;
      const { table, places, ends } = growing;
      growing.table = new Float64Array(capacity * width);
      growing.table.set(table);
      growing.places = new Int32Array(2 * capacity);
      growing.places.set(places);
      growing.ends = new Int32Array(capacity);
      growing.ends.set(ends);
      return true;
    },
  };
  return growing;
};

/**
 * Creates a scanner of bodies `{ "rows": [ … ] }` for a model: it reads, validates and encodes the rows in one pass over the
 * bytes, without objects. It returns undefined at the first thing that it does not know or that is not valid; JSON.parse and
 * encodeRows then read the body and name its problems. What it returns is what they would have read.
 * @param columns the manifest's inputs, bound to the graph's inputs (bindInputs)
 * @returns undefined for a model with inputs other than numbers, flags and known categories
 */
export const createRowScanner = (
  columns: readonly Column[],
): ((body: Uint8Array) => ScannedRows | undefined) | undefined => {
  const rules: ColumnRule[] = [];
  for (const column of columns) {
    const rule = createColumnRule(column);
    if (!rule) return undefined;
    rules.push(rule);
  }
  const width = rules.length;
  const inputNames = columns.map(({ input }) => input.name);
  const names = createTextTable(inputNames);
  if (width === 0 || !names.isComplete) return undefined;
  const numbers = createNumberScanner();
  /** The column that came after each column last time; the first of a row is at 0, the one behind column i at i + 1. */
  const following = Int32Array.from({ length: width + 1 }, (_, index) => index % width);
  let end = 0;

  /** Reads a value and sets `end`; NaN for null, undefined for a value that is refused. */
  const scanValue = (
    json: Uint8Array,
    view: DataView,
    start: number,
    rule: ColumnRule,
  ): number | undefined => {
    const first = json[start];
    if (rule.kind === "category" && first === quote) {
      const index = rule.texts.find(view, start + 1);
      if (index < 0) return undefined;
      end = start + 1 + (rule.texts.lengths[index] ?? 0);
      return index;
    }
    if (rule.kind === "number" && first !== nullWord[0]) {
      const value = numbers.scan(json, start);
      end = numbers.end;
      if (!(value >= rule.min && value <= rule.max)) return undefined;
      return rule.isInteger && !Number.isInteger(value) ? undefined : value;
    }
    if (!rule.required && startsWith(json, start, nullWord)) {
      end = start + nullWord.length;
      return Number.NaN;
    }
    if (rule.kind !== "boolean") return undefined;
    const isTrue = startsWith(json, start, trueWord);
    if (!isTrue && !startsWith(json, start, falseWord)) return undefined;
    end = start + (isTrue ? trueWord : falseWord).length;
    return isTrue ? 1 : 0;
  };

  return (body) => {
    let at = findFirstRow(body);
    if (at < 0) return undefined;
    const view = new DataView(body.buffer, body.byteOffset, body.length);
    const growing = createGrowingTable(width, body);
    const seen = new Int32Array(width).fill(-1);
    const order: number[] = [];
    const lists = Buffer.allocUnsafe(body.length + 4);
    const listView = new DataView(lists.buffer, lists.byteOffset, lists.length);
    let listed = 0;
    let areAlike = true;
    let hasLines = false;
    for (let row = 0; ; row++) {
      if (body[at] !== openingBrace || !growing.grow(row, at)) return undefined;
      const { table } = growing;
      const rowStart = at;
      const cells = row * width;
      let present = 0;
      let before = 0;
      at = skipSpace(body, at + 1);
      for (;;) {
        if (body[at] !== quote) return undefined;
        at++;
        let column = following[before] ?? 0;
        if (!names.matches(view, at, column)) {
          column = names.find(view, at);
          if (column < 0) return undefined;
          following[before] = column;
          areAlike &&= row === 0;
        }
        if (seen[column] === row) return undefined;
        seen[column] = row;
        if (row === 0) order.push(column);
        at += names.lengths[column] ?? 0;
        if (body[at] !== colon) {
          at = skipSpace(body, at);
          if (body[at] !== colon) return undefined;
        }
        at = skipSpace(body, at + 1);
        const rule = rules[column];
        const value = rule && scanValue(body, view, at, rule);
        if (value === undefined) return undefined;
        table[cells + column] = value;
        // Behind every value of a valid body come at least three other bytes.
        if (end + 3 > body.length) return undefined;
        for (let copied = at, to = listed; copied < end; copied += 4, to += 4)
          listView.setInt32(to, view.getInt32(copied));
        listed += end - at;
        lists[listed++] = comma;
        at = end;
        present++;
        before = column + 1;
        at = skipSpace(body, at);
        const mark = body[at];
        at++;
        if (mark === closingBrace) break;
        if (mark !== comma) return undefined;
        at = skipSpace(body, at);
      }
      areAlike &&= present === order.length;
      if (present < width)
        for (let column = 0; column < width; column++) {
          if (seen[column] === row) continue;
          if (rules[column]?.required) return undefined;
          table[cells + column] = Number.NaN;
        }
      growing.places[2 * row] = rowStart;
      growing.places[2 * row + 1] = at;
      growing.ends[row] = listed;
      at = skipSpace(body, at);
      const mark = body[at];
      at++;
      if (mark === comma) {
        at = skipSpace(body, at);
        continue;
      }
      if (mark !== closingBracket || !isEnd(body, at)) return undefined;
      const count = row + 1;
      hasLines = hasNewline(body, growing.places[0] ?? 0, at);
      return {
        count,
        table: growing.table.subarray(0, count * width),
        body: view,
        places: growing.places.subarray(0, 2 * count),
        lists: areAlike
          ? {
              names: order.map((column) => inputNames[column] ?? ""),
              values: listView,
              ends: growing.ends.subarray(0, count),
            }
          : undefined,
        hasLines,
      };
    }
  };
};
