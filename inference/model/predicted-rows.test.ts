import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { packLines } from "#inference/records/pack-rows.ts";
import { createRecordText } from "#inference/records/record-text.ts";
import { unpackRows } from "#inference/records/unpack-rows.ts";
import type { ScannedBody } from "#model-folder/rows/scan/scan-rows.ts";
import { generateScoreColumns } from "#test/support/generate-score-columns.ts";
import { predictedColumns, predictedObjects } from "./predicted-rows.ts";
import type { ScoreColumns } from "./score-columns.ts";
import { createScoreText } from "./score-text.ts";

const finite = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1, 1e21, 1e-7, -1.2345678901234568e-300),
);
/**
 * Names that need an escape, count as array indexes, or are not ASCII; a prototype's name is refused as a label. None has a
 * backslash: after an object with the names "a" and "b\\", JSON.parse of V8 13.6 reads {"a":0,"b\t":0} as {"a":0,"b\\":0}.
 */
const names = fc
  .uniqueArray(
    fc.oneof(
      fc.constantFrom("1", "0", "10", 'a"b', "\t", "é🦆", "constructor"),
      fc.string({ minLength: 1, maxLength: 8 }),
    ),
    { minLength: 1, maxLength: 5 },
  )
  .filter((list) => !list.some((name) => name === "__proto__" || name.includes("\\")));

const scoreColumns: fc.Arbitrary<ScoreColumns> = fc
  .tuple(names, fc.nat({ max: 5 }))
  .chain(([scoreNames, rows]) => generateScoreColumns(scoreNames, rows, { single: finite, double: finite }));
const isFiniteInFloat32 = ({ scores }: ScoreColumns): boolean =>
  scores.every((score) => Number.isFinite(score));

describe("predictions in columns", () => {
  test("are written as JSON.stringify writes the same predictions as objects", () => {
    fc.assert(
      fc.property(scoreColumns.filter(isFiniteInFloat32), (columns) => {
        const predicted = predictedColumns(columns, createScoreText(columns));
        const objects = predictedObjects(predicted.toArray());
        expect(predicted.toJson()).toBe(objects.toJson());
        expect(predicted.countLabels()).toEqual(objects.countLabels());
        for (let row = -1; row <= columns.rows; row++)
          expect(predicted.at(row)).toEqual(row < 0 ? undefined : objects.at(row));
      }),
      { numRuns: 1_000 },
    );
  });

  test("are recorded so that a reader finds the same predictions", async () => {
    await fc.assert(
      fc.asyncProperty(scoreColumns.filter(isFiniteInFloat32), async (columns) => {
        fc.pre(columns.rows > 0);
        const predicted = predictedColumns(columns, createScoreText(columns));
        const scanned: ScannedBody = {
          count: columns.rows,
          layout: undefined,
          text: {
            body: new DataView(new ArrayBuffer(0)),
            places: new Int32Array(3 * columns.rows),
            lists: undefined,
            hasLines: true,
          },
        };
        const text = createRecordText(scanned, predicted, false);
        const readRow = await unpackRows(await packLines(text?.toLines?.() ?? new Uint8Array()));
        const stored: unknown = JSON.parse(text?.toJson() ?? "");
        // JSON has no negative zero.
        const expected = JSON.parse(
          JSON.stringify(predicted.toArray().map((prediction) => ({ prediction }))),
        );
        expect(stored).toEqual(expected);
        expect(expected.map((_: unknown, row: number) => readRow(row))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});
