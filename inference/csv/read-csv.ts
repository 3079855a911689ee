import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import { RowsInvalid } from "#inference/model/rows-invalid.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { checkColumns } from "#model-folder/rows/check-columns.ts";
import { maxRows } from "#model-folder/rows/encode-rows.ts";
import { type Cell, readCell } from "#model-folder/rows/read-cell.ts";
import { CsvBroken, splitCsv } from "#model-folder/rows/split-csv.ts";
import { setOwnProperty } from "#untrusted/set-own-property.ts";

type CsvRow = Record<string, Cell>;

/** Twice the most inputs of a manifest. */
const maxCells = 4_000;

/** Splits the text into records, or returns a problem. */
const splitRecords = (text: string): string[][] | HttpProblem => {
  try {
    // One more than the allowed rows and the header, to detect that there are too many.
    return splitCsv(text, { records: maxRows + 2, cells: maxCells });
  } catch (error) {
    if (!(error instanceof CsvBroken)) throw error;
    return createProblem("broken-csv", `The table cannot be read: ${error.message}.`);
  }
};

/**
 * Reads rows from a CSV text (RFC 4180). With a header, the columns are the manifest's inputs in any order; without one,
 * in the manifest's order. Cells become the values that JSON would have; the model validates them later. Throws RowsInvalid
 * for an invalid header or line.
 */
export const readCsv =
  ({ inputs }: Pick<Manifest, "inputs">) =>
  (text: string, { header }: { readonly header: boolean }): { readonly rows: CsvRow[] } | HttpProblem => {
    const records = splitRecords(text);
    if (!Array.isArray(records)) return records;
    const names = header ? (records.shift() ?? []) : inputs.map(({ name }) => name);
    const problems = header ? checkColumns(names, inputs) : [];
    if (problems.length > 0) throw new RowsInvalid(problems);
    const unequal = records.findIndex(({ length }) => length !== names.length);
    if (unequal >= 0)
      throw new RowsInvalid([
        {
          row: unequal,
          detail: `has ${records[unequal]?.length} cells, but there are ${names.length} columns`,
        },
      ]);
    const columns = names.flatMap((name, index) => {
      const input = inputs.find((candidate) => candidate.name === name);
      return input ? [{ name, index, input }] : [];
    });
    return {
      rows: records.map((record) => {
        const row: CsvRow = {};
        for (const { name, index, input } of columns)
          setOwnProperty(row, name, readCell(record[index] ?? "", input));
        return row;
      }),
    };
  };
