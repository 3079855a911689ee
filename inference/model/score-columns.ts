import type { Prediction } from "#model-folder/manifest/manifest.ts";

export const bandNames = ["low", "medium", "high"] as const;

/** Predictions in columns, of a classification with scores or of a regression: the same as an object for each row. */
export type ScoreColumns = {
  readonly rows: number;
  /** The scores' names, in the order of a prediction's `scores`. */
  readonly names: readonly string[];
  /** Row-major, rows × names; finite. */
  readonly scores: Float32Array | Float64Array;
  /** The index in `labelNames` of each row's label; undefined for a regression. */
  readonly labels: Int32Array | undefined;
  readonly labelNames: readonly string[];
  /** The index in bandNames of each row's band; undefined without bands. */
  readonly bands: Uint8Array | undefined;
};

/** The predictions of some of the rows, which share the memory. */
export const takeScoreColumns = (columns: ScoreColumns, start: number, end: number): ScoreColumns => ({
  ...columns,
  rows: end - start,
  scores: columns.scores.subarray(start * columns.names.length, end * columns.names.length),
  labels: columns.labels?.subarray(start, end),
  bands: columns.bands?.subarray(start, end),
});

/** The prediction of a row as an object. */
export const readScoreRow = (
  { names, scores: values, labels, labelNames, bands }: ScoreColumns,
  row: number,
): Prediction => {
  const start = row * names.length;
  if (!labels) {
    const scores = Object.fromEntries(names.map((name, index) => [name, values[start + index] ?? 0]));
    return names.length === 1 ? { value: values[start] ?? 0, scores } : { scores };
  }
  const scores: Record<string, number> = {};
  for (let index = 0; index < names.length; index++) scores[names[index] ?? ""] = values[start + index] ?? 0;
  const label = labelNames[labels[row] ?? 0] ?? "";
  const band = bands && bandNames[bands[row] ?? 0];
  return band ? { label, scores, band } : { label, scores };
};
