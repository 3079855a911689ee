import { join } from "node:path";
import { parse } from "csv-parse/sync";
import * as z from "zod";
import { draftModelFolder } from "#cli/new-model/draft-model-folder.ts";
import type { Manifest, Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { withModelFiles } from "#test/support/with-model-files.ts";
import type { ExportedModel } from "./export-models.ts";

/** What Slipway makes of an export. */
export type ServedExport = {
  readonly manifest: Manifest;
  /** What `slipway new` changed in the file, one sentence each. */
  readonly changes: readonly string[];
  /** Where predictions differ from the library's: one sentence each. */
  readonly differences: readonly string[];
};

/** Both compute with 32-bit floats. */
const tolerance = 1e-4;
const differs = (one: number, other: number): boolean =>
  !(Math.abs(one - other) <= tolerance * Math.max(1, Math.abs(other)));

const compare = (
  row: number,
  answer: ExportedModel["answers"][number],
  prediction: Prediction | undefined,
): readonly string[] => {
  if (!prediction) return [`row ${row}: no prediction`];
  const numbers = Object.values(prediction.scores);
  return [
    ...(answer.label !== undefined && answer.label !== prediction.label
      ? [`row ${row}: label ${prediction.label}, the library's is ${answer.label}`]
      : []),
    ...(answer.labels !== undefined && answer.labels.join() !== prediction.labels?.join()
      ? [`row ${row}: labels ${prediction.labels?.join()}, the library's are ${answer.labels.join()}`]
      : []),
    ...(answer.value !== undefined && differs(prediction.value ?? numbers[0] ?? Number.NaN, answer.value)
      ? [`row ${row}: value ${prediction.value}, the library's is ${answer.value}`]
      : []),
    ...Object.entries(answer.scores ?? {}).flatMap(([name, score]) => {
      const own = new Map(Object.entries(prediction.scores)).get(name) ?? Number.NaN;
      return differs(own, score) ? [`row ${row}: ${name} is ${own}, the library's is ${score}`] : [];
    }),
    ...(answer.values ?? []).flatMap((value, index) =>
      differs(numbers[index] ?? Number.NaN, value)
        ? [`row ${row}: number ${index} is ${numbers[index]}, the library's is ${value}`]
        : [],
    ),
  ];
};

const readRows = (csv: Uint8Array, { inputs }: Manifest, count: number): Row[] => {
  const records = z
    .array(z.record(z.string(), z.string()))
    .parse(parse(Buffer.from(csv), { columns: true, to: count }));
  return records.map((record) => {
    const cells = new Map(Object.entries(record));
    return Object.fromEntries(
      inputs.map(({ name, type }) => {
        const cell = cells.get(name) ?? "";
        return [name, type === "string" || type === "category" ? cell : Number(cell)];
      }),
    );
  });
};

/**
 * Writes an export's folder as `slipway new` does, without any edit, and predicts the rows for which the library gave its
 * own answers.
 */
export const serveExport = async (exported: ExportedModel, folder: string): Promise<ServedExport> => {
  const { name, onnx, csv, targets, group, task, answers } = exported;
  const draft = await draftModelFolder({
    name,
    onnx,
    csv,
    csvName: "data.csv",
    targets,
    options: { task, ...(group === null ? {} : { group }) },
    tokenizer: undefined,
    ignored: [],
    owner: undefined,
    approvers: [],
    policyApprovers: ["U024BE7LH"],
  });
  return withModelFiles(join(folder, name), draft.files, async (model) => {
    const predictions = await model.predict(readRows(csv, model.manifest, answers.length));
    return {
      manifest: model.manifest,
      changes: draft.notes.filter((note) => note.startsWith("model.onnx: ")),
      differences: answers.flatMap((answer, row) => compare(row, answer, predictions[row])),
    };
  });
};
