import { NewModelRefused } from "./new-model-refused.ts";
import type { CsvTable } from "./read-csv-table.ts";

/** Reads a file by its path relative to the table; undefined if there is none. */
export type ReadFile = (path: string) => Promise<Uint8Array | undefined>;

const isPath = (text: string): boolean => text.length < 1_000 && /\.(jpe?g|png)$/i.test(text);
const maxFiles = 2_000;

/** Replaces columns of paths to JPEG and PNG files by the files' base64 texts. Throws NewModelRefused for a missing file. */
export const readImageFiles = async (table: CsvTable, readFile: ReadFile): Promise<CsvTable> => {
  const columns = new Map(table.columns);
  for (const [name, cells] of table.columns) {
    if (!cells.every(isPath)) continue;
    if (cells.length > maxFiles)
      throw new NewModelRefused(
        `the column ${name} names ${cells.length} images`,
        `Use at most ${maxFiles} rows.`,
      );
    const texts: string[] = [];
    for (const [row, path] of cells.entries()) {
      const bytes = await readFile(path);
      if (!bytes)
        throw new NewModelRefused(
          `the image ${path} of row ${row + 1} cannot be read`,
          "Write paths relative to the table's folder.",
        );
      texts.push(Buffer.from(bytes).toString("base64"));
    }
    columns.set(name, texts);
  }
  return { ...table, columns };
};
