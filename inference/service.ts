import type { HttpProblem } from "./http/http-problem.ts";
import { createSampleRow } from "./model/load-model.ts";
import {
  type PredictRequest,
  type PredictResult,
  type RunPredictionDependencies,
  runPrediction,
} from "./run-prediction.ts";

/** What every protocol stands on: the model and who it is, a way to ask it, and whether it answers. */
export type Service = Pick<RunPredictionDependencies, "model" | "identity" | "newId" | "records" | "log"> & {
  /** Answers one request and reports it, whatever happens. */
  readonly answer: (read: () => Promise<PredictRequest | HttpProblem>) => Promise<PredictResult>;
  /** True once the model answered its test row; asked again until then. */
  readonly ready: () => Promise<boolean>;
};

const createReadinessCheck = ({ model }: RunPredictionDependencies): Service["ready"] => {
  let answered = false;
  return async () => {
    if (model.retryAfter?.() !== undefined) return false;
    answered ||= await model.predict([createSampleRow(model.manifest)]).then(
      (predictions) => predictions.length === 1,
      () => false,
    );
    return answered;
  };
};

/** The inference service without any protocol. */
export const createService = (needs: RunPredictionDependencies): Service => ({
  ...needs,
  answer: runPrediction(needs),
  ready: createReadinessCheck(needs),
});
