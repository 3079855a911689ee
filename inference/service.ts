import type { HttpProblem } from "./http/http-problem.ts";
import { createSampleRow } from "./model/load-model.ts";
import {
  type PredictRequest,
  type PredictResult,
  type RunPredictionDependencies,
  runPrediction,
} from "./run-prediction.ts";

/** The inference service that every protocol uses. */
export type Service = Pick<
  RunPredictionDependencies,
  "model" | "identity" | "newId" | "records" | "log" | "readExampleRow"
> & {
  /** Handles one predict request and always reports its metrics. */
  readonly predict: (read: () => Promise<PredictRequest | HttpProblem>) => Promise<PredictResult>;
  /** Whether the model can predict its sample row. The first success is remembered. */
  readonly ready: () => Promise<boolean>;
};

const createReadinessCheck = ({ model }: RunPredictionDependencies): Service["ready"] => {
  let isReady = false;
  return async () => {
    if (model.retryAfter?.() !== undefined) return false;
    isReady ||= await model.predict([createSampleRow(model.manifest)]).then(
      (predictions) => predictions.length === 1,
      () => false,
    );
    return isReady;
  };
};

/** Creates the inference service, independent of any protocol. */
export const createService = (dependencies: RunPredictionDependencies): Service => ({
  ...dependencies,
  predict: runPrediction(dependencies),
  ready: createReadinessCheck(dependencies),
});
