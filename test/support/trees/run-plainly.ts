import type { EnsembleRunner } from "#inference/model/compiled/ensemble-runner.ts";
import type { TreeEnsemble } from "#inference/model/compiled/tree-ensemble.ts";
import { evaluateEnsemble } from "./evaluate-ensemble.ts";

/** A runner in plain steps. Few rows a run, so that a test also sees requests that are split. */
export const runPlainly = (ensemble: TreeEnsemble): EnsembleRunner => {
  const { featureCount, width } = ensemble;
  const maxRows = 7;
  const features = new Float32Array(maxRows * featureCount);
  const numbers = new Float32Array(maxRows * width);
  return {
    featureCount,
    width,
    maxRows,
    features: (rows) => features.subarray(0, rows * featureCount),
    run: (rows) => {
      for (let row = 0; row < rows; row++)
        numbers.set(
          evaluateEnsemble(ensemble, features.subarray(row * featureCount, (row + 1) * featureCount)),
          row * width,
        );
      return numbers.subarray(0, rows * width);
    },
  };
};
