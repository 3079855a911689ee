import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as z from "zod";
import { createPythonEnvironment } from "#test/peers/python-environment.ts";

const run = promisify(execFile);
const script = fileURLToPath(new URL("export_rows.py", import.meta.url));
const requirements = fileURLToPath(new URL("requirements.txt", import.meta.url));

/** What a library predicts for one row; the parts that it has. */
const LibraryAnswer = z.strictObject({
  label: z.string().optional(),
  labels: z.array(z.string()).optional(),
  value: z.number().optional(),
  scores: z.record(z.string(), z.number()).optional(),
  /** All numbers of the prediction, in their order. */
  values: z.array(z.number()).optional(),
});

/** A model that a library trained and exported. */
export const ExportedModel = z.strictObject({
  library: z.string(),
  kind: z.string(),
  /** The Python lines that exported it. */
  export: z.string(),
  targets: z.array(z.string()),
  group: z.string().nullable(),
  task: z.enum(["clustering"]).optional(),
  /** For the first rows of data.csv. */
  answers: z.array(LibraryAnswer).min(10),
});
export type ExportedModel = z.infer<typeof ExportedModel> & {
  readonly name: string;
  readonly onnx: Uint8Array;
  readonly csv: Uint8Array;
};

/** Trains and exports every model of export_rows.py into an empty folder, with the pinned libraries. */
export const exportModels = async (folder: string): Promise<readonly ExportedModel[]> => {
  const { python } = await createPythonEnvironment(requirements);
  await run(python, ["-W", "ignore", script, folder], { maxBuffer: 64 * 1_024 * 1_024 });
  const names = (await readdir(folder)).toSorted();
  return Promise.all(
    names.map(async (name) => ({
      name,
      ...ExportedModel.parse(JSON.parse(await readFile(join(folder, name, "row.json"), "utf8"))),
      onnx: await readFile(join(folder, name, "model.onnx")),
      csv: await readFile(join(folder, name, "data.csv")),
    })),
  );
};
