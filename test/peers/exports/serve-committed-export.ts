import { join } from "node:path";
import { parse } from "csv-parse/sync";
import * as z from "zod";
import { draftModelFolder } from "#cli/new-model/draft-model-folder.ts";
import type { Manifest, Row } from "#model-folder/manifest/manifest.ts";
import { compareGolden } from "#model-folder/rows/compare-golden.ts";
import { withModelFiles } from "#test/support/with-model-files.ts";
import type { CommittedExport } from "./committed-exports.ts";
import type { ServedExport } from "./serve-export.ts";

const Records = z.array(z.record(z.string(), z.json()));

const readRows = ({ data, predictions }: CommittedExport, { inputs }: Manifest): Row[] => {
  const text = Buffer.from(data.bytes).toString();
  const records = data.file.endsWith(".jsonl")
    ? text
        .trim()
        .split("\n")
        .map((line): unknown => JSON.parse(line))
    : parse(text, { columns: true });
  return Records.parse(records)
    .slice(0, predictions.length)
    .map((record) => {
      const cells = new Map(Object.entries(record));
      return Object.fromEntries(
        inputs.map(({ name, type }) => {
          const cell = cells.get(name);
          return [name, type === "number" || type === "integer" ? Number(cell) : cell];
        }),
      ) as Row;
    });
};

/** The recorded predictions in the form of Slipway's; an embedding was recorded with each pooling. */
const listExpected = ({ predictions, task }: CommittedExport) =>
  predictions.map((prediction) => {
    const [first] = Object.values(prediction.scores);
    if (task === "regression") return { ...prediction, value: first ?? Number.NaN };
    const mean = prediction.tensors?.mean;
    return mean === undefined ? prediction : { ...prediction, tensors: { embedding: mean } };
  });

/** The options of `slipway new` beside --onnx and --data. */
export const listCommittedOptions = ({
  name,
  target,
  tokenizer,
  labels,
  task,
}: CommittedExport): readonly string[] => [
  ...target.map((column) => `--target ${column}`),
  ...(tokenizer ? ["--tokenizer tokenizer.json"] : []),
  ...(labels ? [`--labels ${labels.join(",")}`] : []),
  ...(name === "torch-vectors" ? [`--task ${task}`] : []),
  ...(task === "embedding" && tokenizer ? ["--pooling mean"] : []),
];

/** Writes the folder of a committed export as `slipway new` does with these options, and compares the recorded predictions. */
export const serveCommittedExport = async (
  exported: CommittedExport,
  folder: string,
): Promise<ServedExport> => {
  const { name, onnx, data, target, tokenizer, labels, task } = exported;
  const draft = await draftModelFolder({
    name,
    onnx,
    csv: data.bytes,
    csvName: data.file,
    targets: target,
    options: {
      labels,
      task: name === "torch-vectors" ? "embedding" : undefined,
      pooling: task === "embedding" && tokenizer ? "mean" : undefined,
    },
    tokenizer: tokenizer && { bytes: tokenizer, maxTokens: undefined },
    ignored: [],
    owner: undefined,
    approvers: [],
    policyApprovers: ["U024BE7LH"],
  });
  return withModelFiles(join(folder, name), draft.files, async (model) => {
    const predictions = await model.predict(readRows(exported, model.manifest));
    const compared = compareGolden(
      { tolerance: name.includes("float16") ? 2e-3 : 1e-4, rows: [], predictions: listExpected(exported) },
      predictions,
    );
    return {
      manifest: model.manifest,
      changes: draft.notes.filter((note) => note.startsWith("model.onnx: ")),
      differences: compared
        .filter(({ withinTolerance }) => !withinTolerance)
        .map((difference) => JSON.stringify(difference)),
    };
  });
};
