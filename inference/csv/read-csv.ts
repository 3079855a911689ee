import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import { RowsInvalid } from "#inference/model/rows-invalid.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { checkColumns } from "#model-folder/rows/check-columns.ts";
import { maxRows } from "#model-folder/rows/encode-rows.ts";
import { type Cell, readCell } from "#model-folder/rows/read-cell.ts";
import { CsvBroken, splitCsv } from "#model-folder/rows/split-csv.ts";

type CsvRow = Record<string, Cell>;

/** No manifest names more inputs than half of these. */
const maxCells = 4_000;

/** The cells of each line, or why the text is no table. */
const splitRecords = (text: string): string[][] | HttpProblem => {
  try {
    // One line more than is taken, and the header: enough to see that there are too many.
    return splitCsv(text, { records: maxRows + 2, cells: maxCells });
  } catch (error) {
    if (!(error instanceof CsvBroken)) throw error;
    return createProblem("broken-csv", `The table cannot be read: ${error.message}.`);
  }
};

/**
 * Reads rows from a CSV text (RFC 4180). With a header its names are the manifest's inputs in any order; without one
 * the columns are the manifest's inputs in theirs. Cells become what JSON would hold; what they hold is the model's to check.
 * Throws RowsInvalid for a header or a line that does not fit.
 */
export const readCsv =
  ({ inputs }: Pick<Manifest, "inputs">) =>
  (text: string, { header }: { readonly header: boolean }): { readonly rows: CsvRow[] } | HttpProblem => {
    const records = splitRecords(text);
    if (!Array.isArray(records)) return records;
    const names = header ? (records.shift() ?? []) : inputs.map(({ name }) => name);
    const wrong = header ? checkColumns(names, inputs) : [];
    if (wrong.length > 0) throw new RowsInvalid(wrong);
    const torn = records.findIndex(({ length }) => length !== names.length);
    if (torn >= 0)
      throw new RowsInvalid([
        { row: torn, detail: `holds ${records[torn]?.length} cells where ${names.length} belong` },
      ]);
    const columns = names.flatMap((name, at) => {
      const input = inputs.find((one) => one.name === name);
      return input ? [{ name, at, input }] : [];
    });
    return {
      rows: records.map((record) => {
        const row: CsvRow = {};
        for (const { name, at, input } of columns) row[name] = readCell(record[at] ?? "", input);
        return row;
      }),
    };
  };
