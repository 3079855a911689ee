/**
 * Loads a model's folder and answers its golden rows, or one row that its inputs allow, in a process of its own: `node trial-process.ts <folder>`.
 * The result is one JSON line on the third file descriptor, because a model's native code may write to the others.
 */
import { existsSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { readManifest } from "../manifest/read-manifest.ts";
import { loadModel, sampleRow } from "../model/load-model.ts";
import { openTokenizer } from "../text/open-tokenizer.ts";
import { stressTokenizer } from "../text/stress-tokenizer.ts";
import { parseGolden } from "./parse-golden.ts";

const folder = process.argv[2] ?? "";
const answer = async () => {
  const manifest = readManifest(readFileSync(join(folder, "model.yaml"), "utf8"));
  const golden = join(folder, "golden.json");
  // A folder that is only served needs no golden vectors.
  const rows = existsSync(golden) ? parseGolden(readFileSync(golden), manifest).rows : [sampleRow(manifest)];
  const tokenizer = manifest.tokenizer && readFileSync(join(folder, manifest.tokenizer.file));
  const model = await loadModel({
    manifest,
    model: { path: join(folder, manifest.artifact) },
    tokenizer,
  });
  if (tokenizer && manifest.tokenizer)
    stressTokenizer(openTokenizer(tokenizer, manifest.tokenizer.maxTokens));
  return { status: "answered", predictions: await model.predict(rows) };
};
const result = await answer().catch((error: unknown) => ({
  status: "failed",
  message: error instanceof Error ? error.message : String(error),
}));
writeSync(3, `${JSON.stringify(result)}\n`);
