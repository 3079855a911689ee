import { readFileSync } from "node:fs";
import type { ColumnRule } from "./column-rule.ts";
import type { TextTable } from "./text-table.ts";

/** The exports of source/scan.cpp. */
type Exports = {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  free_memory(): number;
  scan_bytes(): number;
  column_bytes(): number;
  begin(scan: number): number;
  read_rows(scan: number): number;
};

/** Rows in the scanner's memory, which its next scan overwrites. */
type RowsInMemory = {
  readonly count: number;
  /** Row-major, `count` × columns; NaN: missing. */
  readonly table: Float64Array;
  /** Elements 3i to 3i + 2: where row i begins and ends in the body, and where its values end in `lists`. */
  readonly places: Int32Array;
  /** The values of each row as the body writes them, with a comma behind each. */
  readonly lists: Uint8Array;
  /** The columns of the first row in their order. */
  readonly order: Uint32Array;
  /** Whether all rows have these columns in this order. */
  readonly areAlike: boolean;
  /** Whether the rows go over several lines. */
  readonly hasLines: boolean;
};

type Scanner = {
  /** Undefined for a body that must be read in another way. */
  scan(body: Uint8Array): RowsInMemory | undefined;
  /** The memory that it keeps. */
  bytes(): number;
};

type Limits = { readonly rows: number; readonly values: number };

const pageBytes = 65_536;
/** The scanner reads and writes 16 bytes at a time. */
const margin = 32;
export const placesPerRow = 3;
const cellBytes = Float64Array.BYTES_PER_ELEMENT;
const kinds = { number: 0, boolean: 1, category: 2 } as const;
const results = { refused: 0, done: 1 } as const;

const align = (address: number): number => (address + 15) & ~15;

let compiled: WebAssembly.Module | undefined;
const compile = (): WebAssembly.Module => {
  compiled ??= new WebAssembly.Module(readFileSync(new URL("scan.wasm", import.meta.url)));
  return compiled;
};

const instantiate = (): Exports => {
  const parseNumber = (at: number, length: number): number =>
    Number(Buffer.from(scanner.memory.buffer, at, length).toString("latin1"));
  const instance = new WebAssembly.Instance(compile(), { host: { parse_number: parseNumber } });
  const scanner = instance.exports as Exports;
  return scanner;
};

/** Opens a scanner for a model's columns. @param names the columns' names, all of which can be found */
export const openScanner = (rules: readonly ColumnRule[], names: TextTable, limits: Limits): Scanner => {
  const scanner = instantiate();
  const width = rules.length;
  let end = align(scanner.free_memory());
  /** Takes memory that is 0. */
  const reserve = (length: number): number => {
    const start = end;
    end = align(end + length + margin);
    const missing = end - scanner.memory.buffer.byteLength;
    if (missing > 0) scanner.memory.grow(Math.ceil(missing / pageBytes));
    return start;
  };
  const writeWords = (start: number, words: Iterable<number>): number => {
    new Uint32Array(scanner.memory.buffer, start).set([...words]);
    return start;
  };
  let longest = 0;
  const writeTexts = ({ texts, slots }: TextTable): readonly number[] => {
    const words = texts.flatMap(({ bytes, index }) => {
      const start = reserve(bytes.length);
      new Uint8Array(scanner.memory.buffer, start).set(bytes);
      return [start, bytes.length, index];
    });
    const length = Math.max(0, ...texts.map(({ bytes }) => bytes.length));
    longest = Math.max(longest, length);
    const list = writeWords(reserve(4 * words.length), words);
    const table = slots.length === 0 ? 0 : writeWords(reserve(4 * slots.length), slots);
    return [list, texts.length, table, slots.length - 1, length];
  };
  const writeColumns = (): number => {
    const start = reserve(width * scanner.column_bytes());
    for (const [index, { kind, required, isInteger, min, max, texts }] of rules.entries()) {
      const at = start + index * scanner.column_bytes();
      const words = [kinds[kind], Number(required), Number(isInteger), ...writeTexts(texts)];
      new Float64Array(scanner.memory.buffer, at).set([min, max]);
      writeWords(at + 2 * cellBytes, words);
    }
    return start;
  };

  const scan = reserve(scanner.scan_bytes());
  const columns = writeColumns();
  const nameWords = writeTexts(names);
  const following = reserve(4 * (width + 1));
  writeWords(
    following,
    Array.from({ length: width + 1 }, (_, index) => index % width),
  );
  const seen = reserve(4 * width);
  const order = reserve(4 * width);
  const fixed = [width, columns, ...nameWords, following, seen, order];
  writeWords(scan, fixed);
  const places = reserve(4 * placesPerRow * limits.rows);
  const json = end;
  /** The largest body so far, and what follows it: the rows' values, and the table, which can grow while it is filled. */
  let bodyBytes = -1;
  let lists = 0;
  let table = 0;
  let capacity = 0;
  const makeRoomForBody = (length: number): void => {
    if (length <= bodyBytes) return;
    end = json;
    reserve(length + longest);
    lists = reserve(length + longest);
    table = end;
    bodyBytes = length;
    capacity = Math.floor((scanner.memory.buffer.byteLength - margin - table) / (width * cellBytes));
    capacity = Math.min(limits.rows, Math.max(0, capacity));
  };
  /** Makes room for more rows; the last so far ends at `read` of `length` bytes. False: too many rows or values. */
  const makeRoomForRows = (rows: number, read: number, length: number): boolean => {
    if (rows >= limits.rows) return false;
    // The rows so far tell how many will come.
    const expected = rows === 0 ? 1 : Math.ceil((rows * length) / read) + 1;
    const wanted = Math.min(limits.rows, Math.max(2 * rows, expected));
    if (wanted * width > limits.values) return false;
    end = table;
    reserve(wanted * width * cellBytes);
    capacity = wanted;
    return true;
  };

  // The fields of a scan behind those of the model.
  const state = scan + 4 * fixed.length;
  const field = { capacity: 5, at: 6, row: 7, listed: 8, orderCount: 9, areAlike: 10, hasLines: 11 };
  if (4 * (fixed.length + 12) !== scanner.scan_bytes())
    throw new Error("scan.wasm is not the build of this version: npm run build:kernel");
  let words = new Uint32Array(scanner.memory.buffer, state, 12);
  const read = (name: keyof typeof field): number => words[field[name]] ?? 0;

  return {
    bytes: () => scanner.memory.buffer.byteLength,
    scan(body) {
      makeRoomForBody(body.length);
      let bytes = new Uint8Array(scanner.memory.buffer);
      bytes.set(body, json);
      // No number, name or text goes on behind the body.
      bytes.fill(0, json + body.length, json + body.length + margin);
      const write = () => {
        words = new Uint32Array(scanner.memory.buffer, state, 12);
        words.set([json, body.length, places, lists, table, capacity]);
      };
      write();
      if (!scanner.begin(scan)) return undefined;
      for (;;) {
        const result = scanner.read_rows(scan);
        if (result === results.done) break;
        if (result === results.refused) return undefined;
        if (!makeRoomForRows(read("row"), read("at") - json, body.length)) return undefined;
        write();
      }
      const { buffer } = scanner.memory;
      const count = read("row");
      bytes = new Uint8Array(buffer, lists, read("listed") - lists);
      return {
        count,
        table: new Float64Array(buffer, table, count * width),
        places: new Int32Array(buffer, places, placesPerRow * count),
        lists: bytes,
        order: new Uint32Array(buffer, order, read("orderCount")),
        areAlike: read("areAlike") !== 0,
        hasLines: read("hasLines") !== 0,
      };
    },
  };
};
