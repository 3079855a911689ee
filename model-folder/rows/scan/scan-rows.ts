import type { Column } from "#model-folder/onnx/bind-inputs.ts";
import { maxRows } from "#model-folder/rows/encode-rows.ts";
import { type ColumnRule, createColumnRule } from "./column-rule.ts";
import { createNumberScanner } from "./scan-number.ts";
import { createScratchMemory } from "./scratch-memory.ts";
import { createTextTable } from "./text-table.ts";

/** The bytes of a body's rows. */
export type ScannedBody = {
  readonly count: number;
  /** The whole body, valid JSON in UTF-8. */
  readonly body: DataView;
  /** Elements 3i to 3i + 2: where row i begins and ends in the body, and where its values end in `lists`. */
  readonly places: Int32Array;
  /** The rows without their names; undefined where a row has other names than the first, or another order of them. */
  readonly lists: RowLists | undefined;
  /** Whether the rows go over several lines. */
  readonly hasLines: boolean;
};

/** The rows of a body as numbers and as bytes. */
type ScannedRows = ScannedBody & {
  /** Row-major, `count` × columns; NaN: missing. It is the scanner's memory, which its next scan overwrites. */
  readonly table: Float64Array;
};

/** The values of each row as the body writes them, in the order of `names` and with a comma behind each. */
type RowLists = {
  readonly names: readonly string[];
  readonly values: DataView;
};

/** No value is infinite. */
const refused = Number.POSITIVE_INFINITY;

/** A larger table would fill the memory. Bodies of that size are read another way. */
const maxValues = 4_000_000;
/** A larger table is not kept for the next body. */
const maxKeptValues = 1_000_000;
export const placesPerRow = 3;

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

/** A value is copied four bytes at a time. */
const copyMargin = 3;

/** A copy of the first bytes, with room for a reader that takes four at a time. */
const copyBytes = (source: Uint8Array, length: number): DataView => {
  const bytes = new Uint8Array(length + copyMargin);
  bytes.set(source.subarray(0, length));
  return new DataView(bytes.buffer);
};

const isSpace = (byte: number): boolean =>
  byte === space || byte === newline || byte === carriageReturn || byte === tab;

const skipSpace = (json: Uint8Array, start: number): number => {
  let at = start;
  for (;;) {
    const byte = json[at];
    // Most bytes are no space, and one comparison tells.
    if (byte === undefined || byte > space || !isSpace(byte)) return at;
    at++;
  }
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

/** Memory for the rows of one scan, which the next scan takes over. */
const createGrowingTable = (width: number) => {
  const growing = {
    table: new Float64Array(0),
    places: new Int32Array(0),
    /** Makes the memory ready for another scan. */
    reset(): void {
      if (growing.table.length > maxKeptValues) growing.resize(0);
    },
    resize(rows: number): void {
      const { table, places } = growing;
      const kept = Math.min(rows * width, table.length);
      growing.table = new Float64Array(rows * width);
      growing.table.set(table.subarray(0, kept));
      growing.places = new Int32Array(rows * placesPerRow);
      growing.places.set(places.subarray(0, rows * placesPerRow));
    },
    /**
     * Makes room for another row than `count`, the last of which ends at `end` of `length` bytes. False where there are too
     * many rows, or the table would be too large.
     */
    makeRoom(count: number, end: number, length: number): boolean {
      if (count >= maxRows) return false;
      if ((count + 1) * width <= growing.table.length) return true;
      // The rows so far tell how many will come.
      const expected = count === 0 ? 1 : Math.ceil((count * length) / end) + 1;
      const rows = Math.min(maxRows, Math.max(2 * count, expected));
      if (rows * width > maxValues) return false;
      growing.resize(rows);
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
  const takeScratch = createScratchMemory();
  const growing = createGrowingTable(width);
  /** The row that had each column last. */
  const seen = new Int32Array(width);
  let end = 0;
  /** The names of the first row, the bytes of all values so far, and whether all rows had these names in this order. */
  let order: number[] = [];
  let listed = 0;
  let areAlike = true;

  /** Reads a value and sets `end`; NaN for null, `refused` for a value that is not valid. */
  const scanValue = (json: Uint8Array, view: DataView, start: number, rule: ColumnRule): number => {
    const first = json[start];
    if (rule.kind === "category" && first === quote) {
      const index = rule.texts.find(view, start + 1);
      if (index < 0) return refused;
      end = start + 1 + (rule.texts.lengths[index] ?? 0);
      return index;
    }
    if (rule.kind === "number" && first !== nullWord[0]) {
      const value = numbers.scan(json, start);
      end = numbers.end;
      if (!(value >= rule.min && value <= rule.max)) return refused;
      return rule.isInteger && !Number.isInteger(value) ? refused : value;
    }
    if (!rule.required && startsWith(json, start, nullWord)) {
      end = start + nullWord.length;
      return Number.NaN;
    }
    if (rule.kind !== "boolean") return refused;
    const isTrue = startsWith(json, start, trueWord);
    if (!isTrue && !startsWith(json, start, falseWord)) return refused;
    end = start + (isTrue ? trueWord : falseWord).length;
    return isTrue ? 1 : 0;
  };

  /** The column of the name that starts at `start`; -1 for an unknown one. Names mostly come in the order of the row before. */
  const scanName = (view: DataView, start: number, before: number, row: number): number => {
    const expected = following[before] ?? 0;
    if (names.matches(view, start, expected)) return expected;
    const column = names.find(view, start);
    if (column < 0) return -1;
    following[before] = column;
    areAlike &&= row === 0;
    return column;
  };

  /** Writes what a row without a value has; false if a missing value is required. */
  const fillMissing = (row: number): boolean => {
    for (let column = 0; column < width; column++) {
      if (seen[column] === row) continue;
      if (rules[column]?.required) return false;
      growing.table[row * width + column] = Number.NaN;
    }
    return true;
  };

  /** Reads the row whose first name starts at `start`. Returns where it ends; -1 for a row that is left to JSON.parse. */
  const scanRow = (json: Uint8Array, view: DataView, lists: DataView, start: number, row: number): number => {
    const { table } = growing;
    const cells = row * width;
    let at = start;
    let present = 0;
    let before = 0;
    for (;;) {
      if (json[at] !== quote) return -1;
      at++;
      const column = scanName(view, at, before, row);
      const rule = rules[column];
      if (!rule || seen[column] === row) return -1;
      seen[column] = row;
      if (row === 0) order.push(column);
      at = skipSpace(json, at + (names.lengths[column] ?? 0));
      if (json[at] !== colon) return -1;
      at = skipSpace(json, at + 1);
      const value = scanValue(json, view, at, rule);
      // Behind every value of a valid body come at least three other bytes.
      if (value === refused || end + copyMargin > json.length) return -1;
      table[cells + column] = value;
      for (let copied = at, to = listed; copied < end; copied += 4, to += 4)
        lists.setInt32(to, view.getInt32(copied));
      listed += end - at;
      lists.setUint8(listed++, comma);
      present++;
      before = column + 1;
      at = skipSpace(json, end);
      const mark = json[at++];
      if (mark === closingBrace) break;
      if (mark !== comma) return -1;
      at = skipSpace(json, at);
    }
    areAlike &&= present === order.length;
    return present === width || fillMissing(row) ? at : -1;
  };

  return (body) => {
    let at = findFirstRow(body);
    if (at < 0) return undefined;
    const view = new DataView(body.buffer, body.byteOffset, body.length);
    const memory = takeScratch(body.length + copyMargin + 1);
    const lists = new DataView(memory.buffer, memory.byteOffset, memory.length);
    growing.reset();
    seen.fill(-1);
    order = [];
    listed = 0;
    areAlike = true;
    for (let row = 0; ; row++) {
      if (body[at] !== openingBrace || !growing.makeRoom(row, at, body.length)) return undefined;
      const place = placesPerRow * row;
      growing.places[place] = at;
      at = scanRow(body, view, lists, skipSpace(body, at + 1), row);
      if (at < 0) return undefined;
      growing.places[place + 1] = at;
      growing.places[place + 2] = listed;
      at = skipSpace(body, at);
      const mark = body[at++];
      if (mark === comma) {
        at = skipSpace(body, at);
        continue;
      }
      if (mark !== closingBracket || !isEnd(body, at)) return undefined;
      const count = row + 1;
      return {
        count,
        table: growing.table.subarray(0, count * width),
        body: view,
        places: growing.places.slice(0, placesPerRow * count),
        lists: areAlike
          ? { names: order.map((column) => inputNames[column] ?? ""), values: copyBytes(memory, listed) }
          : undefined,
        hasLines: hasNewline(body, growing.places[0] ?? 0, at),
      };
    }
  };
};
