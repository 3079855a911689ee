import { type CsvOptions, type CsvTable, readCsvTable } from "./read-csv-table.ts";

const startsWith = (bytes: Uint8Array, text: string): boolean =>
  Buffer.from(bytes.subarray(0, text.length)).toString("latin1") === text;

/** Reads a table: Parquet by its first bytes, otherwise CSV. Throws NewModelRefused. */
export const readTable = async (bytes: Uint8Array, file: string, options: CsvOptions): Promise<CsvTable> => {
  if (!startsWith(bytes, "PAR1")) return readCsvTable(bytes, file, options);
  // Few tables are Parquet: its reader is loaded for them alone.
  const { readParquetTable } = await import("./read-parquet-table.ts");
  return readParquetTable(bytes, file);
};
