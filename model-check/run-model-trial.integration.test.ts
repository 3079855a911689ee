import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readChurnFiles } from "#test/support/onnx/churn-folder.ts";
import { floatType, type Graph, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { runModelTrial } from "./run-model-trial.ts";

const inFolder = async (
  changes: Record<string, Uint8Array>,
  work: (folder: string) => Promise<void>,
): Promise<void> => {
  const folder = await createTemporaryFolder();
  try {
    const { "model.yaml": manifest, "model.onnx": onnx } = Object.fromEntries(readChurnFiles());
    for (const [name, bytes] of Object.entries({ "model.yaml": manifest, "model.onnx": onnx, ...changes }))
      await writeFile(join(folder.path, name), bytes ?? "");
    await work(folder.path);
  } finally {
    await folder.remove();
  }
};
/** A graph with churn's inputs and these nodes. */
const graph = (nodes: Graph["nodes"] = []): Uint8Array =>
  writeOnnx({ graph: { nodes, outputs: [{ name: "probabilities", type: floatType, shape: ["N", 2] }] } });

test("a manifest and a working graph are enough", () =>
  inFolder({}, async (folder) => {
    await expect(runModelTrial(folder)).resolves.toBeUndefined();
  }));

test("a model that uses more memory than its limit is refused, and nothing hangs", () =>
  inFolder({}, async (folder) => {
    await expect(runModelTrial(folder, { seconds: 30, residentMb: 10 })).rejects.toMatchObject({
      name: "ModelUnreadable",
      message: expect.stringMatching(/cannot predict a row: it used more than 10 MB/),
    });
  }));

test("a graph that the check refuses is never loaded", () =>
  inFolder(
    { "model.onnx": graph([{ op: "Evil", domain: "com.evil", outputs: ["probabilities"] }]) },
    async (folder) => {
      await expect(runModelTrial(folder)).rejects.toThrow(/com\.evil/);
    },
  ));

test("a folder without its graph is refused, and the error names the file", () =>
  inFolder({}, async (folder) => {
    await rm(join(folder, "model.onnx"));
    await expect(runModelTrial(folder)).rejects.toThrow(/model\.onnx is not in the folder/);
  }));
