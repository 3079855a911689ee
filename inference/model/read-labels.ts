import { OutputNotFinite } from "./output-not-finite.ts";

const toTexts = (data: unknown): readonly string[] | undefined => {
  if (Array.isArray(data)) return data.map(String);
  // Integers of all widths; flags are 0 and 1.
  return ArrayBuffer.isView(data) && Symbol.iterator in data && !(data instanceof Float32Array)
    ? Array.from(data as Iterable<number | bigint>, String)
    : undefined;
};

/**
 * The labels of an output of onnxruntime, one for each row, as text. Throws OutputNotFinite for another number of labels,
 * or for a label that is not one of `labels`.
 */
export const readLabels = (data: unknown, rows: number, labels: ReadonlySet<string>): readonly string[] => {
  const texts = toTexts(data);
  if (texts?.length !== rows)
    throw new OutputNotFinite(
      `the model returned ${texts ? `${texts.length} labels for ${rows} rows` : "no labels"}`,
    );
  const unknown = texts.find((text) => !labels.has(text));
  if (unknown !== undefined)
    throw new OutputNotFinite(
      `the model returned the label ${JSON.stringify(unknown.slice(0, 64))}, which model.yaml does not name`,
    );
  return texts;
};
