import type { Golden, Manifest, Prediction, Row } from "#model-folder/manifest/manifest.ts";
import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { comparePredicted } from "./compare-predicted.ts";
import type { CsvTable } from "./read-csv-table.ts";
import { type PredictedSource, readPredicted } from "./read-predicted.ts";
import type { UsableRows } from "./select-usable-rows.ts";

type GoldenRules = {
  /** The most rows. */
  readonly count: number;
  /** The least tolerance. */
  readonly least: number;
};

/** A float16 has three digits: machines round the last one differently. */
export const leastTolerance = ({ outputs }: Pick<OnnxSummary, "outputs">): number =>
  outputs.some((value) => value.kind === "tensor" && value.type === "float16") ? 2e-3 : 1e-5;

/** @param difference the largest one between the runtime's predictions and these, relative above 1 */
export const createGolden = (
  rows: readonly Row[],
  predictions: readonly Prediction[],
  difference: number,
  { count, least }: GoldenRules,
): Golden => {
  const step = Math.max(1, Math.floor(rows.length / count));
  const chosen = rows.flatMap((row, at) => {
    const prediction = predictions[at];
    return at % step === 0 && prediction ? [{ row, prediction }] : [];
  });
  const kept = chosen.slice(0, count);
  const largest = Math.max(
    ...kept.flatMap(({ prediction }) => Object.values(prediction.scores).map(Math.abs)),
  );
  return {
    // A float32 has seven digits; long sums differ in the sixth between machines.
    tolerance: Math.min(
      0.01,
      Math.max(least, Number((largest * 1e-6).toPrecision(1)), Number((difference * 2).toPrecision(1))),
    ),
    rows: kept.map(({ row }) => row),
    predictions: kept.map(({ prediction }) => prediction),
  };
};

/** Golden vectors with another implementation's numbers. Throws PredictionsDiffer where the runtime's are not the same. */
export const createPredictedGolden = (
  predicted: PredictedSource,
  table: CsvTable,
  manifest: Manifest,
  { rows, numbers }: UsableRows,
  predictions: readonly Prediction[],
  { hasTrees, goldenRules }: { readonly hasTrees: boolean; readonly goldenRules: GoldenRules },
): { readonly golden: Golden; readonly note: string } => {
  const given = readPredicted(predicted, table, manifest);
  const compared = comparePredicted(manifest, given, predictions, numbers, hasTrees);
  const difference = compared.largestDifference;
  return {
    golden: createGolden(
      compared.places.map((place) => rows[place] ?? {}),
      compared.predictions,
      difference,
      goldenRules,
    ),
    note: `Python's predictions (${predicted.name}) agree on all ${compared.places.length} compared rows; golden.json has Python's numbers (largest difference ${Number(difference.toPrecision(3))}).`,
  };
};
