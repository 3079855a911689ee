import { createSampleRow, type LoadedModel } from "#inference/model/load-model.ts";
import type { Manifest, Row } from "#model-folder/manifest/manifest.ts";

/** Of the 5 ms that a request may hold the event loop the model's share; reading, checking and recording take the others. */
const budgetMs = 2;
/** Of three runs the shortest counts: a collection of garbage is no time of the model. */
const runsPerSize = 3;
/** A longer text, where an input takes one, is rare; rows of longer ones are fewer. */
const textLength = 1_000;

const createLongText = (maxLength: number | undefined): string =>
  "word ".repeat(textLength / 5).slice(0, maxLength ?? textLength);

/** A row that the model must take, with texts as long as they come, and the characters of those. */
const createSample = (manifest: Pick<Manifest, "inputs">): { readonly row: Row; readonly length: number } => {
  const texts = manifest.inputs.flatMap((input) =>
    input.type === "string" ? [[input.name, createLongText(input.maxLength)] as const] : [],
  );
  return {
    row: { ...createSampleRow(manifest), ...Object.fromEntries(texts) },
    length: texts.reduce((sum, [, text]) => sum + text.length, 0),
  };
};

/** Bytes and values up to which a body's rows are answered on the event loop. */
export type OffloadThreshold = { readonly bytes: number; readonly values: number };

/**
 * Within which bytes and values a body's rows are answered by this model in 2 ms, as the model is tried with 1, 2, 4, …
 * rows: at most `most`. Undefined where a single row takes longer: then the model has to run in a process of its own, so
 * that whoever asks for something else is answered meanwhile.
 * @param readThreadMs processor time of this thread in milliseconds: what other processes do meanwhile does not count
 */
export const measureOffloadThreshold = async (
  { manifest, predict }: Pick<LoadedModel, "manifest" | "predict">,
  { most, threadMs }: { readonly most: OffloadThreshold; readonly threadMs: () => number },
): Promise<OffloadThreshold | undefined> => {
  const { row, length } = createSample(manifest);
  const inputs = manifest.inputs.length;
  const limitsOf = (rows: number): OffloadThreshold => ({
    bytes: length > 0 ? Math.min(most.bytes, rows * length) : most.bytes,
    values: Math.min(most.values, rows * inputs),
  });
  const mostRows = Math.max(1, Math.floor(Math.min(most.bytes / length, most.values / inputs)));
  let within: OffloadThreshold | undefined;
  for (let rows = 1; ; rows = Math.min(mostRows, 2 * rows)) {
    const times: number[] = [];
    for (let run = 0; run < runsPerSize; run++) {
      const before = threadMs();
      // A model that cannot answer this row may still answer others.
      await predict(Array.from({ length: rows }, () => row)).catch(() => undefined);
      times.push(threadMs() - before);
    }
    if (Math.min(...times) > budgetMs) return within;
    if (rows === mostRows) return most;
    within = limitsOf(rows);
  }
};
