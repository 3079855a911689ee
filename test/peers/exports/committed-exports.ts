import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { Prediction } from "#model-folder/manifest/manifest.ts";

const folder = new URL("../../support/onnx-exports/", import.meta.url);

/** An export of a library that is too large to install for a test, with the library's own predictions. */
const CommittedExport = z.object({
  library: z.string(),
  kind: z.string(),
  /** The Python line that exported it. */
  export: z.string(),
  target: z.union([z.string(), z.array(z.string())]).transform((target) => [target].flat()),
  task: z.string(),
  labels: z.array(z.string()).optional(),
  predictions: z.array(Prediction.extend({ scores: Prediction.shape.scores.default({}) })).min(10),
});
export type CommittedExport = z.infer<typeof CommittedExport> & {
  readonly name: string;
  readonly onnx: Uint8Array;
  readonly data: { readonly file: string; readonly bytes: Uint8Array };
  readonly tokenizer: Uint8Array | undefined;
};

/** In the order of the page. */
const names = [
  "torch-image-tensor",
  "torch-image-files",
  "torch-image-uint8",
  "torch-window-columns",
  "torch-two-heads",
  "torch-vectors",
  "torch-float16-tensors",
  "bert-pairs",
  "bert-entities",
  "bert-embeddings",
  "bert-text-and-columns",
];

const readCommitted = async (name: string): Promise<CommittedExport> => {
  const read = (file: string) => readFile(new URL(`${name}/${file}`, folder));
  const find = (file: string) => read(file).catch(() => undefined);
  const lines = await find("data.jsonl");
  return {
    name,
    ...CommittedExport.parse(JSON.parse((await read("case.json")).toString())),
    onnx: await read("model.onnx"),
    data: lines ? { file: "data.jsonl", bytes: lines } : { file: "data.csv", bytes: await read("data.csv") },
    tokenizer: await find("tokenizer.json"),
  };
};

/** Networks of PyTorch and transformers that were exported beforehand. */
export const readCommittedExports = (): Promise<readonly CommittedExport[]> =>
  Promise.all(names.map(readCommitted));

/** The libraries and versions that exported them. */
export const readCommittedVersions = async (): Promise<readonly string[]> => {
  const text = await readFile(fileURLToPath(new URL("requirements-texts.txt", folder)), "utf8");
  return [...text.matchAll(/^(torch|transformers)==([\w.]+)/gm)].map(
    ([, name, version]) => `${name} ${version}`,
  );
};
