import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Input } from "#model-folder/manifest/manifest.ts";
import type { Column } from "#model-folder/onnx/bind-inputs.ts";
import { encodeRows } from "#model-folder/rows/encode-rows.ts";
import { createTableEncoder } from "./encode-table.ts";
import { createRowScanner } from "./scan-rows.ts";

type Element = Column["feed"]["element"];
const column = (definition: object, element: Element): Column => {
  const input = Input.parse(definition);
  return { input, feed: { name: input.name, element, rank: 2, width: 1 }, offset: 0 };
};
/** Several inputs in one matrix of the graph. */
const matrix = (element: Element, ...definitions: readonly object[]): Column[] => {
  const feed = { name: "matrix", element, rank: 2, width: definitions.length } as const;
  return definitions.map((definition, offset) => ({ input: Input.parse(definition), feed, offset }));
};

const values = Array.from({ length: 40 }, (_, index) => `value ${index}`);
const columns: Column[] = [
  column({ name: "age", type: "integer", min: 0, max: 120 }, "float32"),
  column({ name: "charge", type: "number", min: -1e39, max: 1e39, required: false }, "float32"),
  column({ name: "exact", type: "number", min: -1e300, max: 1e300, required: false }, "float64"),
  column({ name: "plan", type: "category", values: ["", "a", "ab", "abc", "abcd", "é🦆"] }, "string"),
  column({ name: "city", type: "category", values, unknown: "map", required: false }, "string"),
  column({ name: "loyal", type: "boolean" }, "bool"),
  column({ name: "count", type: "integer", min: -9e15, max: 9e15 }, "int64"),
  column({ name: "a", type: "integer", min: 0, max: 300 }, "uint8"),
  ...matrix(
    "float32",
    { name: "first", type: "number", min: -5, max: 5, required: false },
    { name: "second", type: "category", values: ["no", "yes"], required: false },
  ),
];
const texts = matrix(
  "string",
  { name: "code", type: "integer", min: 0, max: 99, required: false },
  { name: "kind", type: "category", values: ["x", "y"], required: false },
);
const numbers = [column({ name: "x", type: "number", min: -1e300, max: 1e300 }, "float64")];

const toBytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

/** What both ways to read a body give; a body that the scanner leaves is undefined. */
const readBoth = (read: readonly Column[], body: Uint8Array) => {
  const scanned = createRowScanner(read)?.(body, true);
  if (!scanned) return undefined;
  const { rows } = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  return { scanned, rows, feeds: createTableEncoder(read)(scanned), encoded: encodeRows(read)(rows) };
};

/** Asserts that the scan of this body gives what JSON.parse and encodeRows give, and returns whether there was one. */
const expectEqual = (read: readonly Column[], body: Uint8Array): boolean => {
  const both = readBoth(read, body);
  if (!both) return false;
  const { scanned, rows, feeds, encoded } = both;
  expect({ status: "encoded", rows: scanned.count, feeds }).toEqual(encoded);
  const { text, layout } = scanned;
  if (!text) throw new Error("the text was not kept");
  for (let row = 0; row < scanned.count; row++) {
    const [start, end] = text.places.subarray(3 * row);
    const place = Buffer.from(body).toString("utf8", start, end);
    expect(JSON.parse(place)).toEqual(rows[row]);
    const { lists } = text;
    if (!lists || !layout) continue;
    const bytes = Buffer.from(lists.values.buffer, lists.values.byteOffset);
    const listEnd = (of: number) => (of < 0 ? 0 : (text.places[3 * of + 2] ?? 0));
    const list = bytes.toString("utf8", listEnd(row - 1), listEnd(row) - 1);
    expect(JSON.parse(`[${list}]`)).toEqual(layout.map(({ name }) => rows[row][name]));
  }
  return true;
};

const validRow = {
  age: 3,
  charge: 1.5,
  exact: 0.1,
  plan: "ab",
  city: "value 7",
  loyal: true,
  count: 7,
  a: 255,
  first: -2.5,
  second: "yes",
};

describe("scanRows", () => {
  test.each([
    ["compact rows", JSON.stringify({ rows: [validRow, { ...validRow, plan: "" }] })],
    ["pretty rows", JSON.stringify({ rows: [validRow, validRow] }, undefined, 2)],
    [
      "rows as Python writes them",
      `{"rows": [{${Object.entries(validRow)
        .map(([name, value]) => `"${name}": ${JSON.stringify(value)}`)
        .join(", ")}}]}`,
    ],
    ["tabs and returns", JSON.stringify({ rows: [validRow] }, undefined, "\t").replaceAll("\n", "\r\n")],
    ["text beyond ASCII", JSON.stringify({ rows: [{ ...validRow, plan: "é🦆" }] })],
    [
      "optional values that are null",
      JSON.stringify({ rows: [{ ...validRow, charge: null, first: null, city: null }] }),
    ],
    [
      "rows with other names",
      JSON.stringify({ rows: [validRow, { ...validRow, charge: undefined }, validRow] }),
    ],
    [
      "rows with another order",
      JSON.stringify({ rows: [validRow, Object.fromEntries(Object.entries(validRow).toReversed())] }),
    ],
    ["many rows", JSON.stringify({ rows: Array.from({ length: 10_000 }, () => validRow) })],
  ])("reads %s as JSON.parse and encodeRows do", (_, body) => {
    expect(expectEqual(columns, toBytes(body))).toBe(true);
  });

  test("knows whether all rows have the names of the first in its order", () => {
    const { charge: _, ...shorter } = validRow;
    const { second: __, ...withoutLast } = validRow;
    const scan = (...rows: readonly object[]) =>
      readBoth(columns, toBytes(JSON.stringify({ rows })))?.scanned;
    expect(scan(validRow, validRow)?.layout?.map(({ name }) => name)).toEqual(Object.keys(validRow));
    expect(scan(shorter, shorter)?.layout?.map(({ name }) => name)).toEqual(Object.keys(shorter));
    expect(scan(shorter, validRow)?.text?.lists).toBeUndefined();
    expect(scan(validRow, shorter)?.text?.lists).toBeUndefined();
    expect(scan(validRow, withoutLast)?.text?.lists).toBeUndefined();
    expect(scan(withoutLast, validRow)?.text?.lists).toBeUndefined();
    expect(
      scan(validRow, Object.fromEntries(Object.entries(validRow).toReversed()))?.text?.lists,
    ).toBeUndefined();
  });

  test("text in a matrix of texts, and numbers in it, arrive as text", () => {
    const rows = [{ code: 7, kind: "y" }, { kind: "x" }, { code: null, kind: null }];
    expect(expectEqual(texts, toBytes(JSON.stringify({ rows })))).toBe(true);
  });

  test.each([
    ["no JSON", "{"],
    ["nothing", ""],
    ["a list", "[]"],
    ["no rows", '{"rows":[]}'],
    ["an empty row", '{"rows":[{}]}'],
    ["another name", '{"row":[{"x":1}]}'],
    ["another field behind", '{"rows":[{"x":1}],"a":1}'],
    ["the rows twice", '{"rows":[{"x":1}],"rows":[{"x":2}]}'],
    ["text behind", '{"rows":[{"x":1}]}x'],
    ["a byte order mark", '\ufeff{"rows":[{"x":1}]}'],
    ["a comma behind a row", '{"rows":[{"x":1},]}'],
    ["a comma behind a value", '{"rows":[{"x":1,}]}'],
    ["a key twice", '{"rows":[{"x":1,"x":2}]}'],
    ["an escaped key", '{"rows":[{"\\u0078":1}]}'],
    ["an unknown key", '{"rows":[{"x":1,"y":1}]}'],
    ["a missing value", '{"rows":[{"x":1},{"y":1}]}'],
    ["null", '{"rows":[{"x":null}]}'],
    ["a text", '{"rows":[{"x":"1"}]}'],
    ["a list of one", '{"rows":[{"x":[1]}]}'],
    ["a number beyond the limits", '{"rows":[{"x":1e301}]}'],
    ["infinity", '{"rows":[{"x":1e999}]}'],
    ["NaN", '{"rows":[{"x":NaN}]}'],
    ["a negative zero", '{"rows":[{"x":-0.0}]}'],
    ["a leading zero", '{"rows":[{"x":01}]}'],
    ["a plus", '{"rows":[{"x":+1}]}'],
    ["no digit before the point", '{"rows":[{"x":.5}]}'],
    ["no digit behind the point", '{"rows":[{"x":1.}]}'],
    ["no exponent", '{"rows":[{"x":1e}]}'],
    ["a hexadecimal number", '{"rows":[{"x":0x10}]}'],
    ["a row that is no object", '{"rows":[1]}'],
    ["a number with a million digits", `{"rows":[{"x":1e1${"0".repeat(1_000_000)}}]}`],
  ])("leaves a body with %s to JSON.parse", (_, body) => {
    expect(createRowScanner(numbers)?.(toBytes(body))).toBeUndefined();
  });

  test("leaves every body that ends early, and more rows than a request may have", () => {
    const scan = createRowScanner(columns);
    const body = toBytes(JSON.stringify({ rows: [validRow, validRow] }));
    for (let end = 0; end < body.length; end++) expect(scan?.(body.slice(0, end))).toBeUndefined();
    const rows = Array.from({ length: 10_001 }, () => ({ x: 1 }));
    expect(createRowScanner(numbers)?.(toBytes(JSON.stringify({ rows })))).toBeUndefined();
  });

  test("a scanner sees nothing of the bodies before, whatever it left of them", () => {
    const scan = createRowScanner(columns);
    const long = "x".repeat(200);
    const withLong = createRowScanner([
      column({ name: "t", type: "category", values: [long, "y"] }, "string"),
    ]);
    const body = toBytes(JSON.stringify({ rows: Array.from({ length: 3 }, () => validRow) }));
    const longBody = toBytes(JSON.stringify({ rows: [{ t: long }] }));
    for (let end = body.length - 1; end >= 0; end--) {
      expect(scan?.(body)?.count).toBe(3);
      expect(scan?.(body.slice(0, end))).toBeUndefined();
    }
    for (let end = longBody.length - 1; end >= 0; end--) {
      expect(withLong?.(longBody)?.count).toBe(1);
      expect(withLong?.(longBody.slice(0, end))).toBeUndefined();
    }
    // A row without its optional values, behind one with all of them.
    const { charge: _, first: __, ...shorter } = validRow;
    const table = scan?.(toBytes(JSON.stringify({ rows: [shorter] })))?.table;
    expect([table?.[1], table?.[8]]).toEqual([Number.NaN, Number.NaN]);
  });

  test("a body of any size is read by a scanner that read others, and large ones leave its memory small", () => {
    const scan = createRowScanner(columns);
    for (const count of [1, 3, 10_000, 2, 500, 1]) {
      const rows = Array.from({ length: count }, (_, index) => ({ ...validRow, count: index }));
      const scanned = scan?.(toBytes(JSON.stringify({ rows })));
      expect(scanned?.count).toBe(count);
      expect(scanned?.table[(count - 1) * columns.length + 6]).toBe(count - 1);
    }
    const spaces = " ".repeat(20_000_000);
    expect(scan?.(toBytes(`{"rows":[${spaces}${JSON.stringify(validRow)}]}`))?.count).toBe(1);
    expect(scan?.(toBytes(JSON.stringify({ rows: [validRow] })))?.count).toBe(1);
  });

  test("feeds that are kept for the next rows hold nothing of the rows before", () => {
    for (const read of [columns, texts, numbers]) {
      const keep = createTableEncoder(read, { keepsFeeds: true });
      const scan = createRowScanner(read);
      const { charge: _, exact: __, city: ___, first: ____, second: _____, ...shorter } = validRow;
      const rows =
        read === texts ? [{ code: 7, kind: "y" }, {}] : read === numbers ? [{ x: 1 }] : [validRow, shorter];
      for (const body of [...rows, ...rows.toReversed()].map((row) =>
        JSON.stringify({ rows: [Object.keys(row).length === 0 ? { code: null } : row] }),
      )) {
        const scanned = scan?.(toBytes(body));
        expect(scanned).toBeDefined();
        if (scanned) expect(keep(scanned)).toEqual(createTableEncoder(read)(scanned));
      }
    }
  });

  test("leaves models with texts, identifiers and arrays to JSON.parse", () => {
    const note = column({ name: "note", type: "string" }, "string");
    expect(createRowScanner([...columns, note])).toBeUndefined();
    expect(createRowScanner([])).toBeUndefined();
  });

  test("a category that JSON must escape is left to JSON.parse, the others are read", () => {
    const quoted = [column({ name: "q", type: "category", values: ['"', "\\", "\n", "b"] }, "string")];
    for (const q of ['"', "\\", "\n"])
      expect(expectEqual(quoted, toBytes(JSON.stringify({ rows: [{ q }] })))).toBe(false);
    expect(expectEqual(quoted, toBytes('{"rows":[{"q":"\n"}]}'))).toBe(false);
    expect(expectEqual(quoted, toBytes('{"rows":[{"q":"b"}]}'))).toBe(true);
  });

  test("every number is the double that JSON.parse reads", () => {
    const digits = fc.stringMatching(/^(0|[1-9]\d{0,24})(\.\d{1,30})?([eE][+-]?\d{1,3})?$/);
    const anyNumber = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
      fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
      fc.tuple(fc.constantFrom("", "-"), digits).map(([sign, text]) => sign + text),
    );
    let scanned = 0;
    fc.assert(
      fc.property(anyNumber, (text) => {
        if (expectEqual(numbers, toBytes(`{"rows":[{"x":${text}}]}`))) scanned++;
      }),
      { numRuns: 5_000 },
    );
    expect(scanned).toBeGreaterThan(3_000);
  });

  test("any change of a body is read as JSON.parse and encodeRows read it, or left to them", () => {
    const fragments = [
      '"',
      "\\",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      " ",
      "\n",
      "\0",
      "-",
      "0",
      "1e5",
      "null",
      "true",
      '"a"',
      '"ab"',
      '"age":1,',
      "\ufeff",
      "é",
      "🦆",
    ];
    const piece = fc.oneof(fc.constantFrom(...fragments).map(toBytes), fc.uint8Array({ maxLength: 4 }));
    const change = fc.record({ at: fc.nat({ max: 400 }), drop: fc.constantFrom(0, 1, 1, 2, 5), put: piece });
    const bodies = [
      JSON.stringify({ rows: [validRow, validRow] }),
      JSON.stringify({ rows: [validRow] }, undefined, 1),
    ].map(toBytes);
    fc.assert(
      fc.property(
        fc.constantFrom(...bodies),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        (body, changes) => {
          let changed = Buffer.from(body);
          for (const { at, drop, put } of changes)
            changed = Buffer.concat([changed.subarray(0, at), put, changed.subarray(at + drop)]);
          expectEqual(columns, changed);
        },
      ),
      { numRuns: 10_000 },
    );
  });
});
