/**
 * Checks a model's folder in a process of its own: `node check-process.ts <folder> <name of the model>`. Its messages
 * are JSON lines on the third file descriptor, because a model's native code may write to the others.
 */
import { readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { loadModel } from "#inference/model/load-model.ts";
import { assertLinearTokenizer } from "#inference/text/assert-linear-tokenizer.ts";
import type { FolderProblem } from "#model-folder/manifest/folder-problem.ts";
import { checkFiles } from "./check-files.ts";
import type { CheckMessage } from "./check-model.ts";
import { compareGolden } from "./compare-golden.ts";

const sendMessage = (message: CheckMessage): void => {
  writeSync(3, `${JSON.stringify(message)}\n`);
};

const [, , folder = "", model = ""] = process.argv;
const files = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
const { run, ...problems } = checkFiles({ model, files }, (file) => sendMessage({ kind: "reading", file }));
sendMessage({
  kind: "read",
  folder: [...problems.folder],
  graph: [...problems.graph],
  runs: run !== undefined,
});

const checkGolden = async ({ manifest, golden }: NonNullable<typeof run>): Promise<FolderProblem[]> => {
  const tokenizer = manifest.tokenizer && files.get(manifest.tokenizer.file);
  if (tokenizer) assertLinearTokenizer(tokenizer);
  const loaded = await loadModel({
    manifest,
    model: { path: join(folder, manifest.artifact) },
    tokenizer,
  });
  const [first, ...others] = compareGolden(golden, await loaded.predict(golden.rows));
  return first
    ? [
        {
          severity: "warning",
          file: "golden.json",
          path: `predictions[${first.row}]`,
          message: `${first.what} is ${first.answered} here and was ${first.expected} at training (${others.length + 1} differ by more than ${golden.tolerance})`,
          remedy:
            "The delivery will end in GoldenVectorsDiffer: commit model and golden.json of one training run.",
        },
      ]
    : [];
};

if (run) {
  const graph = await checkGolden(run).catch((error: unknown): FolderProblem[] => [
    {
      severity: "error",
      file: run.manifest.artifact,
      path: "",
      message: `the model does not answer its golden rows: ${error instanceof Error ? error.message.slice(0, 4_000) : String(error)}`,
      remedy: "Run it in Python with onnxruntime on these rows, and export again.",
    },
  ]);
  sendMessage({ kind: "ran", graph });
}
