import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { isJsonLines } from "./is-json-lines.ts";
import type { ModelSource } from "./model-source.ts";
import type { CsvTable } from "./read-csv-table.ts";
import { readImageFiles } from "./read-image-files.ts";
import { readJsonLines } from "./read-json-lines.ts";
import { readTable } from "./read-table.ts";

/** Reads the table of the data: JSON lines by their name, otherwise CSV or Parquet; with the images that it names. */
export const readSourceTable = async (
  { csv, csvName, onnx, targets, ignored, options, tableOptions, readFile }: ModelSource,
  graph: OnnxSummary,
): Promise<CsvTable> => {
  const named = [...targets, ...(options?.group === undefined ? [] : [options.group]), ...ignored];
  const table = isJsonLines(csvName)
    ? readJsonLines(csv, csvName)
    : await readTable(csv, csvName, {
        ...tableOptions,
        named,
        exactNames: [...graph.inputs.map(({ name }) => name), ...named],
        isStored: (text) => Buffer.from(onnx.buffer, onnx.byteOffset, onnx.length).includes(text),
      });
  return readFile ? readImageFiles(table, readFile) : table;
};
