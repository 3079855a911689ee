/**
 * Predicts rows with a model's folder: `node predict-rows-process.ts <folder>` with the folder's files and rows.json. It
 * writes the result as one JSON line to file descriptor 3, because a model's native code may write to stdout and stderr.
 */
import { readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { loadModelFolder } from "#inference/model/load-model-folder.ts";
import { RowsInvalid } from "#inference/model/rows-invalid.ts";
import type { PredictedRows } from "./predict-rows.ts";

const folder = process.argv[2] ?? "";
const predict = async (): Promise<PredictedRows> => {
  const model = await loadModelFolder(folder);
  const rows: unknown = JSON.parse(readFileSync(join(folder, "rows.json"), "utf8"));
  return { status: "predicted", predictions: await model.predict(rows) };
};

const result = await predict().catch(
  (error: unknown): PredictedRows =>
    error instanceof RowsInvalid
      ? { status: "invalid", problems: [...error.problems] }
      : { status: "failed", message: error instanceof Error ? error.message : String(error) },
);
writeSync(3, `${JSON.stringify(result)}\n`);
