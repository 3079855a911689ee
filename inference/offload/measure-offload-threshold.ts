import { createSampleRow, type LoadedModel } from "#inference/model/load-model.ts";
import type { Manifest, Row } from "#model-folder/manifest/manifest.ts";

import { countRowValues } from "./count-row-values.ts";

/** A request may block the event loop for 5 ms: 2 ms for the model, the rest for reading, checking and recording. */
const budgetMs = 2;
/** The shortest of three runs counts, to exclude garbage collection. */
const runsPerSize = 3;
/** Longer texts are rare. */
const textLength = 1_000;

const createLongText = (maxLength: number | undefined): string =>
  "word ".repeat(textLength / 5).slice(0, maxLength ?? textLength);

/** Creates a valid row with long texts, and counts their characters. */
const createSample = (manifest: Pick<Manifest, "inputs">): { readonly row: Row; readonly length: number } => {
  const texts = manifest.inputs.flatMap((input) =>
    input.type === "string" ? [[input.name, createLongText(input.maxLength)] as const] : [],
  );
  return {
    row: { ...createSampleRow(manifest), ...Object.fromEntries(texts) },
    length: texts.reduce((sum, [, text]) => sum + text.length, 0),
  };
};

/** The largest body, in bytes and values, that is handled on the event loop. */
export type OffloadThreshold = { readonly bytes: number; readonly values: number };

/**
 * Measures the largest body that this model predicts within 2 ms, with 1, 2, 4, … rows, up to `maximum`. Undefined if a
 * single row takes longer: then the model must run in a separate process, so that it does not block other requests.
 * @param readThreadMs CPU time of this thread in milliseconds, so that other processes do not distort the measurement
 */
export const measureOffloadThreshold = async (
  { manifest, predict }: Pick<LoadedModel, "manifest" | "predict">,
  { maximum, readThreadMs }: { readonly maximum: OffloadThreshold; readonly readThreadMs: () => number },
): Promise<OffloadThreshold | undefined> => {
  const { row, length } = createSample(manifest);
  const { inputs, outputs } = countRowValues(manifest);
  const values = inputs + outputs;
  const toThreshold = (rows: number): OffloadThreshold => ({
    bytes: length > 0 ? Math.min(maximum.bytes, rows * length) : maximum.bytes,
    values: Math.min(maximum.values, rows * values),
  });
  const maxRows = Math.max(1, Math.floor(Math.min(maximum.bytes / length, maximum.values / values)));
  let threshold: OffloadThreshold | undefined;
  for (let rows = 1; ; rows = Math.min(maxRows, 2 * rows)) {
    const times: number[] = [];
    for (let run = 0; run < runsPerSize; run++) {
      const start = readThreadMs();
      // A model that fails on this row may still predict others.
      await predict(Array.from({ length: rows }, () => row)).catch(() => undefined);
      times.push(readThreadMs() - start);
    }
    if (Math.min(...times) > budgetMs) return threshold;
    if (rows === maxRows) return maximum;
    threshold = toThreshold(rows);
  }
};
