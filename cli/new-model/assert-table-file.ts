import type { FileKind } from "#model-folder/onnx/identify-file.ts";
import { identifyFile } from "#model-folder/onnx/identify-file.ts";
import { hasGraph, listTopFields } from "#model-folder/onnx/list-top-fields.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";
import { findByteOrderMark, type TableEncoding } from "./decode-table-text.ts";
import { isJsonLines } from "./is-json-lines.ts";
import { refuseFile } from "./refuse-file.ts";

type Advice = { readonly what: string; readonly remedy: string; readonly lines: readonly string[] };

/** Whether the file has one JSON object per line; a list, or an object over several lines, is another kind. */
const hasObjectPerLine = (bytes: Uint8Array): boolean => {
  // A row of arrays can be long, and only the first line decides.
  const end = bytes.indexOf(0x0a);
  try {
    const first: unknown = JSON.parse(new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end)));
    return isJsonObject(first);
  } catch {
    return false;
  }
};

/** JSON lines are a table by their name, because a CSV's cells can look like JSON. */
const explainJson = (name: string, bytes: Uint8Array): Advice | undefined => {
  if (isJsonLines(name)) return undefined;
  const file = JSON.stringify(name);
  return hasObjectPerLine(bytes)
    ? {
        what: "JSON lines",
        remedy: "Give it a name that ends in .jsonl:",
        lines: [`mv ${file} data.jsonl`],
      }
    : {
        what: "JSON",
        remedy: "Write it as JSON lines (a row may have arrays) in Python:",
        lines: [
          `import pandas; pandas.read_json(${file}).to_json("data.jsonl", orient="records", lines=True)`,
        ],
      };
};

/** The model in place of the table. */
const onnxModel: Advice = {
  what: "an ONNX model",
  remedy: "Name the model with --onnx and the table with --data.",
  lines: [],
};

/** Control characters, and zero bytes at even and odd places: text in any encoding has at most the one or the other place. */
const isBinary = (bytes: Uint8Array): boolean => {
  if (findByteOrderMark(bytes)) return false;
  const start = bytes.subarray(0, 10_000);
  const zeros = [0, 0];
  let controls = 0;
  for (const [index, byte] of start.entries()) {
    if (byte === 0) zeros[index % 2] = (zeros[index % 2] ?? 0) + 1;
    else if (byte < 9 || (byte > 13 && byte < 27)) controls++;
  }
  return controls > start.length / 200 || zeros.every((count) => count > start.length / 40);
};

/** A model in place of the table, or no text at all; text that is not UTF-8 has its own question. */
const explainBinary = (bytes: Uint8Array): Advice | undefined => {
  if (!isBinary(bytes)) return undefined;
  const fields = listTopFields(bytes);
  return fields && hasGraph(fields)
    ? onnxModel
    : {
        what: "a binary file",
        remedy:
          "Name a CSV or Parquet file with the rows; --encoding says how a CSV is encoded that is not UTF-8.",
        lines: [],
      };
};

/** Kinds that a table can have, or that only look like another kind; CSV is read as it is. */
const explain = (found: FileKind, name: string, bytes: Uint8Array): Advice | undefined => {
  const file = JSON.stringify(name);
  const withPandas = (what: string, read: string): Advice => ({
    what,
    remedy: "Write it as CSV in Python:",
    lines: [`import pandas; pandas.${read}.to_csv("data.csv", index=False)`],
  });
  const other = (what: string): Advice => ({
    what,
    remedy: "Name a CSV, Parquet or JSON lines (.jsonl) file with the rows.",
    lines: [],
  });
  switch (found.kind) {
    case "csv":
    case "text":
    case "yaml":
    case "parquet":
      return undefined;
    case "empty":
      return other("empty");
    case "xlsx":
    case "xls":
      return withPandas("an Excel workbook", `read_excel(${file})`);
    case "arrow":
      return withPandas("an Arrow (Feather) table", `read_feather(${file})`);
    case "json":
      return explainJson(name, bytes);
    case "pickle":
      return withPandas("a Python pickle", `read_pickle(${file})`);
    case "hdf5":
      return withPandas("an HDF5 file", `read_hdf(${file})`);
    case "npy":
      return {
        what: "an array of numpy",
        remedy: "Write it as CSV in Python, with the names of its columns:",
        lines: [
          `import numpy, pandas; pandas.DataFrame(numpy.load(${file}), columns=names).to_csv("data.csv", index=False)`,
        ],
      };
    case "compressed":
      return withPandas(`compressed with ${found.format}`, `read_csv(${file})`);
    case "zip":
      return withPandas("a zip archive", `read_csv(${file})`);
    case "sqlite":
      return {
        what: "a SQLite database",
        remedy: "Write the table as CSV:",
        lines: [`sqlite3 -header -csv ${file} "SELECT * FROM …" > data.csv`],
      };
    case "lfs":
      return {
        what: "a Git LFS pointer",
        remedy: "The file's content was not fetched; fetch it in its repository:",
        lines: [`git lfs pull --include ${file}`],
      };
    case "html":
      return {
        what: "a web page",
        remedy:
          "A download that needs a login often ends with one: log in, or use the address of the file itself, and download it again.",
        lines: [],
      };
    default:
      return other("a file of another kind");
  }
};

/**
 * Throws NewModelRefused where the table's file is something else, with the line that writes it as CSV.
 * @param encoding a file with an encoding is text, whatever its bytes look like
 */
export const assertTableFile = (
  bytes: Uint8Array,
  name: string,
  encoding: TableEncoding | undefined,
): void => {
  const found = encoding === undefined || bytes.length === 0 ? identifyFile(bytes) : undefined;
  const advice = found
    ? explain(found, name, bytes)
    : encoding === undefined
      ? explainBinary(bytes)
      : undefined;
  if (advice) throw refuseFile(name, "a CSV, Parquet or JSON lines table", advice);
};
