import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { explainExport } from "#model-folder/onnx/explain-export.ts";
import { identifyFile } from "#model-folder/onnx/identify-file.ts";
import { type JoinedOnnx, joinExternalData } from "#model-folder/onnx/join-external-data.ts";
import { hasGraph, listTopFields } from "#model-folder/onnx/list-top-fields.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { identifyFolder } from "./identify-folder.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import { readInputFile } from "./read-input-file.ts";
import { refuseFile } from "./refuse-file.ts";

/**
 * Reads the ONNX file of `slipway new`, with the weights that it keeps in files beside it. Throws NewModelRefused for a folder and for a file of another kind, with the lines
 * that export it; UsageMistake where it cannot be read.
 */
export const readOnnxFile = async (file: string): Promise<JoinedOnnx> => {
  const isFolder = (await stat(file).catch(() => undefined))?.isDirectory();
  const folder = isFolder ? await identifyFolder(file) : undefined;
  if (folder) throw refuseFile(file, "an ONNX file", folder);
  const bytes = await readInputFile(file);
  const found = identifyFile(bytes);
  if (found) throw refuseFile(file, "an ONNX model", explainExport(found, basename(file)));
  const fields = listTopFields(bytes);
  if (!fields || !hasGraph(fields))
    throw new NewModelRefused(
      `${file} is ${fields ? "no ONNX model: it has no graph" : "not an ONNX model, or only a part of one"}`,
      [
        "Copy or download it again and compare the sizes; if it is whole, export the model again. In Python this line checks a file:",
        `    import onnx; onnx.checker.check_model(${JSON.stringify(basename(file))})`,
      ].join("\n"),
    );
  try {
    return await joinExternalData(bytes, (path) =>
      readFile(join(dirname(file), path)).catch(() => undefined),
    );
  } catch (error) {
    if (!(error instanceof ModelUnreadable)) throw error;
    throw new NewModelRefused(`${file}: ${error.message}`, error.remedy ?? "Export the model again.");
  }
};
