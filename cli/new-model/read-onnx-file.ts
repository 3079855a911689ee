import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { explainExport } from "#model-folder/onnx/explain-export.ts";
import { identifyFile } from "#model-folder/onnx/identify-file.ts";
import { identifyFolder } from "./identify-folder.ts";
import { readInputFile } from "./read-input-file.ts";
import { refuseFile } from "./refuse-file.ts";

/**
 * Reads the ONNX file of `slipway new`. Throws NewModelRefused for a folder and for a file of another kind, with the lines
 * that export it; UsageMistake where it cannot be read.
 */
export const readOnnxFile = async (file: string): Promise<Uint8Array> => {
  const isFolder = (await stat(file).catch(() => undefined))?.isDirectory();
  const folder = isFolder ? await identifyFolder(file) : undefined;
  if (folder) throw refuseFile(file, "an ONNX file", folder);
  const bytes = await readInputFile(file);
  const found = identifyFile(bytes);
  if (found) throw refuseFile(file, "an ONNX model", explainExport(found, basename(file)));
  return bytes;
};
