import { parquetMetadata, parquetRead, type SchemaElement } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import * as z from "zod";
import { NewModelRefused } from "./new-model-refused.ts";
import { type CsvTable, maxTableBytes } from "./read-csv-table.ts";

const maxRows = 100_000;
const maxColumns = 2_100;
const Rows = z.array(z.array(z.unknown()));

/** The columns of the root; throws NewModelRefused for lists, structures and maps. */
const listColumns = (schema: readonly SchemaElement[], file: string): readonly SchemaElement[] => {
  const [root, ...columns] = schema;
  // Elements are listed depth first: without nested ones, each is a child of the root.
  const nested = columns.find(
    ({ num_children, repetition_type }) => num_children || repetition_type === "REPEATED",
  );
  if (nested || root?.num_children !== columns.length)
    throw new NewModelRefused(
      `${file} has a nested column (${nested?.name ?? "a structure"})`,
      "Write one column for each of its values, or drop it: in pandas df.drop(columns=[…]).to_parquet(…).",
    );
  return columns;
};

/** A cell as pandas would write it to a CSV. */
const formatCell = (value: unknown, column: SchemaElement): string => {
  if (value === null || value === undefined) return "";
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "number") {
    if (Number.isNaN(value)) return "";
    const isFloat = /^(FLOAT|DOUBLE)$/.test(column.type ?? "") || column.converted_type === "DECIMAL";
    return isFloat && Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value);
  }
  if (typeof value === "string" || typeof value === "bigint" || typeof value === "boolean")
    return String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : JSON.stringify(value);
};

/**
 * Reads a Parquet file as the texts of its cells: integers with all digits, timestamps in ISO 8601, missing values as
 * empty. pandas' index columns are left out. Throws NewModelRefused for nested columns and for a file that is too large.
 */
export const readParquetTable = async (bytes: Uint8Array, file: string): Promise<CsvTable> => {
  if (bytes.length > maxTableBytes)
    throw new NewModelRefused(
      `${file} is too large (limit ${maxTableBytes / 1_024 / 1_024} MB)`,
      "Use a sample of it.",
    );
  const buffer = new Uint8Array(bytes).buffer;
  try {
    const metadata = parquetMetadata(buffer);
    const columns = listColumns(metadata.schema, file);
    const count = Number(metadata.num_rows);
    if (count < 1 || count > maxRows || columns.length > maxColumns)
      throw new NewModelRefused(
        `${file} holds ${count} rows and ${columns.length} columns`,
        `Use 1 to ${maxRows} rows and at most 2,000 inputs; some hundred rows are enough.`,
      );
    let rows: z.infer<typeof Rows> = [];
    await parquetRead({
      file: { byteLength: buffer.byteLength, slice: (start, end) => buffer.slice(start, end) },
      metadata,
      compressors,
      onComplete: (all) => {
        rows = Rows.parse(all);
      },
    });
    const isIndex = (name: string) => /^__index_level_\d+__$/.test(name);
    const indexes = columns.filter(({ name }) => isIndex(name)).map(({ name }) => name);
    return {
      columns: new Map(
        columns.flatMap((column, at) =>
          isIndex(column.name)
            ? []
            : [[column.name, rows.map((row) => formatCell(row[at], column))] as const],
        ),
      ),
      rows: count,
      notes: [
        `Read ${file} as Parquet.`,
        ...(indexes.length > 0 ? [`Left out pandas' index: ${indexes.join(", ")}.`] : []),
      ],
    };
  } catch (error) {
    if (error instanceof NewModelRefused) throw error;
    throw new NewModelRefused(
      `${file} cannot be read as Parquet: ${error instanceof Error ? error.message : String(error)}`,
      "Write it again, or as CSV.",
    );
  }
};
