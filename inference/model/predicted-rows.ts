import { countLabels } from "#inference/records/count-labels.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import { readScoreRow, type ScoreColumns } from "./score-columns.ts";
import { type ScoreText, writePredictions } from "./score-text.ts";

/** The predictions of a request, in the form that each reader needs: all forms say the same. */
export type PredictedRows = {
  readonly length: number;
  /** The prediction of a row. */
  at(row: number): Prediction | undefined;
  toArray(): Prediction[];
  /** The predictions as a JSON array, as JSON.stringify writes them. */
  toJson(): string;
  /** The number of predictions per label. */
  countLabels(): ReadonlyMap<string, number>;
  /** Writes single rows; absent where the predictions are objects. */
  readonly text?: () => ScoreText;
  /** Absent where the predictions are objects. */
  readonly columns?: ScoreColumns;
};

/** Predictions that are objects. */
export const predictedObjects = (predictions: Prediction[]): PredictedRows => ({
  length: predictions.length,
  at: (row) => predictions[row],
  toArray: () => predictions,
  toJson: () => JSON.stringify(predictions),
  countLabels: () => countLabels(predictions),
});

const countColumn = ({ labels, labelNames }: ScoreColumns): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  if (!labels) return counts;
  const numbers = new Int32Array(labelNames.length);
  for (const label of labels) numbers[label] = (numbers[label] ?? 0) + 1;
  for (const [label, name] of labelNames.entries()) {
    const count = numbers[label] ?? 0;
    if (count > 0) counts.set(name, count);
  }
  return counts;
};

/** Predictions in columns; their text is made once, where somebody needs it. */
export const predictedColumns = (
  columns: ScoreColumns,
  formatText: (columns: ScoreColumns) => ScoreText,
): PredictedRows => {
  const { rows } = columns;
  let formatted: ScoreText | undefined;
  const text = () => {
    formatted ??= formatText(columns);
    return formatted;
  };
  let counts: ReadonlyMap<string, number> | undefined;
  let predictions: Prediction[] | undefined;
  return {
    length: rows,
    at: (row) => (row >= 0 && row < rows ? readScoreRow(columns, row) : undefined),
    toArray() {
      predictions ??= Array.from({ length: rows }, (_, row) => readScoreRow(columns, row));
      return predictions;
    },
    toJson: () => writePredictions(text(), rows),
    countLabels() {
      counts ??= countColumn(columns);
      return counts;
    },
    text,
    columns,
  };
};
