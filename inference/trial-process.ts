/**
 * Loads a model's folder and answers its golden rows, in a process of its own: `node trial-process.ts <folder>`.
 * The result is one JSON line on the third file descriptor, because a model's native code may write to the others.
 */
import { readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { loadModel } from "./load-model.ts";
import { parseGolden } from "./parse-golden.ts";
import { readManifest } from "./read-manifest.ts";

const folder = process.argv[2] ?? "";
const answer = async () => {
  const manifest = readManifest(readFileSync(join(folder, "model.yaml"), "utf8"));
  const golden = parseGolden(readFileSync(join(folder, "golden.json")), manifest);
  const model = await loadModel({
    manifest,
    model: { path: join(folder, manifest.artifact) },
    tokenizer: manifest.tokenizer && readFileSync(join(folder, manifest.tokenizer.file)),
  });
  return { status: "answered", predictions: await model.predict(golden.rows) };
};
const result = await answer().catch((error: unknown) => ({
  status: "failed",
  message: error instanceof Error ? error.message : String(error),
}));
writeSync(3, `${JSON.stringify(result)}\n`);
