import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bandNames, readScoreRow, type ScoreColumns } from "#inference/model/score-columns.ts";
import type { LayoutColumn } from "#model-folder/rows/scan/scan-rows.ts";
import { generateScoreColumns } from "#test/support/generate-score-columns.ts";
import { createColumnPacker, type RequestColumns } from "./pack-columns.ts";
import type { StoredRow } from "./stored-request.ts";
import { unpackColumns } from "./unpack-columns.ts";

const name = fc.oneof(
  fc.constantFrom("0", "10", "constructor", "é🦆", 'a"b', "\t", "\ud800", ""),
  fc.string({ maxLength: 12 }),
);
const names = (minLength: number) =>
  fc
    .uniqueArray(name, { minLength, maxLength: 6 })
    .filter((list) => !list.some((text) => text === "__proto__" || text.includes("\\")));

const edges = [-0, 1, -1, 254, 255, 256, 65_534, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53];
const number = fc.oneof(
  fc.constantFrom(...edges),
  fc.constantFrom(29.85, 1e-300, 1e300, Number.MAX_VALUE, 5e-324, -0.5),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
/** Numbers that need one of the types, or any. */
const numbers = fc.oneof(
  fc.constant(fc.nat({ max: 254 })),
  fc.constant(fc.nat({ max: 65_534 })),
  fc.constant(fc.integer()),
  fc.constant(number),
);

/** A column and the value of each row, as JSON has it. */
type Column = Pick<LayoutColumn, "name" | "kind" | "texts"> & { readonly values: readonly unknown[] };
const column = (rows: number, name: string): fc.Arbitrary<Column> => {
  const repeat = (value: fc.Arbitrary<unknown>) =>
    fc.array(fc.oneof({ arbitrary: value, weight: 9 }, { arbitrary: fc.constant(null), weight: 1 }), {
      minLength: rows,
      maxLength: rows,
    });
  return fc.oneof(
    numbers.chain(repeat).map((values) => ({ name, kind: "number" as const, texts: [], values })),
    repeat(fc.boolean()).map((values) => ({ name, kind: "boolean" as const, texts: [], values })),
    fc
      .oneof(fc.constantFrom(1, 3), fc.constantFrom(254, 255, 256, 257))
      .map((count) => Array.from({ length: count }, (_, at) => `ü${at}`))
      .chain((texts) =>
        repeat(fc.constantFrom(...texts)).map((values) => ({
          name,
          kind: "category" as const,
          texts,
          values,
        })),
      ),
  );
};

const single = fc.float({ noNaN: true, noDefaultInfinity: true });
const scoreColumns = (rows: number): fc.Arbitrary<ScoreColumns> =>
  names(1).chain((scoreNames) => generateScoreColumns(scoreNames, rows, { single, double: number }));

/** A request, with the table's columns in another order than the rows' names, and what a reader must find. */
const request = fc
  .integer({ min: 1, max: 12 })
  .chain((rows) =>
    fc.tuple(
      fc.constant(rows),
      names(0).chain((list) => fc.tuple(...list.map((text) => column(rows, text)))),
      scoreColumns(rows),
    ),
  )
  .map(([rows, columns, scores]) => {
    const width = columns.length;
    const table = new Float64Array(rows * width);
    const layout = columns.map(({ name, kind, texts, values }, at): LayoutColumn => {
      const index = width - 1 - at;
      for (const [row, value] of values.entries())
        table[row * width + index] =
          value === null ? Number.NaN : kind === "category" ? texts.indexOf(String(value)) : Number(value);
      return { name, kind, texts, index };
    });
    const expected = Array.from({ length: rows }, (_, row) => ({
      ...(width > 0
        ? { inputs: Object.fromEntries(columns.map(({ name, values }) => [name, values[row]])) }
        : {}),
      prediction: readScoreRow(scores, row),
    }));
    const packed: RequestColumns = { table: { count: rows, table }, layout, scores };
    // JSON has no negative zero.
    return { columns: packed, expected: JSON.parse(JSON.stringify(expected)) as StoredRow[] };
  });

/** The packed columns, copied. */
const copyPacked = (pack: ReturnType<typeof createColumnPacker>, columns: RequestColumns) => {
  const { names, bytes } = pack(columns);
  return { names, bytes: Buffer.from(bytes) };
};

describe("rows and predictions in packed columns", () => {
  test("are read back as the rows that JSON has, or with a label as those with it", () => {
    const pack = createColumnPacker();
    fc.assert(
      fc.property(request, ({ columns, expected }) => {
        const { names, bytes } = copyPacked(pack, columns);
        const readRow = unpackColumns(names, columns.table.count, bytes);
        expect(expected.map((_, row) => readRow(row))).toEqual(expected);
        expect(expected.map((_, row) => Object.keys(readRow(row)?.inputs ?? {}))).toEqual(
          expected.map(({ inputs = {} }) => Object.keys(inputs)),
        );
        expect([readRow(expected.length), readRow(0, "no label of this model")]).toEqual([
          undefined,
          undefined,
        ]);
        for (const label of columns.scores.labelNames)
          expect(expected.map((_, row) => readRow(row, label))).toEqual(
            expected.map((row) => (row.prediction.label === label ? row : undefined)),
          );
      }),
      { numRuns: 3_000 },
    );
  });

  test("hold nothing of an earlier request", () => {
    const used = createColumnPacker();
    fc.assert(
      fc.property(request, request, (first, second) => {
        used(first.columns);
        expect(copyPacked(used, second.columns)).toEqual(copyPacked(createColumnPacker(), second.columns));
      }),
      { numRuns: 500 },
    );
  });

  test("of bytes that end too soon or have an unknown type are an error", () => {
    const scores = {
      ...{ rows: 20, names: ["no", "yes"], labelNames: ["no", "yes"] },
      scores: new Float32Array(40).fill(0.5),
      labels: new Int32Array(20).fill(1),
      bands: new Uint8Array(20).fill(2),
    };
    const { names, bytes } = createColumnPacker()({
      table: { count: 20, table: new Float64Array(20) },
      layout: [{ name: "tenure", kind: "number", index: 0, texts: [] }],
      scores,
    });
    expect(unpackColumns(names, 20, bytes)(19)?.prediction.band).toBe(bandNames[2]);
    for (const length of [0, 3, 8, bytes.length - 8])
      expect(() => unpackColumns(names, 20, bytes.subarray(0, length))).toThrow(RangeError);
    expect(() => unpackColumns(names, 20, Buffer.from(bytes).fill(9, 0, 1))).toThrow(RangeError);
  });
});
