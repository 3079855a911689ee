import type { Manifest } from "#model-folder/manifest/manifest.ts";
import type { Holdout } from "#model-folder/rows/holdout.ts";
import type { MeasuredScore } from "./infer-gates.ts";
import { measureBaseline } from "./measure-baseline.ts";

const formatNumber = (value: number): string => String(Number(value.toPrecision(3)));

/** A sentence where the model is no better than a constant prediction. */
export const compareWithBaseline = (
  holdout: Holdout,
  manifest: Manifest,
  measured: readonly MeasuredScore[],
): string | undefined => {
  const baseline = measureBaseline(holdout, manifest);
  const score = measured.find(({ name }) => name === baseline?.name)?.score.estimate;
  if (score === undefined || !baseline) return undefined;
  const isBetter = baseline.higherIsBetter ? score > baseline.score : score < baseline.score;
  return isBetter
    ? undefined
    : `The model is no better than a constant prediction (${baseline.name} ${formatNumber(score)}, constant ${formatNumber(baseline.score)}). Check the guesses first, then that the table's columns are in the order of training, and that --target is right.`;
};
